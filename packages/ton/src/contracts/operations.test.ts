/** Every operation on its good path to the nanoton, and every refusal by its number. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nanoTon, tokens } from '@bombyx/base';
import { type Address, beginCell, type Cell, internal } from '@ton/core';
import { actor, at, code, key, params, publicKey, START, signed, TON, World } from '../../testing/contracts-world.ts';
import { signWalletOrder } from '../external-wallet.ts';
import { privateKeyFromSeed } from '../keys.ts';
import { clientDataCell, clientRequest, readClientAnswer } from './client.ts';
import { proxyRequest, readProxyAnswer, signClosing } from './proxy.ts';
import { type RootData, readRootData, rootConfig, rootDataCell } from './root.ts';
import { rootRequest } from './root-requests.ts';
import { walletBirthData, walletRequest } from './wallet.ts';
import { readWorkerAnswer, workerDataCell, workerRequest } from './worker.ts';

const owner = actor('payer');
const earner = actor('earner');
const stranger = actor('stranger');
const excess = actor('excess');
const request = { queryId: 77n, excess };
const ton = (amount: number) => nanoTon(BigInt(Math.round(amount * 1e9)));
const EXCESS = 0x2565934c;
const NOTICE = 1n;
const text = (letters: string) => beginCell().storeUint(0, 32).storeStringTail(letters).endCell();

async function network() {
  const world = await World.create();
  await world.placeProxy({ balance: ton(3), stake: ton(5) });
  const client = await world.placeClient(owner, { balance: ton(10), stake: ton(2) });
  return { world, client, worker: await world.placeWorker(earner) };
}

describe('the client contract', () => {
  it('passes a deposit on to the pool to the nanoton, and what is left of the value to the excess address', async () => {
    const { world, client } = await network();
    const steps = await world.send(stranger, client, 4n * TON, clientRequest.topUp({ ...request, amount: ton(3) }));
    assert.deepEqual([await world.balance(client), await world.balance(world.proxy)], [TON, 103n * TON]);
    const [carry] = at(steps, client).sent;
    assert.ok(carry?.bounce && carry.to.equals(world.proxy));
    const [left] = at(steps, world.proxy).sent;
    assert.deepEqual([left?.op, left?.bounce, left?.body.beginParse().skip(32).loadUintBig(64)], [EXCESS, false, 77n]);
    assert.equal((await world.client(client)).balance, 13n * TON);
  });

  it('tells of a charge with one nanoton, and pays no coins', async () => {
    const { world, client } = await network();
    const steps = await world.send(stranger, client, TON, signed('charge', client, 1_000n, excess));
    const [info, left] = at(steps, client).sent;
    assert.deepEqual([info?.value, info?.bounce, info?.op, left?.op], [NOTICE, true, 0x65448ff4, EXCESS]);
    assert.equal(at(steps, world.proxy).exit, undefined);
    const { balance, tokens: total } = await world.client(client);
    assert.deepEqual([balance, total], [10n * TON - 2_000n, 1_000n]);
  });

  it('registers with the nonce in the payload', async () => {
    const { world, client } = await network();
    const steps = await world.send(owner, client, TON, clientRequest.register({ ...request, nonce: 99n }));
    const payload = at(steps, client).sent[0]?.body.refs[1]?.beginParse();
    assert.deepEqual([payload?.loadUint(32), payload?.loadUintBig(64)], [0xa35cb580, 99n]);
  });

  it('withdraws down to the stake, asks for the refund, and takes the rest after the delay', async () => {
    const { world, client } = await network();
    await world.send(owner, client, TON, clientRequest.withdraw(request));
    assert.equal((await world.client(client)).balance, 2n * TON);
    assert.equal(at(await world.send(owner, client, TON, clientRequest.withdraw(request)), client).exit, 1001);
    await world.send(owner, client, TON, clientRequest.askRefund(request));
    assert.deepEqual(
      [(await world.client(client)).state, (await world.client(client)).unlockAtSec],
      ['closing', START + 3_600],
    );
    assert.equal(at(await world.send(owner, client, TON, clientRequest.askRefund(request)), client).exit, 1011);
    world.wait(3_601);
    await world.send(owner, client, TON, clientRequest.askRefund(request));
    assert.deepEqual([(await world.client(client)).state, (await world.pool()).stake], ['closed', 3n * TON]);
  });

  it('changes secret and stake, and shows all by its get method', async () => {
    const { world, client } = await network();
    await world.send(owner, client, TON, clientRequest.changeSecret({ ...request, secretHash: Buffer.alloc(32, 4) }));
    await world.send(owner, client, TON, clientRequest.raiseStake({ ...request, stake: ton(4) }));
    const body = clientRequest.topUpWithSecret({ ...request, amount: ton(1), secretHash: Buffer.alloc(32, 5) });
    await world.send(owner, client, 2n * TON, body);
    const account = await world.client(client);
    const answer = readClientAnswer(await world.get(client, 'get_cocoon_client_data'));
    assert.ok(clientDataCell({ ...account, ...answer }).equals(await world.data(client)));
    assert.deepEqual([account.stake, account.balance, account.secretHash[0]], [4n * TON, 11n * TON, 5]);
  });

  const refused: [string, number, (client: Address) => [Address, bigint, Cell]][] = [
    ['an old total', 1000, (client) => [stranger, TON, signed('charge', client, 0n, excess)]],
    ['too little value', 1003, () => [owner, TON / 20n, clientRequest.withdraw(request)]],
    ['a stake that is no larger', 1003, () => [owner, TON, clientRequest.raiseStake({ ...request, stake: ton(2) })]],
    ['a forged signature', 1007, (client) => [stranger, TON, forge(signed('charge', client, 5n, excess))]],
    ['a withdrawal by a stranger', 1009, () => [stranger, TON, clientRequest.withdraw(request)]],
    ['a registration by a stranger', 1010, () => [stranger, TON, clientRequest.register({ ...request, nonce: 1n })]],
    ['an unknown operation', 1012, () => [owner, TON, beginCell().storeUint(1, 32).storeUint(1, 64).endCell()]],
    ['an operation without a query', 9, () => [owner, TON, beginCell().storeUint(0xda068e78, 32).endCell()]],
    ['a promise for another contract', 1015, () => [stranger, TON, signed('charge', excess, 5n, excess)]],
    ['something behind a request', 9, () => [owner, TON, followed(clientRequest.withdraw(request))]],
  ];
  for (const [what, exit, attempt] of refused) {
    it(`refuses ${what} with ${exit}`, async () => {
      const { world, client } = await network();
      const before = await world.data(client);
      const [from, value, body] = attempt(client);
      assert.equal(at(await world.send(from, client, value, body), client).exit, exit);
      assert.ok((await world.data(client)).equals(before));
    });
  }

  it('refuses to charge by parameters of another layout', async () => {
    const world = await World.create({ params: { structVersion: 4 } });
    const client = await world.placeClient(owner, { balance: ton(10) });
    assert.equal(at(await world.send(stranger, client, TON, signed('charge', client, 5n, excess)), client).exit, 1008);
  });
});

describe('the worker contract', () => {
  it('has its owner paid for what is new, and the proxy credited with the rest of the price', async () => {
    const { world, worker } = await network();
    const steps = await world.send(stranger, worker, TON, signed('payout', worker, 4n * TON, excess));
    assert.equal(at(steps, world.proxy).sent[0]?.value, 4n * TON);
    assert.deepEqual([await world.balance(world.proxy), (await world.pool()).balance], [96n * TON, 7n * TON]);
    const account = await world.worker(worker);
    const answer = readWorkerAnswer(await world.get(worker, 'get_cocoon_worker_data'));
    assert.ok(workerDataCell({ ...account, ...answer }).equals(await world.data(worker)));
    assert.equal(account.tokens, tokens(4n * TON));
  });

  it('refuses old totals, strangers, low values, and everything once it is closed', async () => {
    const { world, worker } = await network();
    const exit = async (from: Address, value: bigint, body: Cell) =>
      at(await world.send(from, worker, value, body), worker).exit;
    assert.equal(await exit(stranger, TON, workerRequest.register(request)), 1010);
    assert.equal(await exit(earner, TON / 10n, workerRequest.register(request)), 1003);
    assert.equal(await exit(stranger, TON, signed('payout', worker, 0n, excess)), 1000);
    assert.equal(await exit(stranger, TON, signed('lastPayout', worker, 0n, excess)), 0);
    assert.equal(await exit(earner, TON, workerRequest.register(request)), 1006);
    assert.equal(await exit(stranger, TON, signed('lastPayout', worker, 9n, excess)), 1006);
  });
});

describe('the proxy contract', () => {
  it('pays earnings, takes a stake, starts closing, and shows all by its get method', async () => {
    const { world } = await network();
    const paid = await world.send(stranger, world.proxy, TON, proxyRequest.payEarnings(request));
    assert.deepEqual([at(paid, world.proxy).sent[0]?.value, await world.balance(world.proxy)], [3n * TON, 97n * TON]);
    await world.send(stranger, world.proxy, 3n * TON, proxyRequest.raiseStake({ ...request, amount: ton(2) }));
    assert.equal(await world.balance(world.proxy), 99n * TON);
    await world.send(world.owner, world.proxy, TON, proxyRequest.close(request));
    const answer = readProxyAnswer(await world.get(world.proxy, 'get_cocoon_proxy_data'));
    assert.deepEqual([answer.state, answer.stake, answer.unlockAtSec], ['closing', 7n * TON, START + 86_400]);
  });

  const refused: [string, number, Address | undefined, Cell][] = [
    ['a close by a stranger', 1010, stranger, proxyRequest.close(request)],
    ['a text by a stranger', 1010, stranger, text('c')],
    ['an unknown text', 1013, undefined, text('x')],
    ['a long text', 9, undefined, text('close')],
    ['a close complete while it is open', 1006, stranger, beginCell().endCell()],
  ];
  for (const [what, exit, from, body] of refused) {
    it(`refuses ${what} with ${exit}`, async () => {
      const { world } = await network();
      const complete = signClosing({ kind: 'closeComplete', contract: world.proxy, ...request }, key);
      const sent = body.bits.length === 0 ? complete : body;
      assert.equal(at(await world.send(from ?? world.owner, world.proxy, TON, sent), world.proxy).exit, exit);
    });
  }

  it('refuses coins requested by anything but its client contracts with 1014', async () => {
    const { world } = await network();
    const payload = beginCell().storeUint(0xc68ebc7b, 32).storeCoins(TON).storeAddress(stranger).endCell();
    const body = beginCell()
      .storeUint(0x65448ff4, 32)
      .storeUint(1, 64)
      .storeAddress(owner)
      .storeRef(payload)
      .storeMaybeRef(payload)
      .endCell();
    assert.equal(at(await world.send(stranger, world.proxy, TON, body), world.proxy).exit, 1014);
  });

  it('ignores empty bodies, state commits and bounced messages, and keeps their coins', async () => {
    const { world } = await network();
    const before = await world.data(world.proxy);
    const commit = proxyRequest.saveState({ queryId: 1n, seqno: 2, session: Buffer.alloc(32) });
    for (const body of [beginCell().endCell(), commit]) {
      const ignored = at(await world.send(stranger, world.proxy, TON, body), world.proxy);
      assert.deepEqual([ignored.exit, ignored.sent.length], [0, 0]);
    }
    await world.bounce(stranger, world.proxy, TON, beginCell().storeUint(0xffffffff, 32).endCell());
    assert.ok((await world.data(world.proxy)).equals(before));
  });
});

describe('the root contract', () => {
  const root = actor('the root contract');
  const first: RootData = {
    owner,
    version: 1,
    proxyImages: [],
    workerImages: [],
    models: [],
    proxies: new Map(),
    lastProxySeqno: 0,
    params,
  };
  const query = { queryId: 1n };

  it('keeps lists, prices and codes in the cells that nodes read', async () => {
    const world = await World.create();
    await world.place(root, 'root', rootDataCell(first), TON);
    const hash = (byte: number) => Buffer.alloc(32, byte);
    const prices = { ...query, pricePerToken: ton(3), workerFeePerToken: ton(2) };
    for (const body of [
      rootRequest.add('workerImage', { ...query, hash: hash(1) }),
      rootRequest.add('model', { ...query, hash: hash(2) }),
      rootRequest.add('proxyImage', { ...query, hash: hash(3) }),
      rootRequest.registerProxy({ ...query, text: '10.0.0.1:5' }),
      rootRequest.registerProxy({ ...query, text: '10.0.0.2:5 10.0.0.2:6' }),
      rootRequest.deleteProxy({ ...query, seqno: 1 }),
      rootRequest.changePrices(prices),
      rootRequest.changeCodes({ ...query, proxyCode: code.root, workerCode: code.worker, clientCode: code.client }),
    ]) {
      const steps = await world.send(owner, root, TON, body);
      assert.deepEqual([at(steps, root).exit, at(steps, root).sent[0]?.op], [0, EXCESS]);
    }
    const data = readRootData(await world.data(root));
    assert.deepEqual([data.version, data.params.paramsVersion, data.lastProxySeqno], [9, 3, 2]);
    const config = rootConfig(data);
    assert.deepEqual([config.workerHashes, config.modelHashes, config.proxyHashes], [[hash(1)], [hash(2)], [hash(3)]]);
    assert.deepEqual(
      config.registeredProxies.map(({ seqno }) => seqno),
      [2],
    );
    assert.deepEqual([config.pricePerToken, config.proxyCode.hash()], [3n * TON, code.root.hash()]);
    const answer = await world.get(root, 'get_cocoon_data');
    assert.deepEqual([answer.readNumber(), answer.readNumber(), answer.readNumber()], [9, 2, 3]);
  });

  it('refuses strangers, absent proxies, malformed addresses and unknown operations', async () => {
    const world = await World.create();
    await world.place(root, 'root', rootDataCell(first), TON);
    const exit = async (body: Cell, from = owner) => at(await world.send(from, root, TON, body), root).exit;
    assert.equal(await exit(rootRequest.reset(query), stranger), 1010);
    assert.equal(await exit(rootRequest.updateProxy({ ...query, seqno: 4, text: '1.1.1.1:1' })), 2000);
    const registration = beginCell().storeUint(0x927c7cb5, 32).storeUint(1, 64);
    assert.equal(await exit(registration.storeUint(0x81, 8).storeUint(0, 8).endCell()), 1004);
    assert.equal(await exit(beginCell().storeUint(5, 32).storeUint(1, 64).endCell()), 1012);
  });
});

describe('the wallet', () => {
  const wallet = actor('wallet');
  const order = (change = {}) => ({ subwallet: 0, validUntilSec: START + 60, seqno: 0, messages: [], ...change });

  it('sends what its key orders, and refuses everything else before it costs anything', async () => {
    const world = await World.create();
    await world.place(wallet, 'wallet', walletBirthData({ publicKey, owner }), 3n * TON);
    for (const change of [{ validUntilSec: START }, { seqno: 1 }, { subwallet: 1 }]) {
      await assert.rejects(world.sendExternal(wallet, signWalletOrder(order(change), key)));
    }
    const stolen = privateKeyFromSeed(Buffer.alloc(32, 1));
    await assert.rejects(world.sendExternal(wallet, signWalletOrder(order(), stolen)));
    assert.equal(await world.balance(wallet), 3n * TON);
    const messages = [{ mode: 3, message: internal({ to: excess, value: TON, bounce: false }) }];
    await world.sendExternal(wallet, signWalletOrder(order({ messages }), key));
    assert.ok((await world.balance(excess)) > TON - TON / 100n);
    await assert.rejects(world.sendExternal(wallet, signWalletOrder(order({ seqno: 1 }), key)), 'below 2 TON');
  });

  it('obeys its owner: sends, blocks, unblocks, and gives all back', async () => {
    const world = await World.create();
    await world.place(wallet, 'wallet', walletBirthData({ publicKey, owner }), 3n * TON);
    assert.equal(at(await world.send(stranger, wallet, TON, walletRequest.text('b')), wallet).exit, 1040);
    assert.equal(at(await world.send(owner, wallet, TON, text('x')), wallet).exit, 1041);
    await world.send(owner, wallet, TON, walletRequest.text('b'));
    await assert.rejects(world.sendExternal(wallet, signWalletOrder(order(), key)));
    await world.send(owner, wallet, TON, walletRequest.text('u'));
    await world.sendExternal(wallet, signWalletOrder(order(), key));
    const before = await world.balance(wallet);
    const withdrawal = at(await world.send(owner, wallet, TON, walletRequest.text('w')), wallet);
    const [all] = withdrawal.sent;
    assert.equal(before + TON - withdrawal.fees - (all?.value ?? 0n), TON / 100n);
    assert.deepEqual([all?.bounce, all?.body.equals(text('w'))], [true, true]);
  });
});

function forge(body: Cell): Cell {
  const slice = body.beginParse();
  return beginCell()
    .storeBits(slice.loadBits(363))
    .storeBuffer(Buffer.alloc(64, 1))
    .storeRef(slice.loadRef())
    .endCell();
}

function followed(body: Cell): Cell {
  return beginCell().storeSlice(body.beginParse()).storeBit(1).endCell();
}
