import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock, recordedConversation } from './index.ts';

it('runs what falls due in order of time, each at the time it was due', () => {
  const clock = new FakeClock(1_000);
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(['late', clock.nowMs()]));
  clock.after(10, () => {
    seen.push(['early', clock.nowMs()]);
    clock.after(5, () => seen.push(['chained', clock.nowMs()]));
  });
  clock.advance(30);
  assert.deepEqual(seen, [
    ['early', 1_010],
    ['chained', 1_015],
    ['late', 1_020],
  ]);
  assert.equal(clock.monotonicMs(), 30);
  assert.equal(clock.pending, 0);
});

it('does not run a timer that was cancelled or is not due', () => {
  const clock = new FakeClock();
  let ran = 0;
  const cancel = clock.after(10, () => ran++);
  clock.after(100, () => ran++);
  cancel();
  clock.advance(99);
  assert.equal(ran, 0);
  clock.advance(1);
  assert.equal(ran, 1);
});

it('lets the work of one timer be done before the next runs, and what that work starts fall due', async () => {
  const clock = new FakeClock();
  const seen: [string, number][] = [];
  const saw = (what: string) => () => void seen.push([what, clock.monotonicMs()]);
  clock.after(10, () => setImmediate(() => clock.after(5, saw('started later'))));
  clock.after(20, saw('last'));
  await clock.advanceGently(30);
  assert.deepEqual(seen, [
    ['started later', 15],
    ['last', 20],
  ]);
  assert.equal(clock.monotonicMs(), 30);
});

it('reads recordings of the C++ programs and refuses a name that has none', () => {
  const first = recordedConversation('rpc-client.c6')[0];
  assert.equal(first?.kind, 'AttestedPeerInfo');
  assert.equal(first.bytes.length, 124);
  assert.throws(() => recordedConversation('nobody.c0'));
});
