/** The two policies that need nobody's help. Source: wire.md §5.3. */
import { createHash } from 'node:crypto';
import {
  type AttestedPeer,
  type FakeTdxPolicy,
  judgeQuotedCertificate,
  type PeerVerdict,
  readCertificate,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import type { PeerPolicy } from './attested.ts';

/** Image hash of a peer without attestation. */
export const NO_IMAGE_HASH = Buffer.alloc(32);
/** Image hash of every fake machine: SHA-256 of an attestation body whose registers are all zero (8·48 + 64 bytes). */
export const FAKE_IMAGE_HASH = createHash('sha256').update(Buffer.alloc(448)).digest();

/** A verdict that holds as long as the connection of its peer. */
const FOR_GOOD = { notBeforeMs: 0, expiresAtMs: Number.POSITIVE_INFINITY } as const;

const stranger: AttestedPeer = {
  tier: 'open',
  attestation: 'none',
  imageHash: NO_IMAGE_HASH,
  publicKey: new Uint8Array(0), // the key is TLS's to tell
  owner: '',
  measurements: {},
  advisories: [],
  gpus: [],
  fresh: false,
  ...FOR_GOOD,
};

/** Any valid certificate. The peer counts as not attested even if it shows a quote, because nobody looked at it. */
export function anyPolicy(): PeerPolicy {
  const verdict: PeerVerdict = { ok: true, peer: stranger };
  const admit = () => Promise.resolve(verdict);
  return { name: 'any', wantsFresh: false, judgeCertificate: admit, judgeEvidence: admit };
}

/** Allowed values, in hex or as bytes; an absent list allows all. */
export interface AllowLists {
  readonly imageHashes?: readonly (Buffer | string)[];
}

/**
 * Machines that only play to be confidential, for networks on a desk: the quote is REPORTDATA alone, everything else
 * reads as zero. Never inferred, always asked for by name.
 */
export function fakeTdxPolicy({ imageHashes }: AllowLists = {}): PeerPolicy {
  const inHex = (hash: Buffer | string) => (typeof hash === 'string' ? hash.toLowerCase() : hash.toString('hex'));
  const measurements = imageHashes?.map((hash) => ({ imageHash: inHex(hash) })) ?? 'any';
  const policy: FakeTdxPolicy = { name: 'fake_tdx', type: 'fake_tdx', measurements };
  return {
    name: policy.name,
    wantsFresh: false,
    async judgeCertificate(der) {
      const certificate = readCertificate(der);
      // a stand-in says nothing about time, so the date is not asked for
      const options = { atMs: certificate.notBeforeMs, crypto: nodeCrypto };
      const verdict = judgeQuotedCertificate(certificate, policy, {}, options);
      return verdict.ok ? { ok: true, peer: { ...verdict.peer, ...FOR_GOOD } } : verdict;
    },
    async judgeEvidence() {
      const message = `the peer shows evidence made for this connection; the policy "${policy.name}" asks for the stand-in`;
      return { ok: false, failures: [{ code: 'POLICY_KIND', message }] };
    },
  };
}
