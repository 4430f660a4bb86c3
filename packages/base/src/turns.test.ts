import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Turns } from './turns.ts';

const open = new AbortController().signal;
const full = new Error('full');
const turns = (places: number, maxWaiting: number) => new Turns({ places, maxWaiting }, () => full);

it('lets so many in at once, and the others in the order in which they came', async () => {
  const two = turns(2, 3);
  const [first] = await Promise.all([two.take(open), two.take(open)]);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (name) => {
    const giveBack = await two.take(open);
    order.push(name);
    giveBack();
  });
  await new Promise(setImmediate);
  assert.deepEqual(order, []);
  first();
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2, 3]);
});

it('refuses at once whom it has no room for, and has room again when somebody goes', async () => {
  const one = turns(1, 1);
  const giveBack = await one.take(open);
  const waiting = one.take(open);
  await assert.rejects(one.take(open), full);
  giveBack();
  const next = await waiting;
  const last = one.take(open);
  next();
  (await last)();
});

it('does not keep the place of somebody who leaves while waiting', async () => {
  const one = turns(1, 1);
  const giveBack = await one.take(open);
  const leaving = new AbortController();
  const left = one.take(leaving.signal);
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  const waiting = one.take(open);
  giveBack();
  (await waiting)();
});

it('passes a place on when its taker leaves in the moment in which it comes', async () => {
  const one = turns(1, 2);
  const giveBack = await one.take(open);
  const leaving = new AbortController();
  const left = one.take(leaving.signal);
  const waiting = one.take(open);
  giveBack();
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  (await waiting)();
});

it('gives nothing to a signal that was aborted before', async () => {
  const one = turns(1, 0);
  await assert.rejects(one.take(AbortSignal.abort(new Error('gone'))), /gone/);
  (await one.take(open))();
});
