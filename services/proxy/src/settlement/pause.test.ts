import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Pause } from './pause.ts';

it('ends with its time, by a call, and with the signal, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const pause = new Pause({ clock });
  const gone = new AbortController();
  const first = pause.begin(1_000, gone.signal);
  clock.advance(1_000);
  await first;
  const second = pause.begin(1_000, gone.signal);
  pause.end();
  await second;
  const third = pause.begin(1_000, gone.signal);
  gone.abort();
  await third;
  await pause.begin(1_000, gone.signal);
  assert.equal(clock.pending, 0);
});

it('a call between two pauses is not lost', async () => {
  const clock = new FakeClock();
  const pause = new Pause({ clock });
  const { signal } = new AbortController();
  pause.end();
  await pause.begin(1_000, signal);
  const next = pause.begin(1_000, signal);
  clock.advance(1_000);
  await next;
});
