/** The port with a memory, for tests that judge one chain of certificates thousands of times. */
import { createHash } from 'node:crypto';
import { nodeCrypto } from '../src/crypto/node.ts';
import type { AttestCrypto, PublicKey, VerifyKey } from '../src/crypto/port.ts';

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64');

/** Answers what `nodeCrypto` answers, and asks it once for each key and each signature. */
export function rememberingCrypto(): AttestCrypto {
  const keys = new Map<string, VerifyKey | undefined>();
  const remember = (key: PublicKey): VerifyKey | undefined => {
    const inner = nodeCrypto.importKey(key);
    if (inner === undefined) return undefined;
    const verdicts = new Map<string, boolean>();
    return {
      kind: inner.kind,
      verify(scheme, message, signature) {
        const question = `${scheme} ${digestOf(message)} ${textOf(signature)}`;
        const known = verdicts.get(question) ?? inner.verify(scheme, message, signature);
        verdicts.set(question, known);
        return known;
      },
    };
  };
  return {
    hash: nodeCrypto.hash,
    importKey(key) {
      const parts = 'point' in key ? [key.point] : 'bytes' in key ? [key.bytes] : [key.modulus, key.exponent];
      const name = [key.kind, ...parts.map(textOf)].join(' ');
      if (!keys.has(name)) keys.set(name, remember(key));
      return keys.get(name);
    },
  };
}
