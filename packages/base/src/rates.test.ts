import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Clock, Rate } from './index.ts';

/** Only what a rate asks of a clock. */
class HandClock implements Clock {
  #nowMs = 0;
  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;
  after = () => () => {};
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

it('counts a total for ever and rates that decay with their window', () => {
  const clock = new HandClock();
  const rate = new Rate(clock);
  rate.add(60);
  assert.deepEqual(rate.snapshot(), [60, 60, 6, 1, 0.1, 60 / 3_600, 60 / 86_400]);
  clock.advance(10_000);
  const [total, oneSecond = 1, tenSeconds = 0] = rate.snapshot();
  assert.equal(total, 60);
  assert.ok(oneSecond < 0.01);
  assert.ok(Math.abs(tenSeconds - 6 / Math.E) < 1e-9);
});

it('shows a steady stream as its rate per second', () => {
  const clock = new HandClock();
  const rate = new Rate(clock);
  for (let i = 0; i < 600; i += 1) {
    rate.add(5);
    clock.advance(1_000);
  }
  const tenSeconds = rate.snapshot()[2] ?? 0;
  assert.ok(Math.abs(tenSeconds - 5) < 0.5, String(tenSeconds));
});
