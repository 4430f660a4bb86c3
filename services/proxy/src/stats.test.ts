import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Stats, statNames } from './stats.ts';

it('has every counter of the reference, each as a total and six rates', () => {
  const clock = new FakeClock();
  const stats = new Stats({ clock });
  for (let i = 0; i < 600; i += 1) {
    stats.add('queries', 1);
    clock.advance(100);
  }
  const read = stats.read();
  assert.deepEqual(Object.keys(read), [...statNames]);
  const [total, , tenSeconds] = read.queries;
  assert.equal(total, 600);
  assert.ok(Math.abs(tenSeconds! - 10) < 1, `${tenSeconds}`);
  assert.deepEqual(read.failed, [0, 0, 0, 0, 0, 0, 0]);
});
