import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Pace } from './pace.ts';

it('lets a lone one through at once, and those that come together one after the other, in order', async () => {
  const pace = new Pace(10);
  const seen: [string, number][] = [];
  const startMs = performance.now();
  const note = (name: string) => pace.turn().then(() => void seen.push([name, performance.now() - startMs]));
  await Promise.all(['first', 'second', 'third'].map(note));
  assert.deepEqual(
    seen.map(([name]) => name),
    ['first', 'second', 'third'],
  );
  assert.ok(seen[2]![1] >= 18, `the third came after ${seen[2]![1]} ms`);
  await note('later');
  assert.equal(seen.length, 4);
});
