import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientRequest, formatAddress, initAddress, proxyRequest } from '@bombyx/ton';
import { PRICE, Rig, type RigOptions, TOKENS_OF_TON, TON } from '../../testing/settlement-rig.ts';

const COMMIT = 0x9a1247c0;
const CHARGE = 0xbb63ff93;
const REFUND = 0xefd711e1;

/** A proxy that serves a client with a deposit. */
async function served(options?: RigOptions, deposit = 50n * TON) {
  const rig = await Rig.create(options);
  await rig.serve();
  await rig.topUp(deposit);
  await rig.until('the deposit is seen', () => available(rig) > 0n);
  return rig;
}
const available = (rig: Rig) => rig.keeper.books.active!.accounts.available(rig.client.name);
const countOf = async (rig: Rig, at: Parameters<Rig['received']>[0], wanted: number) =>
  (await rig.received(at)).filter(({ op }) => op === wanted).length;

describe('the beginning', () => {
  it('deploys the contract, shows itself to it, and serves only then', async () => {
    await using rig = await Rig.create();
    const settlement = await rig.start();
    assert.equal(settlement.serving, undefined);
    assert.match(settlement.illness ?? '', /read/);
    await rig.until('it serves', () => settlement.serving !== undefined);
    assert.equal(rig.proxyData(rig.proxy).state, 'normal');
    assert.ok(initAddress(rig.proxyInit()).equals(rig.proxy));
    assert.equal(rig.keeper.books.pending.length, 0);
    assert.ok(rig.changes > 0);
  });

  it('says how much to send where when the wallet is empty, and goes on when it has come', async () => {
    await using rig = await Rig.create({ wallet: 0n });
    const settlement = await rig.start();
    await rig.pass(20);
    const text = formatAddress(rig.wallet, { testnet: true });
    assert.equal(settlement.illness, `the wallet has 0 TON and sends nothing below 2: send at least 5 TON to ${text}`);
    assert.equal(rig.lines.filter((line) => line.includes('send at least')).length, 1, 'said once');
    assert.equal(rig.keeper.books.nextCommit, 1, 'nothing was promised that cannot be sent');
    await rig.faucet.give(rig.wallet, 5n * TON);
    await rig.until('it serves', () => settlement.serving !== undefined);
  });

  it('starts again without a second deployment, and has the books it had', async () => {
    await using rig = await served();
    rig.charge(100n);
    const before = available(rig);
    await rig.stop();
    await rig.serve();
    assert.equal(available(rig), before);
    assert.equal((await rig.received(rig.proxy)).filter(({ value }) => value === (3n * TON) / 10n).length, 1);
  });

  it('hazard 6: knows the stake of a client after a restart', async () => {
    await using rig = await served();
    const stake = rig.clientInit();
    await rig.tell(
      initAddress(stake),
      clientRequest.raiseStake({ queryId: 1n, excess: rig.client.address, stake: (3n * TON) as never }),
    );
    const known = () => rig.keeper.books.active!.clientContract(rig.client.name)?.stake;
    await rig.until('the stake is seen', () => known() === 3n * TON);
    await rig.stop();
    await rig.start();
    assert.equal(known(), 3n * TON);
    assert.equal(available(rig), 3n * TOKENS_OF_TON);
  });
});

describe('the stake of the proxy', () => {
  it('is what the network asks for, and comes back when the contract ends', async () => {
    await using rig = await Rig.create();
    const settlement = await rig.serve();
    const { proxy } = rig;
    await rig.until('it is there', () => rig.proxyData(proxy).stake === TON);
    await rig.pass(60);
    assert.equal(rig.proxyData(proxy).stake, TON, 'once');
    const before = rig.balance(rig.owner.address);
    settlement.disable();
    await rig.until('the contract is closing', () => rig.proxyData(proxy).state === 'closing');
    await rig.leap(700);
    await rig.until('it is closed', () => rig.proxyData(proxy).state === 'closed');
    assert.ok(rig.balance(rig.owner.address) - before > (9n * TON) / 10n);
  });

  it('waits for coins where the wallet has too few, and the proxy serves meanwhile', async () => {
    await using rig = await Rig.create({ wallet: 3n * TON });
    await rig.serve();
    await rig.pass(60);
    assert.equal(rig.proxyData(rig.proxy).stake, 0n);
    await rig.faucet.give(rig.wallet, 5n * TON);
    await rig.until('it is there', () => rig.proxyData(rig.proxy).stake === TON);
  });
});

