/**
 * Judges peers beside the event loop: what strangers send costs a thread's time, bounded by rate and queue, and never
 * that of running requests. Whatever goes wrong, the answer is a verdict that refuses. Source: attestation.md §9.
 */
import { createHash } from 'node:crypto';
import {
  type Binding,
  type EvidenceNeeds,
  type Failure,
  MAX_EVIDENCE_BYTES,
  type PeerVerdict,
  type Policy,
  type Role,
  type Trust,
} from '@bombyx/attest';
import type { Clock, Logger } from '@bombyx/base';
import type { CollateralStore } from '../collateral/collateral-store.ts';
import { MAX_ADDRESSES, MAX_VERDICT_BYTES, MAX_VERDICTS, VERDICT_RATE, VERDICT_TIMEOUT_MS } from '../limits.ts';
import { type RateLimits, Rates } from '../rate.ts';
import { steadyClock } from '../steady-clock.ts';
import { until } from '../until.ts';
import { rateNameOf } from './address.ts';
import { JudgePool, type JudgePoolOptions, type Judges, NoVerdict, noVerdict } from './judge-pool.ts';
import type { Admitted, Shown } from './task.ts';
import { type CacheLimits, VerdictCache } from './verdict-cache.ts';

export interface PeerVerifierOptions extends JudgePoolOptions {
  /** For each address (IPv6: each /64); default 8 a second, 64 at once. */
  readonly rate?: RateLimits;
  readonly cache?: Partial<CacheLimits>;
  /** Default 30 s: for one verdict, collateral included. */
  readonly timeoutMs?: number;
}

export interface PeerVerifierDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Without it nothing that needs a vendor's word is accepted. The verifier does not close it. */
  readonly collateral?: CollateralStore;
  /** Default: a {@link JudgePool}. The verifier closes it. */
  readonly judges?: Judges;
}

export interface Asking {
  /** Of the peer, without its port. */
  readonly address: string;
  readonly signal: AbortSignal;
  /** Living connections to each platform, for policies that bound them; see `JudgeOptions` of packages/attest. */
  readonly platformPeers?: ReadonlyMap<string, number>;
}

/** Largest certificate looked at: what TLS carries. */
const MAX_CERTIFICATE_BYTES = 96 * 1_024;

export class PeerVerifier implements AsyncDisposable {
  readonly #options: PeerVerifierOptions;
  readonly #deps: PeerVerifierDeps;
  readonly #judges: Judges;
  readonly #rates: Rates;
  readonly #cache: VerdictCache;
  readonly #running = new Map<string | symbol, Promise<PeerVerdict>>();
  readonly #policyIds = new WeakMap<Policy, number>();
  #policies = 0;
  #collateralVersion = 0;
  #flushes = 0;
  /** Shown by all whose verdicts are under way. */
  #bytes = 0;

  constructor(options: PeerVerifierOptions, outer: PeerVerifierDeps) {
    const deps = { ...outer, clock: steadyClock(outer.clock) };
    this.#options = options;
    this.#deps = deps;
    this.#judges = deps.judges ?? new JudgePool(options, deps);
    this.#rates = new Rates(options.rate ?? VERDICT_RATE, MAX_ADDRESSES, deps.clock);
    this.#cache = new VerdictCache(deps.clock, options.cache);
  }

  /**
   * The fresh form: evidence made for this connection.
   * @param evidence as it came, ≤ 1 MiB
   * @param policy a value: another policy is another object
   * @returns a verdict in every case. @throws the reason of `asking.signal` alone
   */
  judge(evidence: Uint8Array, binding: Binding, policy: Policy, asking: Asking): Promise<PeerVerdict> {
    return this.#ask({ form: 'evidence', bytes: evidence, binding }, MAX_EVIDENCE_BYTES, policy, asking);
  }

  /**
   * The certificate form of C++ peers. Call it when the handshake is complete.
   * @param role of the side that presented it
   * @returns a verdict in every case. @throws the reason of `asking.signal` alone
   */
  judgeCertificate(der: Uint8Array, role: Role, policy: Policy, asking: Asking): Promise<PeerVerdict> {
    return this.#ask({ form: 'certificate', bytes: der, role }, MAX_CERTIFICATE_BYTES, policy, asking);
  }

  /** Forgets all verdicts: a list changed. */
  flush(): void {
    this.#flushes += 1;
    this.#cache.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#judges[Symbol.asyncDispose]();
    await Promise.allSettled(this.#running.values());
  }

  async #ask(shown: Shown, mostBytes: number, policy: Policy, asking: Asking): Promise<PeerVerdict> {
    const { address, signal } = asking;
    signal.throwIfAborted();
    if (shown.bytes.length > mostBytes) {
      return refused('VERIFIER_SIZE', `${shown.bytes.length} bytes were shown, more than ${mostBytes}`);
    }
    if (!this.#rates.take(rateNameOf(address))) {
      return refused('VERIFIER_RATE', `too many verdicts for ${address}`, 'connect less often');
    }
    const name = `${this.#policyId(policy)} ${nameOf(shown)}`;
    const running = this.#running.get(name);
    if (running && asking.platformPeers === undefined) return until(running, signal);
    const { length } = shown.bytes;
    if (this.#running.size >= MAX_VERDICTS || this.#bytes + length > MAX_VERDICT_BYTES) {
      return refused('VERIFIER_BUSY', 'too many verdicts are under way', 'connect again later');
    }
    this.#bytes += length;
    const begun = this.#bounded(ownCopy(shown), policy, asking);
    const key = asking.platformPeers === undefined ? name : Symbol('counted by itself');
    this.#running.set(key, begun);
    void begun.finally(() => {
      this.#running.delete(key);
      this.#bytes -= length;
    });
    return until(begun, signal);
  }

