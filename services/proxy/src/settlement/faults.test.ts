import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type ChainAccount, clientRequest, initAddress, proxyRequest, RootError } from '@bombyx/ton';
import { Rig, TOKENS_OF_TON, TON } from '../../testing/settlement-rig.ts';
import { ProxyError } from '../errors.ts';

const COMMIT = 0x9a1247c0;
const isRollback = (error: unknown) => error instanceof ProxyError && error.code === 'PROXY_ROLLBACK';
const available = (rig: Rig) => rig.keeper.books.active!.accounts.available(rig.client.name);

async function served() {
  const rig = await Rig.create();
  await rig.serve();
  await rig.topUp(50n * TON);
  await rig.until('the deposit is seen', () => available(rig) > 0n);
  return rig;
}

describe('an older copy of the books', () => {
  it('is refused at the start, with what to do', async () => {
    await using rig = await served();
    await rig.stop();
    copyFileSync(rig.path, `${rig.path}.old`);
    await rig.serve();
    await rig.stop();
    rig.path = `${rig.path}.old`;
    await assert.rejects(rig.start(), (error: unknown) => {
      assert.ok(isRollback(error));
      assert.match(String(error), /put back the newest data folder/);
      return true;
    });
  });

  it('is refused also where it is an empty folder', async () => {
    await using rig = await served();
    await rig.stop();
    rig.path = `${rig.path}.new`;
    await assert.rejects(rig.start(), isRollback);
  });

  it('is refused while the other one serves, which goes on', async () => {
    await using rig = await served();
    await rig.stop();
    copyFileSync(rig.path, `${rig.path}.copy`);
    const ours = await rig.serve();
    const { keeper, life } = rig;
    rig.charge(20n * TOKENS_OF_TON);
    rig.path = `${rig.path}.copy`;
    await assert.rejects(rig.start(), isRollback);
    assert.equal(ours.fault, undefined, 'the copy had read the commit of the first and did not start');
    life.isDead = true;
    keeper[Symbol.dispose]();
  });

  it('that starts at the same moment never serves beside the other, and who finds out says so and settles nothing', async () => {
    await using rig = await served();
    await rig.stop();
    copyFileSync(rig.path, `${rig.path}.copy`);
    const ours = await rig.start();
    const { keeper } = rig;
    rig.path = `${rig.path}.copy`;
    const theirs = await rig.start();
    const areBothServing = () => ours.serving !== undefined && theirs.serving !== undefined;
    await rig.until('one finds the other', () => {
      assert.equal(areBothServing(), false);
      return ours.fault !== undefined || theirs.fault !== undefined;
    });
    const stopped = ours.fault ? ours : theirs;
    assert.ok(isRollback(stopped.fault));
    assert.match(stopped.illness ?? '', /another proxy runs with the same machine key/);
    await rig.pass(120);
    assert.equal(areBothServing(), false);
    assert.equal(stopped.status().wallet.pending, 0, 'nothing is settled');
    await ours[Symbol.asyncDispose]();
    keeper[Symbol.dispose]();
  });
});

