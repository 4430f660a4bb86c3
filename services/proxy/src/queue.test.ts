import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FairQueue } from './queue.ts';

it('lets clients take turns, each in its own order', () => {
  const queue = new FairQueue<string>(100);
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.push('a', item);
  queue.push('b', 'b1');
  queue.push('c', 'c1');
  queue.push('b', 'b2');
  const order = Array.from({ length: 7 }, () => queue.take(() => true));
  assert.deepEqual(order, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  assert.equal(queue.size, 0);
});

it('passes over what does not fit without losing its place', () => {
  const queue = new FairQueue<string>(100);
  for (const item of ['cheap', 'any']) queue.push('a', item);
  assert.equal(
    queue.take((item) => item === 'any'),
    'any',
  );
  assert.equal(
    queue.take((item) => item === 'any'),
    undefined,
  );
  assert.equal(
    queue.take(() => true),
    'cheap',
  );
});

it('takes no more than its bound, and gives places back', () => {
  const queue = new FairQueue<number>(2);
  assert.ok(queue.push('a', 1) && queue.push('b', 2));
  assert.equal(queue.push('c', 3), false);
  assert.equal(queue.remove('a', 1), true);
  assert.equal(queue.remove('a', 1), false);
  assert.ok(queue.push('c', 3));
  assert.deepEqual(queue.clear(), [2, 3]);
  assert.equal(queue.size, 0);
});
