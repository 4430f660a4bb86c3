/** What a side asks of its peer's attestation. Source: wire.md §5.3; a `tdx` policy comes with real quotes. */
import { createHash } from 'node:crypto';
import { type Certificate, CLAIMS_OID, ed25519Of, equalBytes, QUOTE_OID } from '@bombyx/attest';

export type Attestation = 'none' | 'fake_tdx' | 'tdx';

export type PolicyVerdict =
  | { readonly ok: true; readonly attestation: Attestation; readonly imageHash: Buffer }
  | { readonly ok: false; readonly failures: readonly string[] };

/** Judges a certificate that passed all checks which no policy decides. */
export interface PeerPolicy {
  readonly name: string;
  /** @returns every failed check */
  judge(certDer: Uint8Array, certificate: Certificate): PolicyVerdict;
}

/** Image hash of a peer without attestation. */
export const NO_IMAGE_HASH = Buffer.alloc(32);
/** Image hash of every fake machine: SHA-256 of an attestation body whose registers are all zero (8·48 + 64 bytes). */
export const FAKE_IMAGE_HASH = createHash('sha256').update(Buffer.alloc(448)).digest();

/** Any valid certificate. The peer counts as not attested even if it shows a quote, because nobody looked at it. */
export function anyPolicy(): PeerPolicy {
  const verdict: PolicyVerdict = { ok: true, attestation: 'none', imageHash: NO_IMAGE_HASH };
  return { name: 'any', judge: () => verdict };
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
  const notAllowed = fake.filter(([, list, value]) => !admits(list, value)).map(([name]) => `${name} not allowed`);
  return {
    name: 'fake_tdx',
    judge(_der, certificate) {
      const failures = [...quoteFailures(certificate), ...notAllowed];
      if (failures.length > 0) return { ok: false, failures };
      return { ok: true, attestation: 'fake_tdx', imageHash: FAKE_IMAGE_HASH };
    },
  };
}

function admits(list: AllowLists[keyof AllowLists], value: Buffer): boolean {
  if (list === undefined || list.length === 0) return true;
  return list.some((entry) => value.equals(typeof entry === 'string' ? Buffer.from(entry, 'hex') : entry));
}

function quoteFailures(certificate: Certificate): string[] {
  const { extensions } = certificate;
  const publicKey = ed25519Of(certificate);
  const quote = extensions.get(QUOTE_OID);
  const claims = extensions.get(CLAIMS_OID);
  if (quote === undefined) return ['no quote'];
  const failures: string[] = [];
  if (claims === undefined) failures.push('quote without claims');
  else if (publicKey === undefined || !equalBytes(claims.value, publicKey)) failures.push('claims name another key');
  if (!quote.critical || claims?.critical === false) failures.push('attestation extensions are not critical');
  if (quote.value.length !== 64) failures.push('not a fake quote');
  else if (publicKey === undefined || !equalBytes(quote.value, reportData(publicKey))) {
    failures.push('report data belongs to another key');
  }
  return failures;
}

/** REPORTDATA that binds a quote to an Ed25519 public key: SHA-512 of its 32 bytes. */
export function reportData(publicKey: Uint8Array): Buffer {
  return createHash('sha512').update(publicKey).digest();
}
