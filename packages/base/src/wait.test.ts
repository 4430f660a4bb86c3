import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { wait } from './index.ts';

it('ends with its time, and leaves no listener behind', async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const waiting = wait(clock, 1_000, signal);
  clock.advance(999);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  await waiting;
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

it('rejects with the reason of the signal, also of one that was there before it, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const gone = new AbortController();
  const reason = new Error('closed');
  const waiting = wait(clock, 1_000, gone.signal);
  gone.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(wait(clock, 1_000, gone.signal), reason);
  assert.equal(clock.pending, 0);
});
