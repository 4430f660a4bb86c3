/**
 * A process that charges as fast as it can until it is killed. For every charge that is durable it prints the id and
 * the tokens; whoever kills it compares what was printed with what is in the file. Arguments: the file, a seed.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '@bombyx/base';
import { SqliteStore } from '../src/store.ts';

const [path = '', seed = '0'] = process.argv.slice(2);
const store = new SqliteStore({ path }, { clock: systemClock });
let n = 0;

async function charge(): Promise<void> {
  for (;;) {
    const id = Buffer.alloc(32);
    id.writeUInt32BE(Number(seed), 0);
    id.writeUInt32BE(n++, 4);
    const total = BigInt(1 + (n % 97));
    await store.charge({
      id,
      client: `client-${n % 5}`,
      worker: `worker-${n % 3}`,
      tokens: { prompt: total, cached: 0n, completion: 0n, reasoning: 0n, total },
      atMs: Date.now(),
    });
    writeSync(1, `${id.toString('hex')} ${total}\n`); // synchronous: printed means durable
  }
}

for (let i = 0; i < 8; i += 1) void charge();
