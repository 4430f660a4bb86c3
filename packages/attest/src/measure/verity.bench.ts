import { Bench } from 'tinybench';
import { nodeCrypto } from '../crypto/node.ts';
import { webCrypto } from '../crypto/web.ts';
import { VERITY_SALT } from './model-hash.ts';
import { verityRoot } from './verity.ts';

/** Roots per second of 16 MiB, as a file gives them: times 16 is MiB/s. */
const bench = new Bench({ name: 'attest/verity', time: 1_000 });
const chunks = Array.from({ length: 16 }, (_, i) => new Uint8Array(1 << 20).fill(i));
bench.add('16 MiB, OpenSSL', () => verityRoot(chunks, { salt: VERITY_SALT, crypto: nodeCrypto }));
bench.add('16 MiB, in a page', () => verityRoot(chunks, { salt: VERITY_SALT, crypto: webCrypto }));
await bench.run();
console.table(bench.table());
