/** What the client pays, on a chain that runs the contracts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChainError, clientRequest, RootError } from '@bombyx/ton';
import { ClientError } from '../src/errors.ts';
import { MoneyNetwork, TON } from './money-network.ts';
import { request, Transcript } from './network.ts';

const Op = { open: 0x8473b408, topUp: 0xf172e6c2, register: 0xc45f9f3b, secret: 0xa9357034, refund: 0xfafa6cc1 };
const coded =
  (pattern: RegExp, code = 'CLIENT_MONEY') =>
  (error: unknown) =>
    error instanceof ClientError && error.code === code && pattern.test(error.message);
/** Tokens of half a stake, and one more. */
const HALF = 500_000n;

async function used(net: MoneyNetwork, tokens = HALF + 1n): Promise<void> {
  net.serve(tokens);
  await net.until('the use is charged', async () => (await net.account).tokens === net.total);
}

describe('registration', () => {
  it('deploys the contract, pays the first stake in, sets a secret, and is ready when the proxy has seen the nonce', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    const account = await net.account;
    assert.deepEqual([account.state, account.balance, account.stake, account.tokens], ['normal', TON, TON, 0n]);
    assert.ok(!account.secretHash.equals(Buffer.alloc(32)));
    assert.deepEqual(await net.orders(), [Op.open, Op.register]);
    await net.pass(30);
    const spent = 10n * TON - (await net.balance(net.wallet)); // the excess is back
    assert.ok(spent > TON && spent < (TON * 116n) / 100n, `${spent} nanoTON`);
    const { wallet, money, status } = net.client.snapshot();
    assert.equal(wallet.balance, Number(await net.balance(net.wallet)));
    assert.deepEqual([wallet.seqno, money?.topped_up_today, money?.lack], [2, Number(TON), '']);
    assert.ok(status.ton_last_synced_at > 1_800_000_000);
  });

  it('needs no registration afterwards, nor after a restart: the secret is kept', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    for (const again of [() => net.reconnect(), () => net.restart(), () => net.crash().then(() => net.live())]) {
      await again();
      await net.ready();
      assert.equal(net.proxy.queries.at(-1)?.kind, 'client.authorizeWithProxyShort');
    }
    await net.pass(60);
    assert.deepEqual(await net.orders(), [Op.open, Op.register]);
  });

  it('client hazard 3: never registers the hash of an empty secret, and sets it where another is registered', async () => {
    await using net = await MoneyNetwork.start({ config: { secret_string: 'a' } });
    await net.ready();
    const before = (await net.account).secretHash;
    await net.die();
    net.proxy.options = { ...net.proxy.options, secretHash: Buffer.alloc(32, 1) };
    await using other = await MoneyNetwork.start({ config: { secret_string: '' } });
    await other.ready();
    assert.ok(!(await other.account).secretHash.equals(before));
    await net.live();
    await net.ready();
    assert.ok((await net.account).secretHash.equals(before));
  });

  it('changes the secret in the contract when the configured one is new', async () => {
    await using net = await MoneyNetwork.start({ config: { secret_string: 'first' } });
    await net.ready();
    const first = (await net.account).secretHash;
    await net.die();
    net.configure({ secret_string: 'second' });
    await net.live();
    await net.ready();
    assert.ok(!(await net.account).secretHash.equals(first));
    assert.deepEqual(await net.orders(), [Op.open, Op.register, Op.secret, Op.register]);
  });

  it('client hazard 15: raises the stake to what the owner wants, with the amount, and pays as much in', async () => {
    await using net = await MoneyNetwork.start({ config: { stake_ton: 2 } });
    await net.ready();
    const { balance, stake } = await net.account;
    assert.deepEqual([balance, stake], [2n * TON, 2n * TON]);
  });

  it('fits a contract that a stranger has deployed', async () => {
    await using net = await MoneyNetwork.start({ wallet: 0n });
    await net.chain.act(async (world) => {
      await world.placeClient(net.wallet);
      return [];
    });
    await net.fund(10n * TON);
    await net.ready();
    assert.deepEqual(await net.orders(), [Op.secret, Op.topUp, Op.register]);
    assert.equal((await net.account).balance, TON);
  });

  it('pays nothing in where tokens cost nothing', async () => {
    await using net = await MoneyNetwork.start({ price: 0n });
    await net.ready();
    await net.pass(100);
    assert.deepEqual(await net.orders(), [Op.secret, Op.register]);
    assert.equal((await net.account).balance, 0n);
  });

  it('is not made to pay fees for ever by a proxy that wants to see it again and again', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    for (let i = 0; i < 8; i += 1) {
      const { secretHash: _, ...forgetful } = net.proxy.options;
      net.proxy.options = forgetful;
      await net.reconnect();
      await net.pass(15);
    }
    const registrations = (await net.orders()).filter((op) => op === Op.register).length;
    assert.equal(registrations, 4);
    assert.match(net.client.snapshot().proxy_connections[0]?.last_error ?? '', /asks for registration too often/);
  });
});

