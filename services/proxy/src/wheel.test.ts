import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Wheel } from './wheel.ts';

interface Item {
  dueAtMs: number;
  name: string;
}

function setUp() {
  const clock = new FakeClock();
  const due: string[] = [];
  const wheel = new Wheel<Item>({ slotMs: 20, slots: 16 }, (item) => void due.push(item.name), { clock });
  const item = (name: string, inMs: number): Item => ({ name, dueAtMs: clock.monotonicMs() + inMs });
  return { clock, due, wheel, item };
}

it('looks at items when they are due, near and far beyond one round', () => {
  const { clock, due, wheel, item } = setUp();
  wheel.set(item('far', 5_000));
  wheel.set(item('near', 30));
  clock.advance(60);
  assert.deepEqual(due, ['near']);
  clock.advance(4_900);
  assert.deepEqual(due, ['near']);
  clock.advance(100);
  assert.deepEqual(due, ['near', 'far']);
});

it('follows an item whose moment moved on without being told', () => {
  const { clock, due, wheel, item } = setUp();
  const moving = item('moving', 50);
  wheel.set(moving);
  for (let i = 0; i < 20; i += 1) {
    clock.advance(40);
    moving.dueAtMs = clock.monotonicMs() + 50;
  }
  assert.deepEqual(due, []);
  clock.advance(100);
  assert.deepEqual(due, ['moving']);
});

it('runs one timer for all items, and none when there are none', () => {
  const { clock, wheel, item } = setUp();
  const items = Array.from({ length: 100 }, (_, i) => item(String(i), 1_000 + i));
  for (const it of items) wheel.set(it);
  assert.equal(clock.pending, 1);
  for (const it of items) wheel.delete(it);
  clock.advance(20);
  assert.equal(clock.pending, 0);
  assert.equal(wheel.size, 0);
});

it('misses nothing when the process was stopped for longer than a round', () => {
  const { clock, due, wheel, item } = setUp();
  for (let i = 1; i <= 30; i += 1) wheel.set(item(String(i), i * 10));
  clock.advance(100_000);
  assert.equal(due.length, 30);
});

it('lets items put themselves back while it turns', () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  const wheel: Wheel<Item> = new Wheel<Item>(
    { slotMs: 20, slots: 8 },
    (item, nowMs) => {
      seen.push(nowMs);
      if (seen.length < 3) {
        item.dueAtMs = nowMs + 200;
        wheel.set(item);
      }
    },
    { clock },
  );
  wheel.set({ name: 'again', dueAtMs: clock.monotonicMs() + 40 });
  clock.advance(1_000);
  assert.equal(seen.length, 3);
  assert.equal(wheel.size, 0);
});
