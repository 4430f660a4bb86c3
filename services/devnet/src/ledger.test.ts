import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Address, beginCell, Cell, external, internal, loadTransaction, storeMessage } from '@ton/core';
import { openFaucet, openLedger, selfSender, TON, testWallet } from '../testing/harness.ts';
import { Store } from './index.ts';
import type { Ledger } from './ledger.ts';

const stranger = () => new Address(0, randomBytes(32));

async function fundedWallet(ledger: Ledger, amount = 100n * TON) {
  const wallet = testWallet();
  await openFaucet(ledger).give(wallet.contract.address, amount);
  await ledger.produce();
  return wallet;
}

async function file(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'devnet-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'devnet.sqlite');
}

it('runs a payment and all it causes in one block, each transaction linked to the one before', async () => {
  await using ledger = await openLedger();
  const wallet = await fundedWallet(ledger);
  const { address } = wallet.contract;
  const target = stranger();
  await ledger.send(wallet.order(0, [internal({ to: target, value: TON, bounce: false })]));
  assert.equal(ledger.account(target).kind, 'absent', 'accepted is not landed');
  await ledger.produce();
  assert.equal(ledger.account(target).balance, TON);
  const [received] = ledger.records.history(target, { limit: 10 });
  const history = ledger.records.history(address, { limit: 10, oldestFirst: true });
  const [credited, sent] = history.map(({ cell }) => loadTransaction(Cell.fromBoc(cell)[0]!.beginParse()));
  assert.equal(sent?.prevTransactionLt, credited?.lt);
  assert.equal(sent?.prevTransactionHash, BigInt(`0x${credited?.hash().toString('hex')}`));
  assert.deepEqual(ledger.account(address).last, { lt: sent?.lt, hash: sent?.hash() });
  const message = sent?.outMessages.get(0);
  assert.ok(message?.info.type === 'internal');
  assert.equal(ledger.records.receiverOf(message.info.createdLt)?.lt, received?.lt);
  assert.equal(ledger.head.size, 2);
});

it('gives what runs in a block that block’s time and the message its own cell', async () => {
  await using ledger = await openLedger();
  const wallet = await fundedWallet(ledger);
  const target = stranger();
  const body = beginCell().storeUint(7, 32).endCell();
  await ledger.send(wallet.order(0, [internal({ to: target, value: TON, bounce: false, body })]));
  await ledger.produce();
  const cells = [wallet.contract.address, target].map((address) => {
    const [newest] = ledger.records.history(address, { limit: 1 });
    return Cell.fromBoc(newest!.cell)[0]!;
  });
  const [sent, received] = cells as [Cell, Cell];
  for (const cell of cells) assert.equal(loadTransaction(cell.beginParse()).now, ledger.head.utime);
  const out = sent.refs[0]!.refs[1]!.refs; // the dictionary of one message holds its cell
  assert.deepEqual(out[0]?.hash(), received.refs[0]!.refs[0]!.hash());
});

it('refuses a message that its receiver refuses, and records nothing', async () => {
  await using ledger = await openLedger();
  const wallet = await fundedWallet(ledger);
  const other = testWallet();
  const forged = other.order(0, []).beginParse(); // signed with another key, for another address
  const body = beginCell().storeSlice(forged).endCell();
  const message = external({ to: wallet.contract.address, init: wallet.contract.init, body });
  const before = ledger.account(wallet.contract.address);
  await assert.rejects(ledger.send(beginCell().store(storeMessage(message)).endCell()), { code: 'DEVNET_REFUSED' });
  const nobody = external({ to: stranger(), body: Cell.EMPTY });
  await assert.rejects(ledger.send(beginCell().store(storeMessage(nobody)).endCell()), { code: 'DEVNET_REFUSED' });
  await ledger.produce();
  assert.deepEqual(ledger.account(wallet.contract.address), before);
  assert.equal(ledger.head.size, 0);
});

