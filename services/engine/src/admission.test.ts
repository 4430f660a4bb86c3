import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Admission } from './admission.ts';

const never = new AbortController().signal;

it('lets so many run, so many wait, and refuses the next at once', async () => {
  const admission = new Admission(1, 1);
  const leave = await admission.enter(never);
  const second = admission.enter(never);
  assert.equal(admission.enter(never), undefined);
  assert.deepEqual([admission.running, admission.waiting], [1, 1]);
  leave?.();
  (await second)?.();
  assert.deepEqual([admission.running, admission.waiting], [0, 0]);
});

it('serves in the order of arrival', async () => {
  const admission = new Admission(1, 3);
  const leave = await admission.enter(never);
  const order: number[] = [];
  const rest = [1, 2, 3].map(async (i) => {
    const leave = await admission.enter(never);
    order.push(i);
    leave?.();
  });
  leave?.();
  await Promise.all(rest);
  assert.deepEqual(order, [1, 2, 3]);
});

it('frees the place of one who left the queue', async () => {
  const admission = new Admission(1, 1);
  const leave = await admission.enter(never);
  const gone = new AbortController();
  const waiting = admission.enter(gone.signal);
  gone.abort(new Error('gone'));
  await assert.rejects(async () => waiting, /gone/);
  assert.equal(admission.waiting, 0);
  leave?.();
  assert.equal(admission.running, 0);
});
