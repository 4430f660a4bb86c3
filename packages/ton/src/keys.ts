/** Ed25519 keys as COCOON configures them: a 32-byte seed, a 32-byte public key. Keep the KeyObject, not the bytes. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { TonError } from './errors.ts';

// DER around a raw key, RFC 8410.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;

/** A signing key from its 32-byte seed (`machine_specific_private_key`, `node_wallet_key`). @throws {TonError} `TON_KEY` */
export function privateKeyFromSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, checked(seed)]), format: 'der', type: 'pkcs8' });
}

/** A verifying key from its 32 bytes (`proxy_public_key`). @throws {TonError} `TON_KEY` */
export function publicKeyFromBytes(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, checked(bytes)]), format: 'der', type: 'spki' });
}

/** The 32 public bytes of a private or public Ed25519 key. @throws {TonError} `TON_KEY` for another kind of key */
export function publicKeyBytes(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== 'ed25519') throw new TonError('TON_KEY', 'not an Ed25519 key');
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length === KEY_BYTES) return bytes;
  throw new TonError('TON_KEY', `an Ed25519 key has 32 bytes, not ${bytes.length}`, { size: bytes.length });
}
