import assert from 'node:assert/strict';
import { it } from 'node:test';
import { beginCell } from '@ton/core';
import { Inbox } from './inbox.ts';
import { Store } from './store.ts';

const message = (n: number) => beginCell().storeUint(n, 32).endCell();

it('takes as many as it holds, counting those on their way to the disk, and more once a block has taken some', async () => {
  using store = new Store(':memory:');
  const inbox = new Inbox({ capacity: 2 }, { store });
  const taken = [inbox.add(() => message(1)), inbox.add(() => message(2))];
  await assert.rejects(
    inbox.add(() => message(3)),
    { code: 'DEVNET_FULL' },
  );
  await Promise.all(taken);
  await assert.rejects(
    inbox.add(() => message(3)),
    { code: 'DEVNET_FULL' },
  );
  store.run('DELETE FROM inbox WHERE hash = ?', message(1).hash());
  inbox.settled(1);
  await inbox.add(() => message(3));
  assert.equal(inbox.size, 2);
});

it('one message that cannot be made does not spoil those written with it', async () => {
  using store = new Store(':memory:');
  const inbox = new Inbox({ capacity: 10 }, { store });
  const outcomes = await Promise.allSettled([
    inbox.add(() => message(1)),
    inbox.add(() => {
      throw new RangeError('no');
    }),
    inbox.add(() => message(2), true),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(store.sum('SELECT count(*) FROM inbox'), 2n);
  assert.equal(inbox.givenCount(), 1);
});

it('answers those it cannot write any more', async () => {
  const store = new Store(':memory:');
  const inbox = new Inbox({ capacity: 10 }, { store });
  const late = inbox.add(() => message(1));
  store[Symbol.dispose]();
  await assert.rejects(late, { code: 'DEVNET_CLOSED' });
});
