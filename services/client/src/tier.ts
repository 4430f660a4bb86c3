import { createHash } from 'node:crypto';
import type { PeerIdentity } from '@bombyx/transport';
import type { Tl } from '@bombyx/wire';

/**
 * How far the confidentiality of an answer goes: `tdx` and `sev-snp` (verified hardware), `simulated` (stands in for it and
 * proves nothing), `open` (no enclave claimed).
 */
export type Tier = 'tdx' | 'sev-snp' | 'simulated' | 'open';

/** Weakest of proxy and worker. */
export const TIER_HEADER = 'X-Bombyx-Tier';
/** SHA-256 of the text of the model that the worker serves, in hex, as the root contract lists it; `none` if unknown. */
export const MODEL_HASH_HEADER = 'X-Bombyx-Model-Hash';
/** SHA-256 of what the worker proved itself by, in hex; `none` where it proved nothing. */
export const EVIDENCE_HEADER = 'X-Bombyx-Evidence';

/** Only the client writes these: those from the wire are dropped. */
export const PROOF_HEADERS: readonly string[] = [TIER_HEADER, MODEL_HASH_HEADER, EVIDENCE_HEADER].map((name) =>
  name.toLowerCase(),
);

const weakestFirst: readonly Tier[] = ['open', 'simulated', 'sev-snp', 'tdx'];

export function tierOf(attestation: PeerIdentity['attestation']): Tier {
  if (attestation === 'none') return 'open';
  return attestation === 'fake_tdx' ? 'simulated' : attestation;
}

/**
 * What an answer says about who has seen it.
 * @param proxy as we judged it @param worker as the proxy judged it; absent below version 4, and then nothing is known of it
 */
export function proofHeaders(
  proxy: Tier,
  worker: Tl<'bombyx.servedBy'> | undefined,
): readonly (readonly [string, string])[] {
  if (worker === undefined) return UNKNOWN;
  return [
    [TIER_HEADER, weakest(proxy, readTier(worker.tier))],
    [MODEL_HASH_HEADER, createHash('sha256').update(worker.model).digest('hex')],
    [EVIDENCE_HEADER, worker.evidence?.toString('hex') ?? 'none'],
  ];
}

const UNKNOWN = [
  [TIER_HEADER, 'open'],
  [MODEL_HASH_HEADER, 'none'],
  [EVIDENCE_HEADER, 'none'],
] as const;

/** What we do not know claims nothing. */
function readTier(text: string): Tier {
  return weakestFirst.find((tier) => tier === text) ?? 'open';
}

function weakest(one: Tier, other: Tier): Tier {
  return weakestFirst[Math.min(weakestFirst.indexOf(one), weakestFirst.indexOf(other))]!; // both are in it
}
