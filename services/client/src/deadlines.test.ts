import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Deadlines, type Expiring } from './deadlines.ts';

/** Expires at `due`, or at later dues in turn. */
function item(clock: FakeClock, deadlines: Deadlines, ...dues: number[]): Expiring & { expiredAtMs: number[] } {
  const expiredAtMs: number[] = [];
  return {
    expiredAtMs,
    dueAtMs: () => dues[0] ?? Number.POSITIVE_INFINITY,
    expire() {
      expiredAtMs.push(clock.monotonicMs());
      dues.shift();
      if (dues.length === 0) deadlines.delete(this);
    },
  };
}

it('ends each item within its granularity, with one timer for all', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const items = [100, 300, 105, 2_000].map((due) => item(clock, deadlines, due));
  for (const one of items) deadlines.add(one);
  assert.equal(clock.pending, 1);
  await clock.advanceGently(5_000);
  for (const [i, due] of [100, 300, 105, 2_000].entries()) {
    const [at, ...more] = items[i]?.expiredAtMs ?? [];
    assert.ok(at !== undefined && at >= due && at <= due + 20, `due ${due}, expired ${at}`);
    assert.deepEqual(more, []);
  }
  assert.equal(clock.pending, 0);
});

it('follows an item whose time moves later', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const moving = item(clock, deadlines, 50, 500);
  deadlines.add(moving);
  await clock.advanceGently(1_000);
  assert.deepEqual(moving.expiredAtMs, [50, 500]);
});

it('looks at most every 20 ms, however soon something is due', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const restless = item(clock, deadlines, ...Array.from({ length: 5_000 }, (_, i) => i));
  deadlines.add(restless);
  await clock.advanceGently(1_000);
  assert.ok(restless.expiredAtMs.length <= 51, String(restless.expiredAtMs.length));
});

it('forgets a deleted item', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const gone = item(clock, deadlines, 50);
  deadlines.add(gone);
  deadlines.delete(gone);
  await clock.advanceGently(1_000);
  assert.deepEqual(gone.expiredAtMs, []);
});

it('leaves no timer behind when disposed', () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  deadlines.add(item(clock, deadlines, 50));
  deadlines[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});