  /** Never rejects. */
  async #bounded(shown: Shown, policy: Policy, asking: Asking): Promise<PeerVerdict> {
    const { timeoutMs = VERDICT_TIMEOUT_MS } = this.#options;
    const limit = new AbortController();
    const cancel = this.#deps.clock.after(timeoutMs, () => {
      limit.abort(noVerdict('VERIFIER_TIMEOUT', `no verdict within ${timeoutMs} ms`));
    });
    try {
      return await this.#verdict(shown, policy, asking, limit.signal);
    } catch (error) {
      if (error instanceof NoVerdict) return { ok: false, failures: [error.failure] };
      this.#deps.log.error('a verdict could not be made', { reason: String(error) });
      return refused('VERIFIER_FAULT', 'the verdict could not be made');
    } finally {
      cancel();
    }
  }

  /** Limited by its own time, not by whoever asked first: others may have joined. */
  async #verdict(shown: Shown, policy: Policy, asking: Asking, signal: AbortSignal): Promise<PeerVerdict> {
    const { platformPeers } = asking;
    const address = rateNameOf(asking.address); // one customer's network has the places of one
    const atMs = this.#deps.clock.nowMs();
    const inspection = await this.#judges.run(
      { step: 'inspect', shown, admits: admittedBy(policy), atMs },
      address,
      signal,
    );
    if (!inspection.ok) return inspection;
    const { needs } = inspection;
    const key = `${this.#policyId(policy)} ${inspection.key}`;
    const known = platformPeers === undefined ? this.#current().get(key) : undefined;
    if (known) return known;

    const { collateral } = this.#deps;
    if (collateral && !collateral.has(needs)) {
      const { roots } = collateral; // strangers' bytes cost no request before what is in them was judged
      const failures = await this.#judges.run({ step: 'screen', shown, roots, atMs }, address, signal);
      if (failures.length > 0) return { ok: false, failures };
    }
    const found = await this.#trustFor(needs, address, signal);
    if (!found.ok) return found;
    const version = collateral?.version;
    const flushes = this.#flushes;
    const task = {
      step: 'judge',
      shown,
      policy,
      trust: found.trust,
      atMs,
      ...(platformPeers && { platformPeers }),
    } as const;
    const verdict = await this.#judges.run(task, address, signal);
    const unchanged = version === collateral?.version && flushes === this.#flushes;
    if (platformPeers === undefined && unchanged) this.#current().put(key, verdict);
    return verdict;
  }

  async #trustFor(
    needs: EvidenceNeeds,
    address: string,
    signal: AbortSignal,
  ): Promise<{ ok: true; trust: Trust } | Refusal> {
    const { collateral } = this.#deps;
    if (collateral) return collateral.trustFor(needs, signal, address);
    const nothing = !needs.intel && !needs.amd && needs.rims.length === 0;
    if (nothing) return { ok: true, trust: {} };
    return refused(
      'COLLATERAL_NOT_CONFIGURED',
      'nothing to judge real evidence by',
      'configure a source of collateral',
    );
  }

  /** Verdicts that rest on collateral which was replaced are gone. */
  #current(): VerdictCache {
    const version = this.#deps.collateral?.version ?? 0;
    if (version !== this.#collateralVersion) this.#cache.clear();
    this.#collateralVersion = version;
    return this.#cache;
  }

  #policyId(policy: Policy): number {
    const known = this.#policyIds.get(policy);
    if (known !== undefined) return known;
    this.#policies += 1;
    this.#policyIds.set(policy, this.#policies);
    return this.#policies;
  }
}

function admittedBy(policy: Policy): Admitted {
  return policy.type === 'sev-snp' ? { type: policy.type, products: policy.products } : { type: policy.type };
}

interface Refusal {
  readonly ok: false;
  readonly failures: readonly Failure[];
}

function refused(code: string, message: string, fix?: string): Refusal {
  return { ok: false, failures: [fix === undefined ? { code, message } : { code, message, fix }] };
}

/** Exact bytes of our own: a caller may go on with his, and a view would be copied to the thread with all around it. */
function ownCopy(shown: Shown): Shown {
  const bytes = Uint8Array.from(shown.bytes);
  if (shown.form === 'certificate') return { ...shown, bytes };
  const { role, nonce, exporter, publicKey } = shown.binding;
  const binding = {
    role,
    nonce: Uint8Array.from(nonce),
    exporter: Uint8Array.from(exporter),
    publicKey: Uint8Array.from(publicKey),
  };
  return { form: shown.form, bytes, binding };
}

/** One name for what is the same in every bit, for as long as its verdict is under way. */
function nameOf(shown: Shown): string {
  const hash = createHash('sha256').update(`${shown.form} ${shown.bytes.length} `).update(shown.bytes);
  if (shown.form === 'certificate') return hash.update(shown.role).digest('base64');
  const { role, nonce, exporter, publicKey } = shown.binding;
  for (const part of [nonce, exporter, publicKey]) hash.update(`${part.length} `).update(part);
  return hash.update(role).digest('base64');
}