describe('money that moves', () => {
  it('hazard 5: clients are charged what is committed, and workers are paid', async () => {
    await using rig = await served({}, 100n * TON);
    await rig.hire();
    const client = initAddress(rig.clientInit());
    const worker = initAddress(rig.workerInit());
    const before = rig.balance(rig.worker.address);
    const accounts = () => rig.keeper.books.active!.accounts;
    for (let i = 0; i < 60; i += 1) {
      rig.charge(TOKENS_OF_TON / 3n);
      await rig.pass(2);
      assert.ok(rig.clientData(client).tokens <= accounts().client(rig.client.name)!.used.chain, 'charged too early');
      assert.ok(rig.workerData(worker).tokens <= accounts().worker(rig.worker.name)!.earned.chain, 'paid too early');
    }
    await rig.until('the client is charged', () => rig.clientData(client).tokens === 20n * TOKENS_OF_TON - 20n);
    await rig.until('the worker is paid', () => rig.workerData(worker).tokens > 13n * TOKENS_OF_TON);
    await rig.blocks();
    assert.ok(rig.balance(rig.worker.address) - before >= 10n * TON - TON / 100n);
    assert.ok((await countOf(rig, client, CHARGE)) <= 4, 'a charge for each commit at most');
    assert.equal(rig.keeper.books.audit(), undefined);
  });

  it('a worker without a contract gets one with its first payout', async () => {
    await using rig = await served();
    const before = rig.balance(rig.worker.address);
    rig.charge(20n * TOKENS_OF_TON);
    const worker = initAddress(rig.workerInit());
    await rig.until('it is paid', () => rig.keeper.books.active!.workerContract(rig.worker.name) !== undefined);
    await rig.blocks();
    assert.equal(rig.workerData(worker).tokens, 20n * TOKENS_OF_TON);
    assert.ok(rig.balance(rig.worker.address) - before >= 15n * TON - TON / 100n);
  });

  it('the owner gets what the proxy has earned, from ten TON on or when he asks', async () => {
    await using rig = await served({}, 100n * TON);
    const { settlement } = rig;
    const before = rig.balance(rig.owner.address);
    rig.charge(20n * TOKENS_OF_TON);
    const ready = () => settlement.status().contract?.readyForWithdraw;
    await rig.until('the proxy has earned', () => ready() === 5n * TON);
    await rig.pass(30);
    assert.equal(rig.balance(rig.owner.address), before);
    assert.equal(settlement.withdrawNow(), 'request sent');
    await rig.until('it is withdrawn', () => ready() === 0n && settlement.withdrawNow() === 'nothing to withdraw');
    await rig.blocks();
    assert.ok(rig.balance(rig.owner.address) - before > 5n * TON - TON / 100n);
    rig.charge(44n * TOKENS_OF_TON);
    await rig.until('it is withdrawn by itself', () => rig.balance(rig.owner.address) - before > 15n * TON);
  });

  it('an operator has a client charged and a worker paid at once, after the commit that it takes', async () => {
    await using rig = await served();
    const { settlement } = rig;
    assert.equal(settlement.chargeNow('nobody'), 'client not found');
    assert.equal(settlement.chargeNow(rig.client.name), 'nothing to charge');
    assert.equal(settlement.payoutNow(rig.worker.name), 'worker not found');
    rig.charge(7n);
    assert.equal(settlement.chargeNow(rig.client.name), 'request sent');
    assert.equal(settlement.payoutNow(rig.worker.name), 'request sent');
    await rig.until('the charge is on its way', () => settlement.isUnderWay('client', rig.client.name));
    assert.equal(settlement.chargeNow(rig.client.name), 'request already running');
    await rig.until('both are done', () => settlement.payoutNow(rig.worker.name) === 'nothing to pay');
    assert.equal(rig.clientData(initAddress(rig.clientInit())).tokens, 7n);
    assert.equal(rig.workerData(initAddress(rig.workerInit())).tokens, 7n);
  });

  it('a client proves itself by a nonce that comes through its contract, as the wire writes it', async () => {
    await using rig = await served();
    const nonce = 0xf000_0000_0000_0001n;
    const body = clientRequest.register({ queryId: 1n, excess: rig.client.address, nonce });
    await rig.tell(initAddress(rig.clientInit()), body);
    await rig.until('it is registered', () => rig.registered.length > 0);
    assert.deepEqual(rig.registered, [{ nonce: BigInt.asIntN(64, nonce), owner: rig.client.name }]);
  });
});

