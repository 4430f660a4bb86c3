/** What a part shows to its peer: its claims, and the evidence for them. Source: attestation.md §20.1, step 2. */
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { decodeCanonical, encodeCanonical, Fields } from './cbor.ts';
import { MAX_CLAIMS_BYTES } from './claims.ts';

/** Largest encoding, in bytes. */
export const MAX_EVIDENCE_BYTES = 1_048_576;
export const MAX_EVIDENCE_ITEMS = 32;
/** The map, two keys, two values, and for each item a map with three keys and values. */
const MAX_TOKENS = 5 + 7 * MAX_EVIDENCE_ITEMS;

const kinds = ['tdx', 'sgx', 'sev-snp', 'simulated', 'nvidia-gpu', 'event-log'] as const;
export type EvidenceKind = (typeof kinds)[number];

export interface EvidenceItem {
  readonly kind: EvidenceKind;
  /** As the vendor writes it: quote, report, SPDM request and response, log. */
  readonly data: Uint8Array;
  /** Certificates that come along: PEM, or DER of one. Trusted no more than the rest of what a peer says. */
  readonly certificates?: string | Uint8Array;
}

export interface PeerEvidence {
  /** Encoded claims, kept as they came: REPORTDATA covers these bytes. */
  readonly claims: Uint8Array;
  readonly items: readonly EvidenceItem[];
}

/** @throws {MalformedError} more than {@link decodeEvidence} takes */
export function encodeEvidence({ claims, items }: PeerEvidence): Uint8Array {
  const plain = items.map(({ kind, data, certificates }) => ({ kind, data, certificates }));
  const bytes = encodeCanonical({ claims, items: plain });
  if (bytes.length > MAX_EVIDENCE_BYTES || items.length > MAX_EVIDENCE_ITEMS)
    throw new MalformedError(`evidence of ${bytes.length} bytes in ${items.length} items`);
  return bytes;
}

/** Inverse of {@link encodeEvidence}; judges no content. @throws {MalformedError} anything but its one encoding */
export function decodeEvidence(bytes: Uint8Array): PeerEvidence {
  const fields = new Fields(decodeCanonical(bytes, MAX_EVIDENCE_BYTES, MAX_TOKENS), 'evidence');
  const claims = fields.bytes('claims', MAX_CLAIMS_BYTES, 1);
  const items = fields.list('items', MAX_EVIDENCE_ITEMS).map(readItem);
  fields.end();
  return { claims, items };
}

function readItem(value: unknown, index: number): EvidenceItem {
  const fields = new Fields(value, `evidence item ${index}`);
  const text = fields.text('kind', 32);
  const kind = kinds.find((known) => known === text);
  if (kind === undefined) throw new MalformedError(`evidence item ${index} is of an unknown kind`);
  const data = fields.bytes('data', MAX_EVIDENCE_BYTES, 1);
  const item: EvidenceItem = fields.has('certificates')
    ? { kind, data, certificates: fields.textOrBytes('certificates', MAX_EVIDENCE_BYTES) }
    : { kind, data };
  fields.end();
  return item;
}

/** Names a bundle in answers and receipts: SHA-256 of its encoding. */
export function evidenceDigest(evidence: PeerEvidence, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', encodeEvidence(evidence));
}

/** What claims name one GPU evidence by: SHA-256 of its signed record. */
export function gpuDigest(item: EvidenceItem, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', item.data);
}
