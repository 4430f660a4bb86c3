import { Bench } from 'tinybench';
import { deps, gate, identity } from '../testing/listeners.ts';
import { part } from '../testing/pairs.ts';
import { anyPolicy, connect } from './index.ts';

/** Both ends in one process over loopback TLS: one round trip of a small message, and many at once of each size. */
await using server = await gate({
  handlers: (peer) => ({ onMessage: (message) => void peer.send(message), onQuery: () => new Promise(() => {}) }),
});
let wanted = 0;
let done = () => {};
const connection = await connect(
  { host: '127.0.0.1', port: server.listener.port, security: { kind: 'tls', identity, policy: anyPolicy() } },
  () => ({
    onMessage() {
      if (--wanted === 0) done();
    },
    onQuery: () => new Promise(() => {}),
  }),
  deps,
);

function echo(count: number, message = part(200)): Promise<void> {
  return new Promise((resolve) => {
    wanted = count;
    done = resolve;
    for (let i = 0; i < count; i++) connection.send(message);
  });
}

const bench = new Bench({ name: 'transport', time: 500 });
bench.add('1 message there and back', () => echo(1));
const volumes = [
  { count: 1_000, size: 64 },
  { count: 1_000, size: 1_024 },
  { count: 50, size: 65_536 },
];
for (const { count, size } of volumes) {
  const message = part(size);
  bench.add(`${count} messages of ${size} B there and back`, () => echo(count, message));
}
await bench.run();
console.table(bench.table());
console.table(
  volumes.map(({ count, size }, i) => {
    const result = bench.tasks[i + 1]!.result;
    const messages = 'throughput' in result ? result.throughput.mean * count : 0;
    return { size, 'messages/s each way': Math.round(messages), 'MB/s each way': Math.round((messages * size) / 1e6) };
  }),
);
connection.close();
