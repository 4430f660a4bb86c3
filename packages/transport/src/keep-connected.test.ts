import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually, FakeClock } from '@bombyx/testkit';
import { deps, gate, identity } from '../testing/listeners.ts';
import { recorder } from '../testing/pairs.ts';
import { anyPolicy, type Connection, keepConnected } from './index.ts';

const handlersFor = () => recorder().handlers;
const security = { kind: 'tls', identity, policy: anyPolicy() } as const;

it('comes back soon after the connection is lost', async () => {
  await using server = await gate();
  const seen: Connection[] = [];
  await using kept = keepConnected(
    { host: '127.0.0.1', port: server.listener.port, security, handlersFor },
    async (connection) => void seen.push(connection),
    deps,
  );
  await eventually('a connection', () => kept.current !== undefined);
  const first = kept.current;
  assert.equal(kept.failures, 0);
  server.accepted[0]!.close();
  await eventually('another one', () => kept.current !== undefined && kept.current !== first);
  assert.equal(seen.length, 2);
  assert.equal((kept.lastError as { code: string }).code, 'TRANSPORT_CLOSED');
});

it('tries again with pauses that double up to ten seconds, the first within 250 ms', async () => {
  const pauses: number[] = [];
  const clock = new FakeClock();
  const watched = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after(delayMs: number, task: () => void) {
      if (delayMs > 10_000 || delayMs === 10_000) return clock.after(delayMs, task); // limits of connecting
      pauses.push(delayMs);
      return clock.after(0, task);
    },
  };
  const server = await gate();
  const { port } = server.listener;
  await server.listener.close(); // nobody listens there any more
  await using kept = keepConnected({ host: '127.0.0.1', port, security, handlersFor }, async () => {}, {
    ...deps,
    clock: watched,
    random: () => 0.9,
  });
  for (let i = 1; i <= 8; i++) {
    await eventually(`pause ${i}`, () => pauses.length >= i);
    clock.advance(0);
  }
  assert.deepEqual(
    pauses.slice(0, 8).map((ms) => Math.round(ms)),
    [238, 475, 950, 1900, 3800, 7600, 9500, 9500],
  );
  assert.ok(kept.failures >= 8);
  assert.equal((kept.lastError as { code: string }).code, 'TRANSPORT_CONNECT');
});

it('closes a connection that the application refuses, and counts it as a failure', async () => {
  await using server = await gate();
  let tries = 0;
  await using kept = keepConnected(
    { host: '127.0.0.1', port: server.listener.port, security, handlersFor },
    async () => {
      tries++;
      if (tries < 3) throw new Error(`not good enough: ${tries}`);
    },
    deps,
  );
  await eventually('the third try', () => kept.current !== undefined);
  assert.equal(tries, 3);
  assert.match((kept.lastError as Error).message, /not good enough: 2/);
  assert.equal(kept.failures, 0);
  await eventually('only one is left', () => server.listener.connections.size === 1);
});

it('stops for good: closes the connection, tries no more, and ends with its caller too', async () => {
  const server = await gate();
  const stop = new AbortController();
  let ended = false;
  const options = { host: '127.0.0.1', port: server.listener.port, security, handlersFor, signal: stop.signal };
  const kept = keepConnected(
    options,
    async (_connection, signal) => {
      signal.addEventListener('abort', () => {
        ended = true;
      });
    },
    deps,
  );
  await eventually('a connection', () => kept.current !== undefined);
  stop.abort();
  await kept.close();
  await kept.close();
  assert.ok(ended);
  assert.equal(kept.current, undefined);
  await eventually('the other side too', () => server.listener.connections.size === 0);
  await server.listener.close();
});
