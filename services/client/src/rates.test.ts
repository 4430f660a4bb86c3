import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '../testing/fake-clock.ts';
import { DecayingCount, Rate } from './rates.ts';

it('counts a total for ever and rates that decay with their window', async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock);
  rate.add(60);
  assert.deepEqual(rate.snapshot(), [60, 60, 6, 1, 0.1, 60 / 3_600, 60 / 86_400]);
  await clock.advance(10_000);
  const [total, oneSecond = 1, tenSeconds = 0] = rate.snapshot();
  assert.equal(total, 60);
  assert.ok(oneSecond < 0.01);
  assert.ok(Math.abs(tenSeconds - 6 / Math.E) < 1e-9);
});

it('shows a steady stream as its rate per second', async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock);
  for (let i = 0; i < 600; i += 1) {
    rate.add(5);
    await clock.advance(1_000);
  }
  const tenSeconds = rate.snapshot()[2] ?? 0;
  assert.ok(Math.abs(tenSeconds - 5) < 0.5, String(tenSeconds));
});

it('halves a decaying count per half-life', async () => {
  const clock = new FakeClock();
  const count = new DecayingCount(clock, 10_000);
  count.add(4);
  await clock.advance(20_000);
  assert.equal(count.value, 1);
});