describe('a chain that cannot be read', () => {
  it('is waited for; nothing is served after two hours, and again when it is back', async () => {
    await using rig = await served();
    const { settlement } = rig;
    rig.isDown = true;
    rig.charge(TOKENS_OF_TON);
    await rig.leap(3_600);
    await rig.pass(60);
    assert.notEqual(settlement.serving, undefined);
    await rig.leap(3_700);
    await rig.pass(120);
    assert.match(settlement.illness ?? '', /could not be (read|refreshed) for \d+ s/);
    rig.isDown = false;
    await rig.until('it serves again', () => settlement.serving !== undefined, 400);
    const client = initAddress(rig.clientInit());
    await rig.until('what was used meanwhile is charged', () => rig.clientData(client).tokens === TOKENS_OF_TON);
  });

  it('loses messages, and each lands once all the same', async () => {
    await using rig = await served();
    const client = initAddress(rig.clientInit());
    rig.losesExternals = true;
    rig.charge(2n * TOKENS_OF_TON);
    await rig.pass(200);
    assert.ok(rig.externals > 2);
    rig.losesExternals = false;
    await rig.until('the charge lands', () => rig.clientData(client).tokens === 2n * TOKENS_OF_TON);
    await rig.pass(60);
    const got = await rig.received(client);
    assert.equal(got.filter(({ op }) => op === 0xbb63ff93).length, 1);
    const commits = (await rig.received(rig.proxy)).filter(({ op }) => op === COMMIT).length;
    assert.equal(rig.keeper.books.nextCommit - 1, commits, 'each commit is there once');
  });

  it('delivers transactions again, and they count once', async () => {
    await using rig = await served();
    rig.repeats = true;
    const before = available(rig);
    await rig.topUp(5n * TON);
    await rig.until('the new deposit is seen', () => deposit(rig) === 55n * TON);
    await rig.pass(30);
    assert.equal(available(rig), before, 'the stake bounds it as before');
    assert.equal(rig.settlement.fault, undefined);
    assert.equal(rig.keeper.books.audit(), undefined);
  });

  it('shows a contract as it was before its message, and the old state is not taken', async () => {
    await using rig = await served();
    const client = initAddress(rig.clientInit());
    const old = rig.ledger.account(client);
    const stale = {
      address: client,
      status: 'active',
      balance: old.balance,
      data: old.data!,
      last: old.last!,
    } as ChainAccount;
    rig.distort = (account) => (account.address.equals(client) ? stale : account);
    await rig.topUp(5n * TON);
    const { cursor } = rig.keeper.books.active!;
    await rig.pass(60);
    assert.equal(deposit(rig), 50n * TON);
    assert.deepEqual(rig.keeper.books.active!.cursor, cursor, 'the message is looked at again');
    rig.distort = (account) => account;
    await rig.until('the new state is taken', () => deposit(rig) === 55n * TON);
  });
});

describe('strangers', () => {
  it('hazard 13 of the contracts: a message that names a client is believed of its own contract only', async () => {
    await using rig = await served();
    const register = clientRequest.register({ queryId: 1n, excess: rig.client.address, nonce: 7n });
    await rig.tell(initAddress(rig.clientInit()), register);
    await rig.until('it is registered', () => rig.registered.length > 0);
    const got = await rig.received(rig.proxy);
    const before = rig.keeper.books.active!.clientContract(rig.client.name);
    // What the client contract says of itself, word for word, from somebody else.
    const said = await rig.saidToProxy();
    await rig.worker.send({ to: rig.proxy, value: 1n, body: said });
    await rig.worker.send({ to: rig.proxy, value: TON, body: said });
    await rig.pass(150);
    assert.ok((await rig.received(rig.proxy)).length > got.length);
    assert.deepEqual(rig.keeper.books.active!.clientContract(rig.client.name), before);
    assert.equal(rig.registered.length, 1, 'nobody registers in the name of another');
  });

  it('a commit of somebody else is no commit', async () => {
    await using rig = await served();
    const body = proxyRequest.saveState({ queryId: 1n, seqno: 99, session: Buffer.alloc(32, 9) });
    await rig.worker.send({ to: rig.proxy, value: 1n, body });
    await rig.pass(20);
    assert.equal(rig.settlement.fault, undefined);
    assert.notEqual(rig.settlement.serving, undefined);
  });
});

it('a root of another network is refused', async () => {
  await using rig = await served();
  await rig.changePrices();
  await rig.until('the new parameters are served', () => rig.settlement.serving?.root.paramsVersion === 2);
  await rig.stop();
  await using other = await Rig.create();
  copyFileSync(rig.path, other.path);
  await assert.rejects(
    other.start(),
    (error: unknown) => error instanceof ProxyError && error.code === 'PROXY_NETWORK',
  );
});

it('a root that is not there is named', async () => {
  await using rig = await Rig.create();
  rig.root = initAddress({ ...rig.rootInit(), data: rig.rootInit().code });
  await assert.rejects(rig.start(), (error: unknown) => error instanceof RootError && error.code === 'ROOT_ABSENT');
});

function deposit(rig: Rig): bigint | undefined {
  return rig.keeper.books.active!.clientContract(rig.client.name)?.balance;
}
