import { Bench } from 'tinybench';
import { freshSignatures } from '../../testing/signatures.ts';
import { nodeCrypto } from './node.ts';
import { webCrypto } from './web.ts';

/** Signatures verified per second with an imported key, of a text of 8 bytes. */
const bench = new Bench({ name: 'attest/verify', time: 200 });
for (const { key, scheme, message, signature, name } of freshSignatures().filter(
  ({ message }) => message.length === 8,
)) {
  if (key.kind === 'rsa' && key.modulus.length !== 384) continue;
  for (const [where, crypto] of [
    ['OpenSSL', nodeCrypto],
    ['page', webCrypto],
  ] as const) {
    const imported = crypto.importKey(key);
    bench.add(`${name}, ${where}`, () => void imported?.verify(scheme, message, signature));
  }
}
await bench.run();
console.table(bench.table());
