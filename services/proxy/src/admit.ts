/**
 * Admission: from a message to a request that may run. Every number is checked, the body's own limits are compared with
 * what was claimed, and the most it can cost is set aside.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type Clock, RandomPool } from '@bombyx/base';
import { reservation } from '@bombyx/ledger';
import { decodeOf, type Tl, WireError } from '@bombyx/wire';
import { type BodyFacts, readBody } from './body.ts';
import type { Run } from './client-dialect.ts';
import type { ClientLink } from './client-link.ts';
import { because, type Failure, failure } from './errors.ts';
import type { ProxyLimits } from './limits.ts';
import type { Rules } from './session.ts';
import { Work } from './work.ts';
import type { WorkerPool } from './worker-pool.ts';

export type Admission = { readonly ok: true; readonly work: Work } | { readonly ok: false; readonly because: Failure };

/** Bytes of a prompt that decide which worker has it cached. */
const PREFIX_BYTES = 1_024;
const MAX_TOKENS = 0x7fff_ffff;

export interface AdmitDeps {
  readonly rules: Rules;
  readonly limits: ProxyLimits;
  readonly pool: WorkerPool;
  readonly clock: Clock;
}

export class Admit {
  readonly #deps: AdmitDeps;
  /** Prompt prefixes are compared by keyed hash only; the key lives as long as the process. */
  readonly #prefixKey = randomBytes(32);
  readonly #random = new RandomPool({ bytes: (size) => randomBytes(size) });

  constructor(deps: AdmitDeps) {
    this.#deps = deps;
  }

  /** On success the reservation is held under `work.key`; the caller owes a settlement or a release. */
  admit(client: ClientLink, run: Run): Admission {
    const { limits, pool, clock } = this.#deps;
    const { rules: self } = this.#deps;
    const { root } = self;
    const { party } = client;
    const { accounts } = party.instance;
    if (client.works.has(run.key)) return refuse('duplicate_request', 'a request with this id is running');
    const { state = 'running' } = party.instance.clientContract(party.owner) ?? {};
    if (party.instance.phase !== 'serving') {
      return refuse('config_too_old', 'the proxy contract of this connection is served no more: connect again');
    }
    if (state !== 'running') return refuse('client_closing', `the client contract is ${state}`);
    if (party.running >= limits.requestsPerClient) {
      return refuse('too_many_requests', `more than ${limits.requestsPerClient} requests of this client are running`);
    }
    if (run.minConfigVersion > root.version) return refuse('config_too_old', 'active config version is too low');
    const model = pool.model(run.model);
    if (!model) return refuse('unknown_model', because(`unknown model ${run.model}`, self.refusedWorker));
    const request = readRequest(run.query);
    if (request instanceof WireError)
      return refuse('bad_request', `the request is not an http.request: ${request.message}`);
    const body = readBody(request.payload);
    if (!body.ok) return refuse('bad_request', `the request body: ${body.fault}`);
    const maxTokens = claimed(run, body.facts);
    if (typeof maxTokens !== 'number') return { ok: false, because: maxTokens };
    const held = reservation(maxTokens, run.query.length, run.maxCoefficient, root.multipliers);
    const work = new Work({
      client,
      run,
      model,
      id: this.#newId(),
      held,
      prefix: model.links.length > 1 ? this.#prefix(request.payload, body.facts.prompt) : undefined,
      nowMs: clock.monotonicMs(),
      startSec: clock.nowMs() / 1_000,
      queueMs: limits.queueMs,
    });
    const hold = accounts.hold(work.key, party.owner, held);
    if (hold.ok) return { ok: true, work };
    return refuse('balance_too_low', `client balance is too low: to_reserve=${held} available=${hold.available}`);
  }

  /** 32 bytes: six of time, so that charges append to their table, and 26 of chance. */
  #newId(): Buffer {
    const id = this.#random.bytes(32);
    id.writeUIntBE(Math.max(0, Math.floor(this.#deps.clock.nowMs())), 0, 6);
    return id;
  }

  #prefix(payload: Buffer, prompt: BodyFacts['prompt']): number | undefined {
    if (!prompt) return undefined;
    const start = payload.subarray(prompt.start, Math.min(prompt.end, prompt.start + PREFIX_BYTES));
    return createHmac('sha256', this.#prefixKey).update(start).digest().readUInt32LE();
  }
}

function refuse(reason: Parameters<typeof failure>[0], message: string): Admission {
  return { ok: false, because: failure(reason, message) };
}

function readRequest(query: Buffer): Tl<'http.request'> | WireError {
  try {
    return decodeOf('http.request', query);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/**
 * Tokens of answer to reserve. A client of version 3 must have claimed what its body asks for; an older one cannot claim
 * for `n` answers, so more is reserved for it.
 */
function claimed(run: Run, { maxTokens, answers }: BodyFacts): number | Failure {
  const asked = (maxTokens ?? 0) * answers;
  if (asked <= run.maxTokens) return run.maxTokens;
  const older = run.window === undefined;
  if (older && (maxTokens ?? 0) <= run.maxTokens && asked <= MAX_TOKENS) return asked;
  return failure('max_tokens_exceeded', `the body asks for ${asked} tokens, max_tokens claims ${run.maxTokens}`);
}
