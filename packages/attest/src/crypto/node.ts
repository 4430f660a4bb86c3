/** The cryptography port on `node:crypto`. */
import { constants, createPublicKey, hash, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { type AttestCrypto, keyKindOf, type PublicKey, type SignatureScheme } from './port.ts';
import { isSoundKey } from './sound-key.ts';

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
        if (key.kind === 'rsa' && signature.length !== key.modulus.length) return false; // OpenSSL takes shorter ones
        try {
          const form = 'point' in key ? derSignature(signature) : signature;
          return verify(digestOf[scheme], message, withOptions(imported, scheme), form);
        } catch {
          return false; // OpenSSL throws on some malformed signatures instead of answering
        }
      },
    };
  },
};

function withOptions(key: KeyObject, scheme: SignatureScheme): KeyObject | VerifyKeyObjectInput {
  if (scheme !== 'rsa-pss-sha384') return key;
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

/** r ‖ s as SEQUENCE (r, s), shorter than 128 bytes. Telling Node to do it costs half a verification more. */
function derSignature(signature: Uint8Array): Buffer {
  const width = signature.length / 2;
  const numbers = [signature.subarray(0, width), signature.subarray(width)].map((number) => {
    let start = 0;
    while (start < width - 1 && number[start] === 0) start++;
    const pad = (number[start] ?? 0) >= 0x80 ? [0] : [];
    return Buffer.from([2, pad.length + width - start, ...pad, ...number.subarray(start)]);
  });
  const content = Buffer.concat(numbers);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

/** DER up to the key itself. Importing SPKI costs half of what importing a JWK does. */
const spkiHeads = {
  p256: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
  p384: Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex'),
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
} as const;

function importKey(key: PublicKey): KeyObject | undefined {
  if (!isSoundKey(key)) return undefined;
  try {
    if (key.kind === 'rsa') return createPublicKey({ key: jwkOf(key), format: 'jwk' });
    const bytes = key.kind === 'ed25519' ? key.bytes : key.point;
    return createPublicKey({ key: Buffer.concat([spkiHeads[key.kind], bytes]), format: 'der', type: 'spki' });
  } catch {
    return undefined; // a point off its curve
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');

function jwkOf({ modulus, exponent }: PublicKey & { kind: 'rsa' }): Record<string, string> {
  return { kty: 'RSA', n: text(modulus), e: text(exponent) };
}
