import { Bench } from 'tinybench';
import { deps, gate, identity } from '../testing/listeners.ts';
import { part } from '../testing/pairs.ts';
import { anyPolicy, connect } from './index.ts';

/** Both ends in one process over loopback TLS: one round trip of a small message, and a thousand of them at once. */
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

const message = part(200);
function echo(count: number): Promise<void> {
  return new Promise((resolve) => {
    wanted = count;
    done = resolve;
    for (let i = 0; i < count; i++) connection.send(message);
  });
}

const bench = new Bench({ name: 'transport', time: 500 });
bench.add('1 message there and back', () => echo(1));
bench.add('1,000 messages there and back', () => echo(1_000));
await bench.run();
console.table(bench.table());
connection.close();
