import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MAX_LONG } from '@bombyx/base';
import { beginCell, Cell } from '@ton/core';
import fc from 'fast-check';
import { actor, at, signed, TON, World } from '../../testing/contracts-world.ts';
import { clientRequest, proxyRequest, readProxyNotice, workerRequest } from '../index.ts';

const owner = actor('client');
const state = (balance: bigint, stake: bigint) =>
  beginCell().storeUint(0, 2).storeCoins(balance).storeCoins(stake).storeUint(5, 64).storeUint(7, 256).endCell();
const client = (inner: Cell, payload: Cell | null = null) =>
  beginCell()
    .storeUint(0x65448ff4, 32)
    .storeUint(1, 64)
    .storeAddress(owner)
    .storeRef(inner)
    .storeMaybeRef(payload)
    .endCell();

it('reads what the contracts really send', async () => {
  const world = await World.create();
  await world.placeProxy();
  const contract = await world.placeClient(owner, { secretHash: Buffer.alloc(32, 3) }, 2n * TON);
  const body = clientRequest.register({ queryId: 1n, excess: owner, nonce: 2n ** 64n - 1n });
  const told = at(await world.send(owner, contract, TON, body), contract).sent.find(({ to }) => to.equals(world.proxy));
  const notice = readProxyNotice(told?.body ?? Cell.EMPTY);
  assert.ok(notice?.kind === 'client' && notice.owner.equals(owner));
  const { owner: _, ...rest } = notice;
  const secretHash = Buffer.alloc(32, 3);
  assert.deepEqual(rest, {
    kind: 'client',
    state: 'normal',
    balance: 0n,
    stake: TON,
    tokens: 0n,
    secretHash,
    nonce: 2n ** 64n - 1n,
  });

  const worker = await world.placeWorker(owner);
  const paid = at(await world.send(owner, worker, TON, signed('payout', worker, 3n, owner)), worker).sent[0];
  const payout = readProxyNotice(paid?.body ?? Cell.EMPTY);
  assert.ok(payout?.kind === 'worker' && payout.owner.equals(owner));
  assert.deepEqual([payout.state, payout.tokens], ['normal', 3n]);
  const hired = at(
    await world.send(owner, worker, TON, workerRequest.register({ queryId: 1n, excess: owner })),
    worker,
  );
  assert.equal(readProxyNotice(hired.sent[0]?.body ?? Cell.EMPTY)?.kind, 'worker');
});

it('reads commits and requests for earnings', () => {
  const session = Buffer.alloc(32, 9);
  const commit = proxyRequest.saveState({ queryId: 1n, seqno: 7, session });
  assert.deepEqual(readProxyNotice(commit), { kind: 'commit', seqno: 7, session });
  const pay = proxyRequest.payEarnings({ queryId: 2n ** 64n - 1n, excess: owner });
  assert.deepEqual(readProxyNotice(pay), { kind: 'earnings', queryId: 2n ** 64n - 1n });
});

it('hazard 7: a stake of 2^100 counts as the most a node can read, and stops nobody', () => {
  const notice = readProxyNotice(client(state(2n ** 90n, 2n ** 100n)));
  assert.ok(notice?.kind === 'client');
  assert.deepEqual([notice.balance, notice.stake], [MAX_LONG, MAX_LONG]);
});

it('a register without a nonce registers nobody', () => {
  const notice = readProxyNotice(client(state(1n, 1n), beginCell().storeUint(0xa35cb580, 32).endCell()));
  assert.ok(notice?.kind === 'client');
  assert.equal('nonce' in notice, false);
});

it('bodies that say nothing are nothing, whatever their bits are', () => {
  assert.equal(readProxyNotice(Cell.EMPTY), undefined);
  assert.equal(readProxyNotice(client(Cell.EMPTY)), undefined);
  assert.equal(
    readProxyNotice(beginCell().storeUint(0x9a1247c0, 32).storeUint(1, 64).storeUint(1, 32).endCell()),
    undefined,
  );
  const operations = fc.constantFrom(0x65448ff4, 0x4d725d2c, 0x9a1247c0, 0x7610e6eb, 0);
  fc.assert(
    fc.property(
      operations,
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ maxLength: 100 }),
      (op, bytes, inner) => {
        const ref = beginCell().storeBuffer(Buffer.from(inner)).endCell();
        readProxyNotice(beginCell().storeUint(op, 32).storeBuffer(Buffer.from(bytes)).storeRef(ref).endCell());
      },
    ),
  );
});
