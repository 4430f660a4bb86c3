/** What ties evidence to a key, and in the fresh form also to one connection. Source: attestation.md §2, §14.5, §20.1. */
import { concat, fromHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import type { PartRole } from './claims.ts';

/** Label of the TLS exporter; its context is absent, its length 32. */
export const EXPORTER_LABEL = 'EXPORTER-cocoon-attest-v2';

/** What both ends of one connection know. */
export interface Binding {
  /** Of the side that proves. */
  readonly role: PartRole;
  /** 32 random bytes of the side that asks. */
  readonly nonce: Uint8Array;
  /** 32 bytes of the TLS exporter, {@link EXPORTER_LABEL}. */
  readonly exporter: Uint8Array;
  /** Ed25519 key in the certificate of the side that proves, 32 bytes. */
  readonly publicKey: Uint8Array;
}

const roleByte: Readonly<Record<PartRole, number>> = { client: 1, proxy: 2, worker: 3 };

/**
 * REPORTDATA of the fresh form, 64 bytes.
 * @param claims encoded
 * @throws {RangeError} nonce or exporter is not 32 bytes
 */
export function reportDataV2({ role, nonce, exporter }: Binding, claims: Uint8Array, crypto: AttestCrypto): Uint8Array {
  const claimsHash = crypto.hash('sha256', claims);
  const tag = utf8('cocoon-attest-v2');
  return crypto.hash('sha512', concat(tag, Uint8Array.of(roleByte[role]), sized(nonce), sized(exporter), claimsHash));
}

/** REPORTDATA of the C++ certificate form: SHA-512 of the Ed25519 key, 64 bytes. Says nothing about time or role. */
export function reportDataV1(publicKey: Uint8Array, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha512', publicKey);
}

/** SubjectPublicKeyInfo of an Ed25519 key, up to the key. */
const ED25519_SPKI = fromHex('302a300506032b6570032100');

/**
 * Nonce that GPU evidence must carry, 32 bytes: of this connection, or, where the evidence was made before there was
 * one, of `stored`, 32 random bytes of the machine that stand in its claims (`gpuNonce`).
 */
export function gpuNonceOf(
  { publicKey, nonce, exporter }: Pick<Binding, 'publicKey' | 'nonce' | 'exporter'>,
  stored: Uint8Array | undefined,
  crypto: AttestCrypto,
): Uint8Array {
  const seed = stored === undefined ? concat(sized(nonce), sized(exporter)) : sized(stored);
  return crypto.hash('sha256', concat(utf8('cocoon-gpu-v2'), ED25519_SPKI, sized(publicKey), seed));
}

function sized(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw new RangeError(`${bytes.length} bytes, not 32`);
  return bytes;
}