describe('commits', () => {
  it('are not made while nobody uses anything', async () => {
    await using rig = await served();
    const before = rig.keeper.books.nextCommit;
    await rig.pass(900);
    assert.equal(rig.keeper.books.nextCommit, before);
  });

  it('are made once an hour where little is used', async () => {
    await using rig = await served();
    const before = await countOf(rig, rig.proxy, COMMIT);
    for (let i = 0; i < 12; i += 1) {
      rig.charge(10n);
      await rig.leap(600);
      await rig.pass(10);
    }
    const commits = (await countOf(rig, rig.proxy, COMMIT)) - before;
    assert.ok(commits >= 1 && commits <= 2, `${commits} in two hours, where the reference makes 120 to 240`);
  });

  it('are made early when much would be lost', async () => {
    await using rig = await served();
    const { used } = rig.keeper.books.active!.accounts.client(rig.client.name)!;
    rig.charge(TOKENS_OF_TON / 4n);
    await rig.until('it is committed', () => used.chain === used.max, 60);
  });
});

describe('a client that leaves', () => {
  it('hazard 7: is refunded once, when no request runs and all is committed', async () => {
    await using rig = await served();
    const client = initAddress(rig.clientInit());
    const running = `${rig.contract}/${rig.client.name}`;
    rig.charge((3n * TOKENS_OF_TON) / 10n);
    rig.running.set(running, 1);
    const before = rig.balance(rig.client.address);
    await rig.tell(client, clientRequest.askRefund({ queryId: 1n, excess: rig.client.address }));
    await rig.until('it is seen', () => rig.keeper.books.active!.clientContract(rig.client.name)?.state === 'closing');
    await rig.pass(120);
    assert.equal(rig.clientData(client).state, 'closing', 'a request runs');
    rig.charge((2n * TOKENS_OF_TON) / 10n);
    rig.running.delete(running);
    await rig.until('it is refunded', () => rig.clientData(client).state === 'closed');
    await rig.pass(60);
    const back = rig.balance(rig.client.address) - before;
    assert.ok(back > 49n * TON && back < (499n * TON) / 10n, `${back}`);
    assert.equal(await countOf(rig, client, REFUND), 1);
    assert.equal(available(rig), 0n);
  });
});

describe('switching off', () => {
  it('gives everybody his coins and serves again with the next parameters only', async () => {
    await using rig = await served();
    const { settlement } = rig;
    const [proxy, client] = [rig.proxy, initAddress(rig.clientInit())];
    rig.charge(TOKENS_OF_TON);
    settlement.disable();
    assert.equal(settlement.illness, 'the proxy is switched off');
    assert.equal(settlement.serving, undefined);
    await rig.until('the client is refunded', () => rig.clientData(client).state === 'closed');
    await rig.until('the worker is paid', () => rig.proxyData(proxy).state === 'closing');
    await rig.leap(610);
    await rig.until('the contract is closed', () => settlement.opened === undefined);
    assert.equal(rig.proxyData(proxy).state, 'closed');
    await rig.stop();
    await rig.start();
    assert.equal(rig.settlement.illness, 'the proxy is switched off', 'a restart does not switch it on');
    rig.settlement.enable();
    await rig.pass(30);
    assert.match(rig.settlement.illness ?? '', /after the next change of the parameters/);
    await rig.changePrices();
    await rig.until('it serves the new parameters', () => rig.settlement.serving?.root.paramsVersion === 2);
    assert.equal(rig.settlement.serving!.instance.terms.pricePerToken, 2n * PRICE);
  });

  it('is what the owner does who closes his contract', async () => {
    await using rig = await served();
    const client = initAddress(rig.clientInit());
    await rig.owner.send({ to: rig.proxy, value: TON, body: proxyRequest.text('c') });
    await rig.until('it is not served any more', () => rig.settlement.serving === undefined);
    await rig.until('the client is refunded', () => rig.clientData(client).state === 'closed');
  });
});

it('never serves the books of one contract under the parameters of another', async () => {
  await using rig = await served();
  const seen: string[] = [];
  rig.onChange = ({ serving }) => {
    if (serving) seen.push(`${serving.instance.terms.paramsVersion} under ${serving.root.paramsVersion}`);
  };
  await rig.changePrices();
  await rig.until('the new contract is served', () => rig.settlement.serving?.root.paramsVersion === 2);
  assert.deepEqual([...new Set(seen)], ['2 under 2']);
});

it('hazard 15: prices above 32 bits are kept whole', async () => {
  await using rig = await Rig.create();
  await rig.changePrices(2n ** 40n + 1n, 2n ** 40n);
  await rig.serve();
  await rig.stop();
  await rig.start();
  assert.equal(rig.keeper.books.active!.terms.pricePerToken, 2n ** 40n + 1n);
});