describe('topping up and charging', () => {
  it('submits the charge when half of the stake is used, and tops up by one stake below half of it', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    net.serve(HALF);
    await net.pass(60);
    assert.equal((await net.account).tokens, 0n);
    await used(net, 1n);
    assert.equal((await net.account).tokens, HALF + 1n);
    await net.until('it is topped up', async () => (await net.account).balance === TON + TON / 2n - 1_000n);
    await net.pass(60);
    assert.deepEqual((await net.orders()).slice(2), [0xbb63ff93, Op.topUp]);
  });

  it('stays within the daily limit, over restarts and crashes, and goes on the next day', async () => {
    await using net = await MoneyNetwork.start({ config: { top_up_per_day_ton: '2.5' }, wallet: 20n * TON });
    await net.ready();
    await used(net);
    await net.until('the second stake is in', async () => (await net.account).balance > TON);
    await used(net, 1_000_000n);
    await net.pass(100);
    assert.equal((await net.orders()).filter((op) => op === Op.topUp).length, 1);
    assert.match(net.client.snapshot().money?.lack ?? '', /daily limit.*2 of 2\.5 TON were paid in today/);
    await assert.rejects(net.client.management!.topup(net.proxyText), coded(/daily limit/, 'CLIENT_BALANCE'));
    await net.crash();
    await net.live();
    await net.ready();
    await net.pass(60);
    await net.restart();
    await net.pass(60);
    assert.equal((await net.orders()).filter((op) => op === Op.topUp).length, 1);
    net.clock.advance(86_400_000);
    await net.until('the next day brings the next top-up', async () => (await net.account).balance > TON / 2n);
    assert.equal(net.client.snapshot().money?.topped_up_today, Number(TON));
  });

  it('contract hazard 13: a top-up that the contract refused is not believed, and counts against no limit', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    net.chain.externals = 'hold';
    await net.client.management!.topup(net.proxyText);
    await net.pass(5);
    assert.equal(net.client.snapshot().money?.topped_up_today, Number(2n * TON));
    const closing = clientRequest.askRefund({ queryId: 1n, excess: net.wallet });
    await net.chain.act((world) => world.send(net.wallet, net.contract, TON, closing));
    net.chain.externals = 'run';
    await net.chain.land();
    await net.until('the top-up is over', () => net.said.under_way === '');
    assert.equal(net.said.last_deed, 'top-up: refused');
    assert.equal(net.client.snapshot().money?.topped_up_today, Number(TON));
    assert.equal((await net.account).balance, TON);
    assert.ok((await net.balance(net.wallet)) > 8n * TON);
  });

  it('contract hazard 1: pays nothing into a proxy contract that is closing or missing', async () => {
    await using net = await MoneyNetwork.start({ wallet: 0n });
    await net.chain.act(async (world) => {
      await world.placeProxy({ state: 'closing' }, 100n * TON);
      return [];
    });
    await net.fund(10n * TON);
    await net.pass(60);
    assert.equal(await net.deployed(), false);
    assert.match(net.client.snapshot().proxy_connections[0]?.last_error ?? '', /takes no coins/);
  });
});

