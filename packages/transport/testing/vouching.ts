/** A policy and its evidence for tests: a bundle is the SHA-256 of what it must be bound to, so nothing else passes. */
import { createHash } from 'node:crypto';
import type { AttestedPeer, Binding, Failure, PartRole, PeerVerdict } from '@bombyx/attest';
import { createIdentity, type EvidenceSource, type PeerPolicy, type TlsIdentity } from '../src/index.ts';

export const IMAGE = Buffer.alloc(32, 0x1a);

export function bundleFor({ role, nonce, exporter, publicKey }: Binding): Buffer {
  return createHash('sha256').update(role).update(nonce).update(exporter).update(publicKey).digest();
}

/** @param make what is shown instead of an honest bundle */
export function sourceOf(role: PartRole, make: (binding: Binding) => Promise<Uint8Array> | Uint8Array = bundleFor) {
  const source: EvidenceSource = { role, evidence: async (binding) => make(binding) };
  return source;
}

export function provenIdentity(role: PartRole, make?: Parameters<typeof sourceOf>[1]): Promise<TlsIdentity> {
  return createIdentity({ attestation: 'simulated', evidence: sourceOf(role, make) });
}

export interface Vouching extends PeerPolicy {
  /** Evidence judged so far, and most of it at once. */
  judged: number;
  mostAtOnce: number;
  /** Set to refuse what would pass. */
  refuses: Failure | undefined;
  /** Awaited by every verdict. */
  pause: Promise<unknown>;
  expiresAtMs: number;
}

/** Asks for fresh evidence and admits honest bundles. */
export function vouching(): Vouching {
  let running = 0;
  const policy: Vouching = {
    name: 'vouching',
    wantsFresh: true,
    judged: 0,
    mostAtOnce: 0,
    refuses: undefined,
    pause: Promise.resolve(),
    expiresAtMs: Number.POSITIVE_INFINITY,
    judgeCertificate: () => Promise.reject(new Error('nobody asks for the certificate form')),
    async judgeEvidence(bundle, binding, { role }): Promise<PeerVerdict> {
      running += 1;
      policy.mostAtOnce = Math.max(policy.mostAtOnce, running);
      try {
        await policy.pause;
      } finally {
        running -= 1;
      }
      policy.judged += 1;
      const failures: Failure[] = [];
      if (binding.role !== role) failures.push({ code: 'TEST_ROLE', message: 'another role' });
      if (!bundleFor(binding).equals(bundle))
        failures.push({ code: 'TEST_BINDING', message: 'bound to something else' });
      if (policy.refuses) failures.push(policy.refuses);
      if (failures.length > 0) return { ok: false, failures };
      return { ok: true, peer: { ...somebody(binding.publicKey), expiresAtMs: policy.expiresAtMs } };
    },
  };
  return policy;
}

function somebody(publicKey: Uint8Array): AttestedPeer {
  return {
    tier: 'simulated',
    attestation: 'simulated',
    imageHash: IMAGE,
    publicKey,
    owner: '',
    measurements: {},
    advisories: [],
    gpus: [],
    fresh: true,
    notBeforeMs: 0,
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
}
