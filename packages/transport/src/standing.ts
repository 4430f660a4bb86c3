/**
 * The standing of a peer while its connection lives. A verdict ends: then, or every half hour, a peer that began with
 * fresh evidence proves itself anew over the same connection, and the certificate of another is judged again. Lists that
 * change are held against what is known of all peers at once. Who fails is left, with the reason.
 */
import type { AttestedPeer, Failure, PartRole, PeerVerdict } from '@bombyx/attest';
import type { Clock, Logger } from '@bombyx/base';
import { type Judging, joinFaults, type PeerPolicy, type Proof } from './attested.ts';
import type { Connection, PeerIdentity } from './connection.ts';
import { PeerRefusedError, QueryError, TransportError } from './errors.ts';
import { type Channel, freshNonce } from './evidence-exchange.ts';
import {
  JUDGE_TIMEOUT_MS,
  LEAST_PROOF_INTERVAL_MS,
  MAX_EVIDENCE_BYTES,
  REATTEST_EVERY_MS,
  REATTEST_TIMEOUT_MS,
} from './limits.ts';

/** A verdict that is about to end is renewed so long before, and never two within this time. */
const LEAD_MS = 60_000;
const JITTER = 0.25;

export interface StandingDeps {
  readonly policy: PeerPolicy;
  readonly role: PartRole;
  readonly channel: Channel | undefined;
  /** All that are connected at the same place, this one perhaps among them. */
  readonly peers?: Judging['peers'];
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** Time from one proof to the next; default 30 minutes. */
  readonly everyMs?: number | undefined;
}

/** The identity of a peer as the verdict has it. */
export function admittedAs(
  { publicKey, attested, proof }: { publicKey: Buffer; attested: AttestedPeer; proof: Proof },
  address: string,
  port: number,
): PeerIdentity {
  const { attestation, imageHash } = attested;
  return { publicKey, imageHash: Buffer.from(imageHash), attestation, address, port, attested, proof };
}

/** Looks after a connection until it ends; no timer runs for a peer whose verdict does. */
export function keepJudging(connection: Connection & { peer: PeerIdentity }, deps: StandingDeps): void {
  const { clock, random, log, everyMs = REATTEST_EVERY_MS } = deps;
  const { signal } = connection;
  let stop = () => {};
  const plan = () => {
    const { attested, proof } = connection.peer;
    if (attested === undefined || proof === undefined || signal.aborted) return;
    if (attested.tier === 'open') return; // nobody looked at what it showed
    const untilEndMs = Math.max(LEAD_MS, attested.expiresAtMs - clock.nowMs() - LEAD_MS);
    const periodMs = proof.form === 'fresh' && deps.channel ? everyMs * (1 - JITTER * random()) : untilEndMs;
    const delayMs = Math.min(periodMs, untilEndMs);
    if (delayMs !== Number.POSITIVE_INFINITY) stop = clock.after(delayMs, () => void again());
  };
  const again = async () => {
    const failures = await judgeAgain(connection, deps);
    if (signal.aborted) return;
    if (failures.length > 0) {
      const error = new PeerRefusedError('the peer did not stand up to being judged again', failures);
      log.warn('a peer is not admitted any more', { connection: connection.id, reason: error.message });
      connection.close(error);
    } else plan();
  };
  signal.addEventListener('abort', () => stop(), { once: true });
  plan();
}