it('takes external messages to its own workchains only', async () => {
  await using ledger = await openLedger();
  const inside = beginCell()
    .store(storeMessage(internalTo(stranger())))
    .endCell();
  const far = external({ to: new Address(5, randomBytes(32)), body: Cell.EMPTY });
  for (const cell of [Cell.EMPTY, inside, beginCell().store(storeMessage(far)).endCell()]) {
    await assert.rejects(ledger.send(cell), { code: 'DEVNET_MESSAGE' });
  }
});

it('runs a message once, however often it is handed in before its block', async () => {
  await using ledger = await openLedger();
  const wallet = await fundedWallet(ledger);
  const target = stranger();
  const order = wallet.order(0, [internal({ to: target, value: TON, bounce: false })]);
  const hashes = await Promise.all([ledger.send(order), ledger.send(order), ledger.send(order)]);
  await ledger.send(order);
  assert.ok(hashes.every((hash) => hash.equals(order.hash())));
  assert.equal(ledger.waiting, 1);
  await ledger.produce();
  assert.equal(ledger.account(target).balance, TON);
  assert.equal(ledger.waiting, 0);
});

it('drops the second of two messages that exclude each other, as a public chain does', async () => {
  await using ledger = await openLedger();
  const wallet = await fundedWallet(ledger);
  const [one, two] = [stranger(), stranger()];
  await ledger.send(wallet.order(0, [internal({ to: one, value: TON, bounce: false })]));
  await ledger.send(wallet.order(0, [internal({ to: two, value: TON, bounce: false })]));
  await ledger.produce();
  assert.equal(ledger.account(one).balance, TON);
  assert.equal(ledger.account(two).kind, 'absent');
  assert.equal(ledger.waiting, 0);
});

it('carries what a block has no room for into the next, also through a restart', async (t) => {
  const path = await file(t);
  const loop = selfSender();
  const most = 512;
  {
    await using ledger = await openLedger({ store: new Store(path) });
    const wallet = await fundedWallet(ledger);
    const message = internal({ to: loop.address, value: TON, init: loop, bounce: false });
    await ledger.send(wallet.order(0, [message]));
    await ledger.produce();
    assert.equal(ledger.head.size, most);
    const audit = ledger.records.audit();
    assert.ok(audit.inTransit > 0n, 'one message is under way');
    assert.equal(audit.difference, 0n);
  }
  await using ledger = await openLedger({ store: new Store(path) });
  for (let blocks = 0; ledger.head.size === most || blocks === 0; blocks += 1) {
    assert.ok(blocks < 20, 'the fees end it');
    await ledger.produce();
  }
  const { inTransit, difference } = ledger.records.audit();
  assert.deepEqual([inTransit, difference], [0n, 0n]);
  assert.ok(ledger.records.history(loop.address, { limit: 2_000 }).length > most);
});

it('is the same chain after a restart: network, head, accounts, history, what waits', async (t) => {
  const path = await file(t);
  const target = stranger();
  let before: unknown[];
  const look = (ledger: Ledger) => [
    ledger.genesis.rootHash,
    ledger.genesis.fileHash,
    ledger.head,
    ledger.account(target),
    ledger.records.history(target, { limit: 10 }).map(({ lt, hash, cell }) => ({ lt, hash, cell })),
    ledger.waiting,
    ledger.records.given(),
  ];
  {
    await using ledger = await openLedger({ store: new Store(path) });
    await openFaucet(ledger).give(target, TON);
    await ledger.produce();
    await openFaucet(ledger).give(target, TON);
    before = look(ledger);
  }
  await using ledger = await openLedger({ store: new Store(path) });
  assert.deepEqual(look(ledger), before);
  await ledger.produce();
  const storage = 1_000n; // of the seconds since
  assert.ok(ledger.account(target).balance > 2n * TON - storage);
});

it('two chains are two networks', async () => {
  await using one = await openLedger();
  await using two = await openLedger();
  assert.notDeepEqual(one.genesis.rootHash, two.genesis.rootHash);
  assert.ok(!one.genesis.address.equals(two.genesis.address));
});

