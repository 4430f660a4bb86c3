import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import { Address, transfer, WalletError, type WalletReceipt } from '@bombyx/ton';
import { Outbox } from './outbox.ts';

const message = transfer({ to: new Address(0, Buffer.alloc(32)), value: 1n });

function open() {
  const clock = new FakeClock();
  const waiting: PromiseWithResolvers<WalletReceipt>[] = [];
  let changes = 0;
  const sender = {
    send: () => {
      const one = Promise.withResolvers<WalletReceipt>();
      waiting.push(one);
      return one.promise;
    },
  };
  const changed = () => {
    changes += 1;
  };
  const outbox = new Outbox({ limit: 2, retryMs: 1_000 }, { sender, clock, log: silentLogger, changed });
  return { outbox, clock, waiting, changes: () => changes };
}
const receipt = { seqno: 1 } as WalletReceipt;

it('hazard 7: a message that has landed is not sent again before its effect is seen', async () => {
  const { outbox, waiting, clock } = open();
  let done = false;
  const send = () => outbox.send('client/a', message, () => done);
  send();
  send();
  assert.equal(waiting.length, 1);
  waiting[0]!.resolve(receipt);
  await turn();
  clock.advance(999);
  outbox.sweep();
  send();
  assert.equal(waiting.length, 1);
  done = true;
  outbox.sweep();
  assert.equal(outbox.size, 0);
});

it('one that did nothing is tried again after a while', async () => {
  const { outbox, waiting, clock } = open();
  outbox.send('client/a', message, () => false);
  clock.advance(5_000);
  outbox.sweep();
  assert.equal(outbox.has('client/a'), true, 'it waits in the wallet');
  waiting[0]!.resolve(receipt);
  await turn();
  clock.advance(1_000);
  outbox.sweep();
  assert.equal(outbox.has('client/a'), false);
});

it('one that could not be sent is let go of at once', async () => {
  const { outbox, waiting, changes } = open();
  outbox.send('client/a', message, () => false);
  waiting[0]!.reject(new WalletError('WALLET_BALANCE', 'empty'));
  await turn();
  assert.equal(outbox.size, 0);
  assert.equal(changes(), 1);
});

it('is full with as many as it holds', () => {
  const { outbox } = open();
  outbox.send('a', message, () => false);
  assert.equal(outbox.isFull, false);
  outbox.send('b', message, () => false);
  assert.equal(outbox.isFull, true);
});
