import assert from 'node:assert/strict';
import { it } from 'node:test';
import { steadyClock } from './steady-clock.ts';

const MINUTE = 60_000;

it('a wall clock that is stopped or set back does not bring back what has ended', () => {
  const host = { wallMs: 1_000 * MINUTE, passedMs: 0 };
  const clock = steadyClock({ nowMs: () => host.wallMs, monotonicMs: () => host.passedMs, after: () => () => {} });
  const nowMinutes = () => clock.nowMs() / MINUTE;
  const pass = (minutes: number) => {
    host.passedMs += minutes * MINUTE;
  };
  assert.equal(nowMinutes(), 1_000);
  pass(4);
  assert.equal(nowMinutes(), 1_000, 'a small correction is believed');
  pass(60);
  assert.equal(nowMinutes(), 1_059, 'a wall that stands still is not');
  host.wallMs = 2_000 * MINUTE;
  assert.equal(nowMinutes(), 2_000, 'one that goes ahead is');
  host.wallMs = 0;
  pass(10);
  assert.equal(nowMinutes(), 2_005);
  assert.equal(clock.monotonicMs(), 74 * MINUTE);
});
