/** The end of an account: by the owner, and when the network gets new parameters. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientError } from '../src/errors.ts';
import { MoneyNetwork, TON } from './money-network.ts';

const coded = (pattern: RegExp) => (error: unknown) =>
  error instanceof ClientError && error.code === 'CLIENT_MONEY' && pattern.test(error.message);
/** Of the world's parameters, seconds. */
const CLIENT_DELAY = 3_600;
const PROXY_DELAY = 86_400;

describe('an owner who closes', () => {
  it('has all coins back in the operating wallet after the delay, without another word, over a restart', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    const proxy = net.proxyText;
    await net.client.management!.close(proxy);
    await net.until('it is closing', async () => (await net.account).state === 'closing');
    await net.until('the client knows', () => net.said.state === 1);
    assert.equal(net.client.ready, false);
    await assert.rejects(net.client.management!.close(proxy), coded(/closing: what is left can be taken after 20/));
    await assert.rejects(net.client.management!.withdraw(proxy), coded(/is closing/));
    await assert.rejects(net.client.management!.topup(proxy), coded(/is closing/));
    await net.pass(60);
    const before = await net.balance(net.wallet);
    await net.die();
    net.clock.advance(CLIENT_DELAY * 1_000);
    await net.live();
    await net.until('it is closed', async () => (await net.account).state === 'closed');
    await net.pass(60);
    const back = (await net.balance(net.wallet)) - before;
    assert.ok(back > (TON * 105n) / 100n, `${back} nanoTON`); // the stake, and what the contract had kept
    assert.equal(net.said.state, 2);
    await assert.rejects(net.client.management!.close(proxy), coded(/is closed/));
    assert.match(net.client.snapshot().proxy_connections[0]?.last_error ?? '', /closed/);
  });

  it('contract hazard 3: asks again ever more rarely where the proxy has no stake to pay a forced refund from', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    await net.client.management!.close(net.proxyText);
    await net.until('it is closing', async () => (await net.account).state === 'closing');
    const pool = await net.chain.world.pool();
    await net.chain.act(async (world) => {
      await world.placeProxy({ ...pool, stake: 0n as typeof pool.stake }, 100n * TON);
      return [];
    });
    net.clock.advance(CLIENT_DELAY * 1_000);
    await net.pass(1_200);
    const asked = (await net.orders()).filter((op) => op === 0xfafa6cc1).length - 1;
    assert.ok(asked >= 2 && asked <= 7, `${asked} times`);
    const account = await net.account;
    assert.deepEqual([account.state, account.balance], ['closing', TON]); // nothing is lost
  });
});

describe('an owner who orders', () => {
  it('withdraws what is above the stake', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    const { management } = net.client;
    await assert.rejects(management!.withdraw(net.proxyText), coded(/nothing to withdraw: the balance is 1 TON/));
    await management!.topup(net.proxyText);
    await net.until('it is topped up', async () => (await net.account).balance === 2n * TON);
    await net.until('the top-up is over', () => net.said.under_way === '');
    await net.pass(30);
    const before = await net.balance(net.wallet);
    await management!.withdraw(net.proxyText);
    await net.until('it is withdrawn', async () => (await net.account).balance === TON);
    await net.pass(30);
    assert.ok((await net.balance(net.wallet)) > before + (98n * TON) / 100n);
  });

  it('charges what is signed, and is told when nothing is', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    const { management } = net.client;
    await assert.rejects(management!.charge(net.proxyText), coded(/^nothing to charge$/));
    net.serve(10n);
    await management!.charge(net.proxyText);
    await assert.rejects(management!.charge(net.proxyText), coded(/^request is already running$/));
    await net.until('it is charged', async () => (await net.account).tokens === 10n);
    await net.until('the client knows', () => net.said.tokens_charged === 10);
    assert.equal(net.said.tokens_payed, 1_000_000);
    assert.match(net.said.last_transaction, /^\d+:[0-9a-f]{64}$/);
    assert.equal(net.said.last_deed, 'charge: executed');
  });

  it('is told about a proxy that is not known, and one that is trusted', async () => {
    await using net = await MoneyNetwork.start();
    await net.ready();
    await assert.rejects(net.client.management!.charge('nobody'), coded(/^proxy not found$/));
    await assert.rejects(net.client.management!.charge(net.said.sc_address), coded(/^proxy not found$/));
    await assert.rejects(net.client.management!.trust(net.proxyText), coded(/trusted already/));
  });
});

describe('new parameters of the network', () => {
  /** The proxy's contract under the parameters of now. */
  async function newNetwork(net: MoneyNetwork): Promise<void> {
    await net.newParams();
    await net.until('the client sees them', () => net.logged(/the network has new parameters/).length > 0);
  }

  it('begin a new account, and the old one is wound up: refund after half the delays, forced after the unlock', async () => {
    await using net = await MoneyNetwork.start({ wallet: 20n * TON });
    await net.ready();
    const old = net.contract;
    await newNetwork(net);
    await net.until('there is a second account', () => net.client.snapshot().proxies.length === 2);
    await net.ready();
    const fresh = net.proxy.clientContract;
    assert.notEqual(fresh.toRawString(), old.toRawString());
    assert.equal((await net.chain.world.client(fresh)).balance, TON);
    await net.pass(60);
    assert.equal((await net.chain.world.client(old)).state, 'normal'); // the proxy's turn first
    await net.crash();
    net.clock.advance(((PROXY_DELAY - CLIENT_DELAY) / 2) * 1_000);
    await net.live();
    await net.until('it is closing', async () => (await net.chain.world.client(old)).state === 'closing');
    net.clock.advance(CLIENT_DELAY * 1_000);
    await net.until('it is closed', async () => (await net.chain.world.client(old)).state === 'closed');
    await net.until('it is forgotten', () => net.client.snapshot().proxies.length === 1);
    await net.restart();
    assert.equal(net.client.snapshot().proxies.length, 1);
    await net.ready();
  });

  it('an account that the proxy winds up itself is let go', async () => {
    await using net = await MoneyNetwork.start({ wallet: 20n * TON });
    await net.ready();
    const old = net.contract;
    await newNetwork(net);
    await net.chain.act((world) => world.send(world.owner, old, (8n * TON) / 10n, net.refund(old, 0n)));
    await net.until('it is forgotten', () => net.client.snapshot().proxies.length === 1);
    assert.equal((await net.orders(old)).filter((op) => op === 0xfafa6cc1).length, 0);
  });

  it('client hazard 7: while no handshake has succeeded statistics are shown, and payments ignored', async () => {
    await using net = await MoneyNetwork.start({ wallet: 0n });
    net.bill(5n);
    net.proxy.say(net.proxy.signed(7n));
    const { proxies, proxy_connections } = net.client.snapshot();
    assert.deepEqual([proxy_connections.length, proxies[0]?.tokens_signed ?? 0], [1, 0]);
  });
});