describe('an empty wallet', () => {
  it('says how much to send where, to the owner and to a caller, and goes on by itself when coins come', async () => {
    await using net = await MoneyNetwork.start({ wallet: TON / 2n });
    await net.pass(20);
    const { money, wallet } = net.client.snapshot();
    assert.match(
      money?.lack ?? '',
      /^the wallet has 0\.5 TON and needs 3\.8 TON to pay 1 TON in at a proxy: send at least 3\.35 TON to UQ/,
    );
    assert.ok(money?.lack.endsWith(wallet.address));
    assert.ok(net.logged(/^the wallet has 0\.5 TON and needs/).length === 1);
    const sink = new Transcript();
    net.client.run(request(), sink);
    await net.pass(1);
    assert.deepEqual([sink.code, sink.failure?.httpStatus], ['CLIENT_BALANCE', 402]);
    assert.match(sink.failure?.message ?? '', /send at least 3\.35 TON to UQ/);
    assert.deepEqual([await net.deployed(), net.chain.handedIn], [false, 0]);
    await net.fund((335n * TON) / 100n); // no more than it says
    await net.ready();
    await net.pass(60);
    assert.equal(net.client.snapshot().money?.lack, '');
  });

  it('a refusal of the proxy for want of balance names amount and address, too', async () => {
    await using net = await MoneyNetwork.start({ wallet: 4n * TON });
    await net.ready();
    await used(net);
    await net.until('the next stake is lacking', () => net.client.snapshot().money?.lack !== '');
    const sink = new Transcript();
    net.client.run(request(), sink);
    net.proxy.say({
      kind: 'bombyx.answerError',
      request_id: net.proxy.runId(),
      error_code: 651,
      reason: 'balance_too_low',
      message: 'client balance is too low',
      http_status: 402,
      retry_after_ms: 0,
      flags: 0,
    });
    assert.match(sink.failure?.message ?? '', /send .* TON to UQ/);
    assert.equal(sink.failure?.httpStatus, 402);
  });

  it('keeps enough to close: a top-up never takes the last coins', async () => {
    await using net = await MoneyNetwork.start({ wallet: 4n * TON });
    await net.ready();
    await used(net);
    await net.pass(60);
    assert.ok((await net.balance(net.wallet)) > 2n * TON);
    await net.client.management!.close(net.proxyText);
    await net.until('it is closing', async () => (await net.account).state === 'closing');
  });
});

describe('the root contract', () => {
  it('that nobody confirms for two hours allows no proxy any more, where its lists count', async () => {
    await using net = await MoneyNetwork.start({ config: { check_proxy_hashes: true }, hashes: [Buffer.alloc(32)] });
    await net.ready();
    net.chain.isDown = true;
    net.clock.advance(7_200_000);
    await net.pass(120);
    const sink = new Transcript();
    net.client.run(request(), sink);
    await net.pass(1);
    assert.equal(sink.code, 'CLIENT_NOT_READY');
    assert.match(sink.failure?.message ?? '', /could not be refreshed for 7\d\d\d s/);
    net.chain.isDown = false;
    await net.pass(90);
    assert.equal(net.serve(10n).failure, undefined);
  });

  it('that lists other proxies makes the client leave the one it has', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    const elsewhere = { host: '127.0.0.1', port: 9_777 };
    net.root = { ...net.root, version: 2, registeredProxies: [{ seqno: 2, clients: elsewhere, workers: elsewhere }] };
    await net.showRoot();
    await net.until('it is left', () => net.logged(/not registered any more/).length === 1);
    assert.deepEqual(
      net.client.snapshot().proxy_connections.map(({ address }) => address),
      ['[127.0.0.1:9777]'],
    );
  });

  it('is needed: without it, or with another test flag, the client does not start', async () => {
    await using net = await MoneyNetwork.start();
    await net.die();
    net.root = { ...net.root, isTest: false };
    await net.showRoot();
    await assert.rejects(net.live(), (error) => error instanceof RootError && error.code === 'ROOT_TEST_FLAG');
    net.root = { ...net.root, isTest: true };
    await net.showRoot();
    net.chain.isDown = true;
    await assert.rejects(net.live(), (error) => error instanceof ChainError && error.code === 'CHAIN_UNREACHABLE');
    net.chain.isDown = false;
    await net.live();
  });

  it('and coins need a folder to remember them in', async () => {
    await using net = await MoneyNetwork.start();
    await net.die();
    const { folder } = net;
    net.folder = '';
    await assert.rejects(net.live(), coded(/"data_dir" is needed/, 'CLIENT_CONFIG'));
    net.folder = folder;
    await net.live();
  });
});

