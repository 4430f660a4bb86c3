import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { DecayingCount } from './decaying-count.ts';

it('halves a decaying count per half-life', async () => {
  const clock = new FakeClock();
  const count = new DecayingCount(clock, 10_000);
  count.add(4);
  await clock.advanceGently(20_000);
  assert.equal(count.value, 1);
});