/** @returns why the peer is not admitted any more; on success the connection has its new identity */
async function judgeAgain(
  connection: Connection & { peer: PeerIdentity },
  { policy, role, channel, clock, peers }: StandingDeps,
): Promise<readonly Failure[]> {
  const { peer } = connection;
  const { proof, address, port } = peer;
  if (proof === undefined || peer.publicKey === undefined) return [];
  const over = new AbortController();
  const leave = () => over.abort(connection.signal.reason);
  connection.signal.addEventListener('abort', leave, { once: true });
  const tooLate = new TransportError('TRANSPORT_TIMEOUT', `no verdict within ${JUDGE_TIMEOUT_MS} ms`);
  let cancelTimer = () => {};
  try {
    const shown = proof.form === 'fresh' && channel ? await askAgain(connection, channel, over.signal) : proof;
    const others = peers && (() => [...peers()].filter((other) => other !== connection.peer.attested));
    const judging = { role, address, signal: over.signal, peers: others };
    const verdict = await new Promise<PeerVerdict>((resolve, reject) => {
      cancelTimer = clock.after(JUDGE_TIMEOUT_MS, () => over.abort(tooLate));
      over.signal.addEventListener('abort', () => reject(over.signal.reason), { once: true });
      const { bytes, binding } = shown;
      (binding ? policy.judgeEvidence(bytes, binding, judging) : policy.judgeCertificate(bytes, judging)).then(
        resolve,
        reject,
      );
    });
    if (!verdict.ok) return verdict.failures;
    const failures = joinFaults(verdict.peer, policy, judging);
    if (failures.length > 0) return failures;
    const judged: Proof = { ...proof, bytes: shown.bytes, binding: shown.binding, judgedAtMs: clock.nowMs() };
    connection.peer = admittedAs({ publicKey: peer.publicKey, attested: verdict.peer, proof: judged }, address, port);
    return [];
  } catch (error) {
    const message = `the peer could not be judged again: ${error instanceof Error ? error.message : String(error)}`;
    return [{ code: 'EVIDENCE_NOT_RENEWED', message }];
  } finally {
    cancelTimer();
    connection.signal.removeEventListener('abort', leave);
  }
}

async function askAgain(connection: Connection, channel: Channel, signal: AbortSignal) {
  const nonce = freshNonce();
  const answer = await connection.query({ kind: 'bombyx.attest', nonce }, { timeoutMs: REATTEST_TIMEOUT_MS, signal });
  if (answer.kind !== 'bombyx.evidence' || answer.bundle.length === 0 || answer.bundle.length > MAX_EVIDENCE_BYTES) {
    throw new TransportError('TRANSPORT_PROTOCOL', 'the peer answered with no evidence');
  }
  return { bytes: Buffer.from(answer.bundle), binding: channel.bindingOf(nonce) };
}

/** Answers a peer that asks us to prove ourselves again: one proof at a time, and not too often. */
export function prover(channel: Channel, clock: Clock, signal: AbortSignal): (nonce: Buffer) => Promise<Buffer> {
  let nextMs = Number.NEGATIVE_INFINITY;
  return async (nonce) => {
    const nowMs = clock.monotonicMs();
    if (nowMs < nextMs) throw new QueryError(651, 'a proof was asked for a moment ago');
    nextMs = Number.POSITIVE_INFINITY;
    try {
      return Buffer.from(await channel.prove(nonce, signal));
    } catch (error) {
      throw new QueryError(651, error instanceof TransportError ? error.message : 'no evidence could be made');
    } finally {
      nextMs = clock.monotonicMs() + LEAST_PROOF_INTERVAL_MS;
    }
  };
}

/**
 * What there is now against a peer that was admitted before.
 * @param images that the root contract lists for its role, `any` where this network does not go by them
 */
export function standingFaults(
  { imageHash, attested }: PeerIdentity,
  role: PartRole,
  policy: PeerPolicy | undefined,
  images: 'any' | readonly Buffer[],
): readonly Failure[] {
  const faults = attested ? (policy?.reconsider?.(attested, role) ?? []) : [];
  if (images === 'any' || images.some((listed) => listed.equals(imageHash))) return faults;
  const message = `the root contract lists the image ${imageHash.toString('hex')} no more`;
  return [...faults, { code: 'ROOT_IMAGE', message }];
}

/**
 * Holds what changed against peers that were admitted before: the connections of those that fail end at once.
 * @param judgeAgain what there is against a peer now @returns how many ended
 */
export function reconsider(
  connections: Iterable<Connection>,
  judgeAgain: (peer: PeerIdentity) => readonly Failure[],
  log: Logger,
): number {
  let ended = 0;
  for (const connection of [...connections]) {
    const failures = judgeAgain(connection.peer);
    if (failures.length === 0 || connection.signal.aborted) continue;
    const error = new PeerRefusedError('the peer is not admitted any more', failures);
    log.warn('a peer is not admitted any more', { connection: connection.id, reason: error.message });
    connection.close(error);
    ended += 1;
  }
  return ended;
}