describe('a chain that fails', () => {
  it('is waited for, and requests go on meanwhile', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    net.chain.isDown = true;
    net.serve(HALF + 1n);
    await net.pass(120);
    assert.equal(net.client.ready, true);
    assert.equal(net.serve(10n).failure, undefined);
    assert.ok(net.logged(/payments wait for the chain/).length > 0);
    net.chain.isDown = false;
    await net.until('the charge is submitted', async () => (await net.account).tokens > 0n);
    assert.equal(net.said.fault, undefined);
  });

  it('a message that is lost is sent again, once', async () => {
    await using net = await MoneyNetwork.start({ wallet: 0n });
    net.chain.externals = 'lose';
    await net.fund(10n * TON);
    await net.pass(40);
    assert.ok(net.chain.handedIn > 0);
    net.chain.externals = 'run';
    await net.until('the proxy is ready', () => net.client.ready, 400);
    await net.pass(60);
    assert.deepEqual(await net.orders(), [Op.open, Op.register]);
    assert.equal((await net.account).balance, TON);
  });

  it('a message that comes late, after a crash, is not paid twice', async () => {
    await using net = await MoneyNetwork.start({ wallet: 0n });
    net.chain.externals = 'hold';
    await net.fund(10n * TON);
    await net.pass(30);
    assert.ok(net.chain.handedIn > 0);
    await net.crash();
    await net.live();
    await net.pass(5);
    net.chain.externals = 'run';
    await net.chain.land();
    await net.until('the proxy is ready', () => net.client.ready, 400);
    assert.deepEqual([await net.orders(), (await net.account).balance], [[Op.open, Op.register], TON]);
    assert.equal(net.client.snapshot().money?.topped_up_today, Number(TON));
  });

  it('a message that was lost with the crash is paid again when it can land no more, and counted once', async () => {
    await using net = await MoneyNetwork.start({ wallet: 0n, config: { top_up_per_day_ton: 1 } });
    net.chain.externals = 'lose';
    await net.fund(10n * TON);
    await net.pass(30);
    await net.crash();
    await net.live();
    net.chain.externals = 'run';
    await net.pass(120);
    assert.equal(await net.deployed(), false); // it may still be on its way
    await net.until('the proxy is ready', () => net.client.ready, 1_500);
    assert.deepEqual([(await net.account).balance, net.client.snapshot().money?.topped_up_today], [TON, Number(TON)]);
  });
});

describe('a crash between any two steps', () => {
  for (const seconds of [0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18]) {
    it(`${seconds} s after the start leaves one contract with one stake`, async () => {
      await using net = await MoneyNetwork.start();
      await net.pass(seconds);
      await net.crash();
      await net.live();
      await net.until('the proxy is ready', () => net.client.ready, 1_500);
      await net.pass(60);
      const account = await net.account;
      assert.deepEqual([account.balance, account.stake], [TON, TON]);
      assert.equal((await net.orders()).filter((op) => op === Op.open).length, 1);
    });
  }
});
