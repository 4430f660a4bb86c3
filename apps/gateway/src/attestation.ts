/**
 * The chain of proofs behind the answers: what each proxy proved to us, and its workers to it, with the random bytes and
 * TLS exporters that they are bound to, so that an app checks all of it again with `@bombyx/attest`.
 */
import { createHash } from 'node:crypto';
import { EXPORTER_LABEL } from '@bombyx/attest';
import type { Client, ProxyProof, ShownProof, WorkerProof } from '@bombyx/client';
import { GatewayError } from './errors.ts';

/**
 * Answer to `GET /v1/attestation`.
 * @param evidence of the query: the digest in `x-bombyx-evidence` of an answer, in hex; absent: all proofs
 * @throws {GatewayError} `GATEWAY_INVALID_VALUE`, `GATEWAY_EVIDENCE_NOT_FOUND`
 */
export async function attestation(client: Client, evidence: string | undefined) {
  if (evidence !== undefined && !/^[0-9a-fA-F]{64}$/.test(evidence)) {
    throw new GatewayError('GATEWAY_INVALID_VALUE', "'evidence' must be 64 hex digits", { param: 'evidence' });
  }
  const proxies = await client.proofs(evidence === undefined ? undefined : Buffer.from(evidence, 'hex'));
  if (evidence !== undefined && proxies.every(({ workers }) => workers.length === 0)) {
    throw new GatewayError('GATEWAY_EVIDENCE_NOT_FOUND', 'no worker that is connected now showed this evidence', {
      param: 'evidence',
    });
  }
  return { object: 'attestation', exporter_label: EXPORTER_LABEL, proxies: proxies.map(proxyEntry) };
}

function proxyEntry({ address, tier, shown, verdict, workers, trouble }: ProxyProof) {
  return {
    address,
    role: 'proxy',
    tier,
    evidence: hex(createHash('sha256').update(shown.proof).digest()),
    ...proofEntry(shown),
    verdict: verdict ? plain(verdict) : null,
    workers: workers.map(workerEntry),
    trouble: trouble ?? null,
  };
}

function workerEntry({ tier, model, evidence, shown }: WorkerProof) {
  const model_hash = hex(createHash('sha256').update(model).digest());
  return { role: 'worker', tier, model, model_hash, evidence: hex(evidence), ...proofEntry(shown) };
}

function proofEntry({ form, proof, publicKey, imageHash, nonce, exporter, policy, judgedAtMs }: ShownProof) {
  return {
    form,
    proof: proof.toString('base64'),
    public_key: publicKey.toString('base64'),
    image_hash: hex(imageHash),
    nonce: nonce?.toString('base64') ?? null,
    exporter: exporter?.toString('base64') ?? null,
    policy,
    judged_at: new Date(judgedAtMs).toISOString(),
  };
}

/** Byte strings in hex, and times that never come as null. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [snake(name), plain(field)]));
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
