/** What clients are told about the workers that answer them: who they have proven to be, and the proof itself. */
import { createHash } from 'node:crypto';
import type { PeerIdentity } from '@bombyx/transport';
import type { Tl } from '@bombyx/wire';

/** Proofs in one answer; and their bytes, so that it fits into a packet. */
const MAX_PROOFS = 16;
const MAX_PROOF_BYTES = 8 << 20;

export type ServedBy = Tl<'bombyx.servedBy'>;

/** @param model the whole text that the worker serves under */
export function servedBy({ attestation, imageHash, proof }: PeerIdentity, model: string): ServedBy {
  const digest = proof && attestation !== 'none' ? createHash('sha256').update(proof.bytes).digest() : undefined;
  const shown = digest ? { flags: 1, evidence: digest } : { flags: 0 };
  return { kind: 'bombyx.servedBy', tier: tierOf(attestation), model, image_hash: imageHash, ...shown };
}

function tierOf(attestation: PeerIdentity['attestation']): string {
  if (attestation === 'none') return 'open';
  return attestation === 'fake_tdx' ? 'simulated' : attestation;
}

interface Prover {
  readonly connection: { readonly peer: PeerIdentity };
  readonly servedBy: ServedBy;
}

/** @param evidence the digest of the one that is asked for; empty: as many as there is room for */
export function workerProofs(workers: Iterable<Prover>, evidence: Buffer): Tl<'bombyx.workerProofs'> {
  const proofs: Tl<'bombyx.workerProof'>[] = [];
  let bytes = 0;
  for (const { connection, servedBy: worker } of workers) {
    const { proof, publicKey } = connection.peer;
    if (proof === undefined || publicKey === undefined || worker.evidence === undefined) continue;
    if (evidence.length > 0 && !evidence.equals(worker.evidence)) continue;
    bytes += proof.bytes.length;
    if (bytes > MAX_PROOF_BYTES || proofs.length === MAX_PROOFS) break;
    const { binding } = proof;
    const bound = binding && { nonce: Buffer.from(binding.nonce), exporter: Buffer.from(binding.exporter) };
    proofs.push({
      kind: 'bombyx.workerProof',
      worker,
      public_key: publicKey,
      policy: proof.policy,
      judged_at: proof.judgedAtMs / 1_000,
      proof: proof.bytes,
      ...(bound ? { flags: 1, ...bound } : { flags: 0 }),
    });
  }
  return { kind: 'bombyx.workerProofs', workers: proofs };
}
