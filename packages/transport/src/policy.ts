/** The two policies that need nobody's help. Source: wire.md §5.3. */
import { createHash } from 'node:crypto';
import {
  type AttestedPeer,
  type Certificate,
  CLAIMS_OID,
  ed25519Of,
  equalBytes,
  type Failure,
  type PeerVerdict,
  QUOTE_OID,
  readCertificate,
} from '@bombyx/attest';
import type { PeerPolicy } from './attested.ts';

/** Image hash of a peer without attestation. */
export const NO_IMAGE_HASH = Buffer.alloc(32);
/** Image hash of every fake machine: SHA-256 of an attestation body whose registers are all zero (8·48 + 64 bytes). */
export const FAKE_IMAGE_HASH = createHash('sha256').update(Buffer.alloc(448)).digest();

/** Any valid certificate. The peer counts as not attested even if it shows a quote, because nobody looked at it. */
export function anyPolicy(): PeerPolicy {
  const verdict: PeerVerdict = { ok: true, peer: peerOf('none', NO_IMAGE_HASH) };
  const admit = () => Promise.resolve(verdict);
  return { name: 'any', wantsFresh: false, judgeCertificate: admit, judgeEvidence: admit };
}

/** Allowed values, each in hex or as bytes; an absent or empty list allows all. */
export interface AllowLists {
  readonly imageHashes?: readonly (Buffer | string)[];
  readonly mrtd?: readonly (Buffer | string)[];
  /** RTMR0…RTMR3, joined: 192 bytes. */
  readonly rtmrs?: readonly (Buffer | string)[];
  readonly collateralRootHashes?: readonly (Buffer | string)[];
}

/**
 * Machines that only play to be confidential, for networks on a desk: the quote is REPORTDATA alone, everything else
 * reads as zero. Never inferred, always asked for by name.
 */
export function fakeTdxPolicy(allowed: AllowLists = {}): PeerPolicy {
  const fake: [string, AllowLists[keyof AllowLists], Buffer][] = [
    ['image hash', allowed.imageHashes, FAKE_IMAGE_HASH],
    ['MRTD', allowed.mrtd, Buffer.alloc(48)],
    ['RTMRs', allowed.rtmrs, Buffer.alloc(192)],
    ['collateral root hash', allowed.collateralRootHashes, Buffer.alloc(48)],
  ];
  const notAllowed = fake
    .filter(([, list, value]) => !admits(list, value))
    .map(([name]) => failure('FAKE_NOT_ALLOWED', `${name} not allowed`));
  return {
    name: 'fake_tdx',
    wantsFresh: false,
    async judgeCertificate(der) {
      const failures = [...quoteFailures(readCertificate(der)), ...notAllowed];
      if (failures.length > 0) return { ok: false, failures };
      return { ok: true, peer: peerOf('fake_tdx', FAKE_IMAGE_HASH) };
    },
    async judgeEvidence() {
      const message = 'the peer shows other evidence than the stand-in that policy fake_tdx asks for';
      return { ok: false, failures: [failure('FAKE_OTHER_EVIDENCE', message)] };
    },
  };
}

function admits(list: AllowLists[keyof AllowLists], value: Buffer): boolean {
  if (list === undefined || list.length === 0) return true;
  return list.some((entry) => value.equals(typeof entry === 'string' ? Buffer.from(entry, 'hex') : entry));
}

function quoteFailures(certificate: Certificate): Failure[] {
  const { extensions } = certificate;
  const publicKey = ed25519Of(certificate);
  const quote = extensions.get(QUOTE_OID);
  const claims = extensions.get(CLAIMS_OID);
  if (quote === undefined) return [failure('FAKE_NO_QUOTE', 'no quote')];
  const failures: Failure[] = [];
  const fail = (code: string, message: string) => void failures.push(failure(code, message));
  if (claims === undefined) fail('FAKE_CLAIMS', 'quote without claims');
  else if (publicKey === undefined || !equalBytes(claims.value, publicKey))
    fail('FAKE_CLAIMS', 'claims name another key');
  if (!quote.critical || claims?.critical === false) fail('FAKE_EXTENSIONS', 'attestation extensions are not critical');
  if (quote.value.length !== 64) fail('FAKE_QUOTE', 'not a fake quote');
  else if (publicKey === undefined || !equalBytes(quote.value, reportData(publicKey))) {
    fail('FAKE_QUOTE', 'report data belongs to another key');
  }
  return failures;
}

const failure = (code: string, message: string): Failure => ({ code, message });

/** A peer of which nothing else is known. Its verdict holds as long as its connection. */
function peerOf(attestation: 'none' | 'fake_tdx', imageHash: Buffer): AttestedPeer {
  return {
    tier: attestation === 'none' ? 'open' : 'simulated',
    attestation,
    imageHash,
    publicKey: new Uint8Array(0), // the key is TLS's to tell
    owner: '',
    measurements: {},
    advisories: [],
    gpus: [],
    fresh: false,
    notBeforeMs: 0,
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
}

/** REPORTDATA that binds a quote to an Ed25519 public key: SHA-512 of its 32 bytes. */
export function reportData(publicKey: Uint8Array): Buffer {
  return createHash('sha512').update(publicKey).digest();
}
