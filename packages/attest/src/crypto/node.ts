/** The cryptography port on `node:crypto`. */
import { constants, createPublicKey, hash, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { type AttestCrypto, keyKindOf, type PublicKey, type SignatureScheme } from './port.ts';

const digestOf: Readonly<Record<SignatureScheme, string | null>> = {
  'ecdsa-sha256': 'sha256',
  'ecdsa-sha384': 'sha384',
  ed25519: null,
  'rsa-pss-sha384': 'sha384',
  'rsa-sha256': 'sha256',
  'rsa-sha384': 'sha384',
};

export const nodeCrypto: AttestCrypto = {
  hash: (name, bytes) => hash(name, bytes, 'buffer'),
  importKey(key) {
    const imported = importKey(key);
    if (imported === undefined) return undefined;
    return {
      kind: key.kind,
      verify(scheme, message, signature) {
        if (!keyKindOf[scheme].includes(key.kind)) return false;
        if ('point' in key && signature.length !== key.point.length) return false;
        try {
          return verify(digestOf[scheme], message, withOptions(imported, scheme), signature);
        } catch {
          return false; // OpenSSL throws on some malformed signatures instead of answering
        }
      },
    };
  },
};

function withOptions(key: KeyObject, scheme: SignatureScheme): KeyObject | VerifyKeyObjectInput {
  if (scheme === 'ecdsa-sha256' || scheme === 'ecdsa-sha384') return { key, dsaEncoding: 'ieee-p1363' };
  if (scheme !== 'rsa-pss-sha384') return key;
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

function importKey(key: PublicKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwkOf(key), format: 'jwk' });
  } catch {
    return undefined;
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');

function jwkOf(key: PublicKey): Record<string, string> {
  switch (key.kind) {
    case 'p256':
    case 'p384': {
      const size = key.kind === 'p256' ? 32 : 48;
      if (key.point.length !== 2 * size) throw new RangeError('point size');
      const [x, y] = [text(key.point.subarray(0, size)), text(key.point.subarray(size))];
      return { kty: 'EC', crv: key.kind === 'p256' ? 'P-256' : 'P-384', x, y };
    }
    case 'ed25519':
      if (key.bytes.length !== 32) throw new RangeError('key size');
      return { kty: 'OKP', crv: 'Ed25519', x: text(key.bytes) };
    case 'rsa':
      if (key.modulus.length < 256 || key.modulus.length > 1024 || key.modulus[0] === 0)
        throw new RangeError('modulus');
      return { kty: 'RSA', n: text(key.modulus), e: text(key.exponent) };
  }
}