it('refuses a folder that another process has', async (t) => {
  const path = await file(t);
  await using _first = await openLedger({ store: new Store(path) });
  assert.throws(() => new Store(path), { code: 'DEVNET_STORE' });
});

it('keeps nothing of a block or a message that the disk refused, and goes on when it takes them', async (t) => {
  const store = new Store(await file(t));
  await using ledger = await openLedger({ store, clock: new FakeClock() });
  const faucet = openFaucet(ledger);
  const target = stranger();
  await faucet.give(target, TON);
  const { head } = ledger;
  store.limitPages(0);
  await assert.rejects(
    async () => {
      for (;;) await faucet.give(target, TON);
    },
    { code: 'DEVNET_STORE' },
  );
  const accepted = ledger.waiting;
  await assert.rejects(ledger.produce(), { code: 'DEVNET_STORE' });
  assert.equal(ledger.head, head);
  assert.equal(ledger.waiting, accepted);
  assert.equal(ledger.account(target).balance, 0n);
  store.limitPages(1 << 20);
  await ledger.produce();
  assert.equal(ledger.account(target).balance, BigInt(accepted) * TON);
  assert.equal(ledger.records.audit().difference, 0n);
  assert.equal(ledger.records.given().sum, BigInt(accepted) * TON);
});

it('makes a block every so often by its clock, and follows the clock with its time', async () => {
  const clock = new FakeClock();
  await using ledger = await openLedger({ clock });
  const startSec = ledger.head.utime;
  assert.equal(startSec, Math.floor(clock.nowMs() / 1000));
  clock.advance(5_000);
  assert.equal(ledger.nowSec(), startSec + 5);
  assert.equal(ledger.head.utime, startSec, 'no block, no time');
  await ledger.produce();
  assert.equal(ledger.head.utime, startSec + 5);
  assert.equal(ledger.head.seqno, 1);
});

it('takes storage fees for the time it is moved on, until an account that owes too much is frozen', async (t) => {
  const path = await file(t);
  const clock = new FakeClock();
  const year = 365 * 86_400;
  let wallet: Awaited<ReturnType<typeof fundedWallet>>;
  {
    await using ledger = await openLedger({ store: new Store(path), clock });
    wallet = await fundedWallet(ledger, TON / 5n);
    const { address } = wallet.contract;
    const faucet = openFaucet(ledger);
    await ledger.send(wallet.order(0, [internal({ to: stranger(), value: TON / 10n, bounce: false })]));
    await ledger.produce();
    const before = ledger.account(address).balance;
    await ledger.advance(year);
    assert.equal(ledger.account(address).balance, before, 'fees are taken with the next transaction');
    await faucet.give(address, 1n);
    await ledger.produce();
    const paid = before + 1n - ledger.account(address).balance;
    assert.ok(paid > TON / 200n && paid < TON / 50n, `a wallet costs about a hundredth a year, not ${paid}`);
    await ledger.advance(30 * year);
    await faucet.give(address, 1n);
    await ledger.produce();
    assert.equal(ledger.account(address).kind, 'frozen');
    assert.equal(ledger.records.audit().difference, 0n);
    await assert.rejects(ledger.advance(-1), { code: 'DEVNET_TIME' });
    await assert.rejects(ledger.advance(100 * year), { code: 'DEVNET_TIME' });
  }
  const seen = Math.floor(clock.nowMs() / 1000) + 31 * year;
  await using again = await openLedger({ store: new Store(path), clock });
  assert.equal(again.nowSec(), seen, 'the time moved on for good');
  assert.equal(again.account(wallet.contract.address).kind, 'frozen');
});

function internalTo(to: Address) {
  return {
    info: {
      type: 'internal',
      ihrDisabled: true,
      bounce: false,
      bounced: false,
      src: stranger(),
      dest: to,
      value: { coins: TON },
      ihrFee: 0n,
      forwardFee: 0n,
      createdLt: 1n,
      createdAt: 1,
    },
    body: Cell.EMPTY,
  } as const;
}
