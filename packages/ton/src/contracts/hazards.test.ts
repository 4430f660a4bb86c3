/** What went wrong in earlier dialects of the contracts, one test each. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nanoTon, tokens } from '@bombyx/base';
import { type Address, beginCell, type Cell, internal } from '@ton/core';
import { actor, at, key, publicKey, START, type Step, signed, TON, World } from '../../testing/contracts-world.ts';
import { signWalletOrder } from '../external-wallet.ts';
import { clientBirthData, clientRequest } from './client.ts';
import { proxyRequest, signClosing } from './proxy.ts';
import { walletBirthData } from './wallet.ts';

const owner = actor('payer');
const earner = actor('earner');
const stranger = actor('stranger');
const excess = actor('excess');
const request = { queryId: 1n, excess };
const amount = (ton: number) => nanoTon(BigInt(Math.round(ton * 1e9)));
const PAYOUT = 0xc59a7cd3;

const paid = (steps: readonly Step[], from: Address, to: Address) =>
  at(steps, from).sent.find((message) => message.op === PAYOUT && message.to.equals(to))?.value;
const closeComplete = (world: World) => signClosing({ kind: 'closeComplete', contract: world.proxy, ...request }, key);

it('hazard 1: a top-up while the proxy is closing stays in the pool, where it is credited', async () => {
  const world = await World.create();
  await world.placeProxy({ state: 'closing', unlockAtSec: START + 1 });
  const client = await world.placeClient(owner);
  const before = await world.balance(world.proxy);
  const steps = await world.send(owner, client, 31n * TON, clientRequest.topUp({ ...request, amount: amount(30) }));
  assert.equal((await world.balance(world.proxy)) - before, 30n * TON);
  assert.equal((await world.client(client)).balance, 30n * TON);
  assert.equal(paid(steps, world.proxy, owner), undefined);
});

it('a top-up before the proxy contract is deployed comes back and is not credited', async () => {
  const world = await World.create();
  const client = await world.placeClient(owner);
  await world.send(owner, client, 31n * TON, clientRequest.topUp({ ...request, amount: amount(30) }));
  assert.equal((await world.client(client)).balance, 0n);
  assert.ok((await world.balance(excess)) > 30n * TON);
});

it('hazard 2: completing the close pays balance and stake and leaves the deposits, which are refunded after it', async () => {
  const world = await World.create();
  await world.placeProxy({ state: 'closing', unlockAtSec: START, balance: amount(3), stake: amount(2) });
  const client = await world.placeClient(owner, { balance: amount(50) });
  const steps = await world.send(stranger, world.proxy, TON, closeComplete(world));
  assert.equal(paid(steps, world.proxy, world.owner), 5n * TON);
  assert.equal(await world.balance(world.proxy), 95n * TON);
  const after = await world.pool();
  assert.deepEqual([after.state, after.balance, after.stake, after.unlockAtSec], ['closed', 0n, 0n, 0]);
  const refund = await world.send(stranger, client, TON, signed('refund', client, 0n, excess));
  assert.equal(paid(refund, world.proxy, owner), 50n * TON);
});

it('hazard 3: what a forced refund leaves unpaid stays balance and can be claimed once the proxy is closed', async () => {
  const world = await World.create();
  await world.placeProxy({ stake: amount(4) });
  const client = await world.placeClient(owner, { state: 'closing', balance: amount(10), unlockAtSec: START - 1 });
  const steps = await world.send(owner, client, TON, clientRequest.askRefund(request));
  assert.equal(paid(steps, world.proxy, owner), 4n * TON);
  const left = await world.client(client);
  assert.deepEqual([left.state, left.balance, (await world.pool()).stake], ['closing', 6n * TON, 0n]);
  await world.placeProxy({ state: 'closed' }, await world.balance(world.proxy));
  assert.equal(
    paid(await world.send(owner, client, TON, clientRequest.askRefund(request)), world.proxy, owner),
    6n * TON,
  );
  assert.deepEqual([(await world.client(client)).balance, (await world.client(client)).state], [0n, 'closed']);
});

for (const [name, to] of [
  ['in the masterchain', actor('x', -1)],
  ['in an unknown workchain', actor('x', 5)],
] as const) {
  it(`hazard 4: an excess address ${name} is refused before anything changes`, async () => {
    const world = await World.create();
    await world.placeProxy();
    const client = await world.placeClient(owner, { balance: amount(10) });
    const worker = await world.placeWorker(earner);
    const before = await Promise.all([client, worker, world.proxy].map((account) => world.data(account)));
    const bad = { queryId: 1n, excess: to };
    const attempts: [Address, Address, Cell][] = [
      [stranger, client, signed('refund', client, 5n, to)],
      [stranger, client, signed('charge', client, 5n, to)],
      [stranger, worker, signed('payout', worker, 5n, to)],
      [stranger, worker, signed('lastPayout', worker, 5n, to)],
      [owner, client, clientRequest.withdraw(bad)],
      [owner, client, clientRequest.topUp({ ...bad, amount: amount(0.1) })],
      [stranger, world.proxy, proxyRequest.payEarnings(bad)],
      [stranger, world.proxy, signClosing({ kind: 'close', contract: world.proxy, ...bad }, key)],
    ];
    for (const [from, account, body] of attempts) {
      assert.equal(at(await world.send(from, account, TON, body), account).exit, 9);
    }
    const after = await Promise.all([client, worker, world.proxy].map((account) => world.data(account)));
    assert.ok(after.every((data, i) => data.equals(before[i] as Cell)));
  });
}

it('hazard 4: an empty excess address is refused before anything changes', async () => {
  const world = await World.create();
  const client = await world.placeClient(owner, { balance: amount(10) });
  const body = beginCell().storeUint(0xda068e78, 32).storeUint(1, 64).storeAddress(null).endCell();
  assert.equal(at(await world.send(owner, client, TON, body), client).exit, 9);
});

it('hazard 5: the coins of a closing client contract go to its owner, not to the submitter', async () => {
  const world = await World.create();
  await world.placeProxy();
  const client = await world.placeClient(owner, { balance: amount(10) }, 8n * TON);
  const steps = await world.send(stranger, client, TON, signed('refund', client, 0n, stranger));
  const [left] = at(steps, client).sent;
  assert.equal(await world.balance(client), TON / 100n);
  assert.ok(left?.to.equals(owner) && left.value > 8n * TON - TON / 100n - TON / 1000n && !left.bounce);
  assert.ok((await world.balance(stranger)) < TON);
});

it('hazard 5: the coins of a closing worker contract go to its owner, not to the submitter', async () => {
  const world = await World.create();
  await world.placeProxy();
  const worker = await world.placeWorker(earner, {}, 8n * TON);
  await world.send(stranger, worker, TON, signed('lastPayout', worker, TON, stranger));
  assert.equal(await world.balance(worker), TON / 100n);
  assert.ok((await world.balance(stranger)) < TON);
  assert.ok((await world.balance(earner)) > 9n * TON - TON / 10n - TON);
});

it('hazard 6: a payout that the pool cannot pay stays owed, to the nanoton', async () => {
  const world = await World.create();
  await world.placeProxy({}, 4n * TON);
  const worker = await world.placeWorker(earner);
  const payout = signed('payout', worker, 9n * TON, excess);
  assert.equal(paid(await world.send(earner, worker, TON, payout), world.proxy, earner), 4n * TON);
  assert.equal((await world.worker(worker)).arrears.worker, 5n * TON);
  await world.send(stranger, world.proxy, 20n * TON);
  assert.equal(paid(await world.send(earner, worker, TON, payout), world.proxy, earner), 5n * TON);
  const after = await world.worker(worker);
  assert.deepEqual([after.arrears.worker, after.tokens], [0n, 9n * TON]);
  assert.equal(at(await world.send(earner, worker, TON, payout), worker).exit, 1000);
  assert.equal((await world.pool()).balance, 9n * TON);
});

it('hazards 6 and 12: a withdrawal that the pool cannot pay is balance again, and no reserve is negative', async () => {
  const world = await World.create();
  await world.placeProxy({}, 4n * TON);
  const client = await world.placeClient(owner, { balance: amount(10), stake: amount(1) });
  const steps = await world.send(owner, client, TON, clientRequest.withdraw(request));
  assert.equal(at(steps, world.proxy).exit, 0);
  assert.equal(paid(steps, world.proxy, owner), 4n * TON);
  assert.equal((await world.client(client)).balance, 6n * TON);
});

it('a payout that a closed proxy refuses comes back, and is paid when it is claimed again', async () => {
  const world = await World.create();
  await world.placeProxy({ state: 'closed' });
  const worker = await world.placeWorker(earner);
  const payout = signed('lastPayout', worker, 9n * TON, excess);
  assert.equal(at(await world.send(earner, worker, TON, payout), world.proxy).exit, 1006);
  assert.equal((await world.worker(worker)).arrears.worker, 9n * TON);
  assert.equal(paid(await world.send(earner, worker, TON, payout), world.proxy, earner), 9n * TON);
  assert.equal((await world.pool()).balance, 9n * TON);
  const share = await world.send(stranger, world.proxy, TON, proxyRequest.payEarnings(request));
  assert.equal(paid(share, world.proxy, world.owner), 9n * TON);
});

it('hazard 7: a stake that no node can read is refused', async () => {
  const world = await World.create();
  const client = await world.placeClient(owner, { balance: amount(10) });
  const stake = (value: bigint) =>
    beginCell().storeUint(0x6a1f6a60, 32).storeUint(1, 64).storeCoins(value).storeAddress(excess).endCell();
  assert.equal(at(await world.send(owner, client, TON, stake(1n << 63n)), client).exit, 5);
  assert.equal(at(await world.send(owner, client, TON, stake((1n << 63n) - 1n)), client).exit, 0);
});

for (const [name, body] of [
  ['without', clientRequest.topUp({ ...request, amount: amount(1) })],
  ['with', clientRequest.topUpWithSecret({ ...request, amount: amount(1), secretHash: Buffer.alloc(32, 1) })],
] as const) {
  it(`hazard 8: a client that is closing refuses a top-up ${name} a secret`, async () => {
    const world = await World.create();
    const client = await world.placeClient(owner, { state: 'closing', unlockAtSec: START + 9, balance: amount(1) });
    assert.equal(at(await world.send(owner, client, 2n * TON, body), client).exit, 1006);
  });
}

it('hazard 9: coins that came without a body reach the owner when the contract closes', async () => {
  const world = await World.create();
  await world.placeProxy();
  const client = await world.placeClient(owner, { balance: amount(1) });
  await world.send(owner, client, 7n * TON);
  assert.ok((await world.balance(client)) > 8n * TON - TON / 1000n);
  await world.send(stranger, client, TON, signed('refund', client, 0n, stranger));
  assert.ok((await world.balance(owner)) > 8n * TON);
});

it('hazard 10: a charge above the balance is a debt that the next top-up settles', async () => {
  const world = await World.create();
  await world.placeProxy();
  const client = await world.placeClient(owner, { balance: amount(10) });
  await world.send(stranger, client, TON, signed('charge', client, 6n * TON, excess));
  const charged = await world.client(client);
  assert.deepEqual([charged.balance, charged.debt, charged.tokens], [0n, 2n * TON, 6n * TON]);
  await world.send(owner, client, 6n * TON, clientRequest.topUp({ ...request, amount: amount(5) }));
  const after = await world.client(client);
  assert.deepEqual([after.balance, after.debt], [3n * TON, 0n]);
});

it('hazard 11: a wallet order that cannot be paid is skipped and never taken again', async () => {
  const world = await World.create();
  const wallet = actor('wallet');
  await world.place(wallet, 'wallet', walletBirthData({ publicKey, owner }), 3n * TON);
  const messages = [{ mode: 0, message: internal({ to: excess, value: 99n * TON, bounce: false }) }];
  const order = signWalletOrder({ subwallet: 0, validUntilSec: START + 60, seqno: 0, messages }, key);
  assert.equal(at(await world.sendExternal(wallet, order), wallet).action, 0);
  await assert.rejects(world.sendExternal(wallet, order));
});

it('hazard 17: an early close complete stays valid, and can then do no more than the close itself', async () => {
  const world = await World.create();
  await world.placeProxy({ state: 'closing', unlockAtSec: START + 100, stake: amount(2) });
  assert.equal(at(await world.send(stranger, world.proxy, TON, closeComplete(world)), world.proxy).exit, 1011);
  world.wait(100);
  const steps = await world.send(stranger, world.proxy, TON, closeComplete(world));
  assert.equal(paid(steps, world.proxy, world.owner), 2n * TON);
  assert.ok((await world.balance(world.proxy)) > 97n * TON);
});

it('nobody but the proxy contract can say that a claim was not paid', async () => {
  const world = await World.create();
  const client = await world.placeClient(owner);
  const worker = await world.placeWorker(earner);
  const body = beginCell().storeUint(0x3f8c21d7, 32).storeUint(1, 64).storeCoins(TON).endCell();
  for (const account of [client, worker])
    assert.equal(at(await world.send(owner, account, TON, body), account).exit, 1014);
});

it('deploys a client contract where the proxy contract expects it', async () => {
  const world = await World.create();
  const party = { owner, proxy: world.proxy, publicKey };
  await world.deploy(owner, 'client', clientBirthData(world.params, party), TON);
  assert.equal((await world.client(world.clientOf(owner))).tokens, tokens(0n));
});
