import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { it } from 'node:test';
import { eventually, FakeClock } from '@bombyx/testkit';
import { CHECK_MS, IDLE_MS, LINGER_MS, STALL_MS } from './limits.ts';
import { type TunnelReport, tunnel } from './tunnel.ts';

interface Dug {
  /** What the programs at both ends hold. */
  readonly near: Duplex;
  readonly far: Duplex;
  readonly clock: FakeClock;
  readonly stop: AbortController;
  readonly report: Promise<TunnelReport>;
  /** Once it has ended. */
  readonly ended: () => TunnelReport | undefined;
}

function dig(): Dug {
  const [near, nearInside] = duplexPair();
  const [far, farInside] = duplexPair();
  for (const end of [near, far]) end.on('error', () => {});
  const clock = new FakeClock();
  const stop = new AbortController();
  const report = tunnel(nearInside, farInside, clock, stop.signal);
  let ended: TunnelReport | undefined;
  void report.then((told) => {
    ended = told;
  });
  return { near, far, clock, stop, report, ended: () => ended };
}

const received = (stream: Duplex) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks);
};

it('copies both ways, byte by byte the same', async () => {
  const { near, far, report } = dig();
  const [atNear, atFar] = [received(near), received(far)];
  const there = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
  near.write(there);
  far.write('and back');
  await eventually('both', () => atFar().length === there.length && atNear().length === 8);
  assert.ok(atFar().equals(there) && atNear().toString() === 'and back');
  near.end();
  assert.deepEqual(await report, { end: 'ended', sent: there.length, received: 8 });
});

it('what was sent before one side ended is delivered', async () => {
  const { near, far, report } = dig();
  const atFar = received(far);
  received(near);
  near.end(Buffer.alloc(100_000, 7));
  assert.equal((await report).end, 'ended');
  await eventually('the rest', () => atFar().length === 100_000);
});

it('reads no faster than the other side takes: a slow reader stops a fast writer', async () => {
  const { near, far } = dig();
  let accepted = 0;
  let stopped = false;
  const write = (): void => {
    while (!stopped && accepted < 100) {
      accepted++;
      if (near.write(Buffer.alloc(64 * 1_024))) continue;
      stopped = true;
      near.once('drain', () => {
        stopped = false;
        write();
      });
    }
  };
  write();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(accepted < 20, `${accepted} chunks were taken for a reader that took none`);
  const atFar = received(far);
  await eventually('all of it', () => atFar().length === 100 * 64 * 1_024);
});

it('a reader that takes nothing is given up after a minute', async () => {
  const { near, clock, report, ended } = dig();
  near.write(Buffer.alloc(1_000_000));
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(STALL_MS - CHECK_MS);
  assert.equal(ended(), undefined);
  clock.advance(2 * CHECK_MS);
  assert.equal((await report).end, 'stalled');
  assert.equal(clock.pending, 0);
});

it('a tunnel through which nothing moves is closed, and one that is used is not', async () => {
  const used = dig();
  received(used.far);
  for (let at = 0; at < 3; at++) {
    used.clock.advance(IDLE_MS - CHECK_MS);
    used.near.write('ping');
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(used.ended(), undefined);
  used.clock.advance(IDLE_MS + CHECK_MS);
  assert.equal((await used.report).end, 'idle');
  assert.equal(used.clock.pending, 0);
});

it('a side that vanishes, and an order to stop, end both sides', async () => {
  const vanished = dig();
  vanished.far.destroy(new Error('reset'));
  assert.match((await vanished.report).end, /failed|ended/);
  await eventually(
    'the other side',
    () => vanished.near.destroyed || vanished.near.readableEnded || vanished.ended() !== undefined,
  );
  const stopped = dig();
  stopped.stop.abort();
  assert.equal((await stopped.report).end, 'stopped');
  assert.equal(stopped.clock.pending, 0);
});

it('an end that cannot be delivered is given up after a moment', async () => {
  const { near, clock, report, ended } = dig();
  near.end(Buffer.alloc(1_000_000)); // nobody reads at the far end
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended(), undefined);
  clock.advance(Math.max(LINGER_MS, STALL_MS) + 2 * CHECK_MS);
  assert.equal((await report).end, 'stalled');
});
