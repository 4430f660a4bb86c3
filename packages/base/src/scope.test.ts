import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Scope } from './index.ts';

it('closes in reverse order, past a close that fails, and reports the failure', async () => {
  const closed: number[] = [];
  const scope = new Scope();
  scope.defer(() => closed.push(1));
  scope.defer(() => {
    throw new Error('disk');
  });
  scope.use({ [Symbol.asyncDispose]: async () => void closed.push(2) });
  await assert.rejects(async () => await scope[Symbol.asyncDispose](), AggregateError);
  assert.deepEqual(closed, [2, 1]);
});

it('closes once, however often it is asked to', async () => {
  let closed = 0;
  const scope = new Scope();
  scope.defer(() => (closed += 1));
  await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()]);
  assert.equal(closed, 1);
  assert.throws(() => scope.defer(() => {}), TypeError);
});

it('aborts its signal with the parent, and when it starts to close', async () => {
  const parent = new AbortController();
  const child = new Scope(parent.signal);
  parent.abort(new Error('stop'));
  assert.equal(child.signal.aborted, true);
  const alone = new Scope();
  let seen = false;
  alone.defer(() => (seen = alone.signal.aborted));
  await alone[Symbol.asyncDispose]();
  assert.equal(seen, true);
  assert.equal(new Scope(AbortSignal.abort()).signal.aborted, true);
});
