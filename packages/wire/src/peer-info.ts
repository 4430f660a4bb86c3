/**
 * What a router tells its runner about the peer, once, in front of the packets and only on the loopback leg. Not a
 * frame: it has a length of its own and no sequence number. Nothing authenticates it; whoever can open the loopback
 * port can claim any attestation.
 * Source: router and net/ of the C++ programs, `AttestedPeerInfo`.
 */
import { hash } from 'node:crypto';
import { paddedSize, Reader, Writer } from './bytes.ts';
import { WireError } from './errors.ts';

/** Largest content, in bytes. Probably meant as 16,384; this is what the C++ programs allow. */
const MAX_CONTENT = 16_536;
const ROOT_HASH_SIZE = 48;
const KEY_SIZE = 32;
const REPORT_DATA_SIZE = 64;
const bodySizes = { tdx: 448, sgx: 96 } as const;
const kinds = ['tdx', 'sgx'] as const;

/**
 * What a quote says of a machine. `body` for TDX, 448 bytes: MRTD, MRCONFIGID, MROWNER, MROWNERCONFIG, RTMR0..3 (48 each),
 * REPORTDATA (64); for SGX, 96 bytes: MRENCLAVE (32), REPORTDATA (64).
 */
export interface Attestation {
  readonly kind: 'tdx' | 'sgx';
  readonly body: Buffer;
}

export interface PeerInfo {
  /** `undefined` for a peer that was let in without. */
  readonly attestation: Attestation | undefined;
  /** 48 bytes: root key of the quote's certificates; zeros without attestation. */
  readonly collateralRootHash: Buffer;
  /** 32 bytes, Ed25519. */
  readonly publicKey: Buffer;
  /** IPv4 in text. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** With its length in front. */
export function encodePeerInfo(info: PeerInfo): Buffer {
  const { attestation } = info;
  const body = attestation === undefined ? 0 : 4 + bodySizes[attestation.kind];
  const addresses = textSize(info.sourceAddress) + textSize(info.destinationAddress);
  const size = 4 + body + ROOT_HASH_SIZE + paddedSize(KEY_SIZE) + addresses + 8;
  if (size > MAX_CONTENT) throw new RangeError(`peer info of ${size} bytes`);
  const to = new Writer(Buffer.allocUnsafe(4 + size));
  to.int32(size);
  to.int32(attestation === undefined ? 0 : 1);
  if (attestation !== undefined) {
    to.int32(kinds.indexOf(attestation.kind));
    to.raw(attestation.body, bodySizes[attestation.kind]);
  }
  to.raw(info.collateralRootHash, ROOT_HASH_SIZE);
  to.prefix(KEY_SIZE);
  to.raw(info.publicKey, KEY_SIZE);
  to.padding(KEY_SIZE);
  to.string(info.sourceAddress);
  to.int32(info.sourcePort);
  to.string(info.destinationAddress);
  to.int32(info.destinationPort);
  return to.bytes;
}

function textSize(text: string): number {
  return paddedSize(Buffer.byteLength(text));
}

/**
 * Inverse of {@link encodePeerInfo}; Buffers are views of `bytes`.
 * @throws {WireError} `WIRE_TRUNCATED`, `WIRE_TRAILING`, `WIRE_FRAME_SIZE`, `WIRE_BAD_VALUE`
 */
export function decodePeerInfo(bytes: Uint8Array): PeerInfo {
  const cut = cutPeerInfo(bytes);
  if (cut === undefined) throw new WireError('WIRE_TRUNCATED', 'the peer info is not complete');
  if (cut.size < bytes.length) throw new WireError('WIRE_TRAILING', 'bytes behind the peer info');
  return cut.info;
}

/**
 * Looks for the peer info at the start of a stream of which `bytes` have come.
 * @returns it and how many bytes it took, or `undefined` while it is not complete
 * @throws {WireError} as {@link decodePeerInfo}; a length that is too large at once, before its bytes have come
 */
export function cutPeerInfo(bytes: Uint8Array): { readonly info: PeerInfo; readonly size: number } | undefined {
  if (bytes.length < 4) return undefined;
  const size = new Reader(bytes).uint32();
  if (size > MAX_CONTENT) throw new WireError('WIRE_FRAME_SIZE', `peer info of ${size} bytes`, { size });
  if (bytes.length - 4 < size) return undefined;
  const from = new Reader(bytes.subarray(4, 4 + size));
  const info: PeerInfo = {
    attestation: readAttestation(from),
    collateralRootHash: from.raw(ROOT_HASH_SIZE),
    publicKey: readKey(from),
    sourceAddress: from.string(),
    sourcePort: from.int32(),
    destinationAddress: from.string(),
    destinationPort: from.int32(),
  };
  if (from.left > 0) throw new WireError('WIRE_TRAILING', 'bytes behind the fields of the peer info');
  return { info, size: 4 + size };
}

function readAttestation(from: Reader): Attestation | undefined {
  const present = from.int32();
  if (present === 0) return undefined;
  const kind = kinds[from.int32()];
  if (present !== 1 || kind === undefined) throw new WireError('WIRE_BAD_VALUE', 'an attestation of no known kind');
  return { kind, body: from.raw(bodySizes[kind]) };
}

function readKey(from: Reader): Buffer {
  const key = from.data();
  if (key.length !== KEY_SIZE) throw new WireError('WIRE_BAD_VALUE', 'a public key that is not 32 bytes');
  return key;
}

/**
 * The 32 bytes by which the root contract knows an image: SHA-256 of the attestation body with REPORTDATA zeroed; zeros
 * for a peer without attestation.
 */
export function imageHash(attestation: Attestation | undefined): Buffer {
  if (attestation === undefined) return Buffer.alloc(32);
  const body = Buffer.from(attestation.body);
  body.fill(0, body.length - REPORT_DATA_SIZE);
  return hash('sha256', body, 'buffer');
}
