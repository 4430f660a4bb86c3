/** The cryptography port for pages: `@noble/curves` and `@noble/hashes`, synchronous as WebCrypto is not. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { concat, equalBytes } from '../bytes.ts';
import { type AttestCrypto, keyKindOf, type PublicKey, type SignatureScheme } from './port.ts';
import { isPkcs1, isPss, openRsa } from './rsa.ts';
import { isSoundKey } from './sound-key.ts';

const hashes = { sha1, sha256, sha384, sha512 } as const;
const curves = { p256, p384 } as const;
type Verify = (scheme: SignatureScheme, message: Uint8Array, signature: Uint8Array) => boolean;

export const webCrypto: AttestCrypto = {
  hash: (name, bytes) => hashes[name](bytes),
  importKey(key) {
    const verify = isSoundKey(key) ? verifierOf(key) : undefined;
    if (verify === undefined) return undefined;
    return {
      kind: key.kind,
      verify: (scheme, message, signature) =>
        keyKindOf[scheme].includes(key.kind) && verify(scheme, message, signature),
    };
  },
};

/** @returns undefined for a point off its curve; the verifier is called for schemes of this kind of key only */
function verifierOf(key: PublicKey): Verify | undefined {
  switch (key.kind) {
    case 'p256':
    case 'p384':
      return ecdsaVerifier(key.kind, key.point);
    case 'ed25519':
      return (_scheme, message, signature) => verifyEd25519(key.bytes, message, signature);
    case 'rsa':
      return rsaVerifier(key.modulus, key.exponent);
  }
}

function ecdsaVerifier(kind: 'p256' | 'p384', coordinates: Uint8Array): Verify | undefined {
  const curve = curves[kind];
  const point = concat(Uint8Array.of(4), coordinates);
  if (!curve.utils.isValidPublicKey(point, false)) return undefined;
  return (scheme, message, signature) => {
    if (signature.length !== coordinates.length) return false;
    const digest = scheme === 'ecdsa-sha256' ? sha256(message) : sha384(message);
    return curve.verify(signature, digest, point, { prehash: false, lowS: false });
  };
}

const { Point } = ed25519;

/**
 * The equation without the cofactor, compared as bytes, as OpenSSL does: R = s·B − k·A. `ed25519.verify` takes signatures
 * that differ by a point of small order, and a page must not believe what a server refuses.
 */
function verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const commitment = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  const k = littleEndian(sha512(concat(commitment, key, message))) % Point.Fn.ORDER;
  const expected = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(key).multiplyUnsafe(k));
  return equalBytes(expected.toBytes(), commitment);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function rsaVerifier(modulus: Uint8Array, exponent: Uint8Array): Verify {
  const bits = 8 * modulus.length - Math.clz32(modulus[0] as number) + 24; // a sound key has a first byte
  return (scheme, message, signature) => {
    const opened = openRsa(modulus, exponent, signature);
    if (opened === undefined) return false;
    if (scheme === 'rsa-pss-sha384') return isPss(opened, bits, sha384(message), sha384);
    return scheme === 'rsa-sha256'
      ? isPkcs1(opened, 'sha256', sha256(message))
      : isPkcs1(opened, 'sha384', sha384(message));
  };
}
