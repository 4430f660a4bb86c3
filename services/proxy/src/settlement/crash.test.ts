import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Address, initAddress } from '@bombyx/ton';
import { type Frozen, Rig, TOKENS_OF_TON, TON } from '../../testing/settlement-rig.ts';

const [DEPLOYMENT, REFUND, LAST_PAYOUT] = [(3n * TON) / 10n, 0xefd711e1, 0xf5f26a36];
/** What people spend on their own messages. */
const FEES = TON / 2n;

/**
 * Runs a story once, and then again and again from the same beginning, with the process killed before each step that
 * somebody else could see: a record of its books, a message handed in.
 */
async function dieEverywhere(from: Frozen, story: (rig: Rig) => Promise<void>): Promise<void> {
  let steps = Number.POSITIVE_INFINITY;
  for (let killAt = 0; killAt <= steps; killAt += 1) {
    await using rig = await Rig.create({ from });
    await rig.start(killAt === 0 ? undefined : killAt);
    await story(rig);
    if (killAt === 0) steps = rig.life.acts;
    else assert.equal(rig.deaths, 1, `it lived on after ${killAt} steps`);
    assert.equal(rig.settlement.fault, undefined);
    assert.equal(rig.keeper.books.audit(), undefined);
  }
  assert.ok(steps >= 8, `${steps} steps`);
}

describe('a process that dies at any step of its first day', () => {
  let frozen: Frozen;
  before(async () => {
    await using rig = await Rig.create();
    frozen = await rig.freeze();
  });
  after(() => rmSync(frozen.folder, { recursive: true, force: true }));

  it('deploys once, charges once and pays once', async () => {
    await dieEverywhere(frozen, async (rig) => {
      await rig.until('it serves', () => rig.settlement.serving !== undefined);
      const { proxy } = rig;
      await rig.topUp(50n * TON);
      const accounts = () => rig.keeper.books.active!.accounts;
      await rig.until('the deposit is seen', () => accounts().available(rig.client.name) > 0n);
      const had = rig.balance(rig.worker.address);
      rig.charge(16n * TOKENS_OF_TON);
      const [client, worker] = [initAddress(rig.clientInit()), initAddress(rig.workerInit())];
      await rig.until(
        'the charge is seen',
        () => accounts().client(rig.client.name)?.usedOnChain === 16n * TOKENS_OF_TON,
      );
      await rig.until(
        'the payout is seen',
        () => accounts().worker(rig.worker.name)?.paidOnChain === 16n * TOKENS_OF_TON,
      );
      await rig.blocks();
      const got = rig.balance(rig.worker.address) - had;
      assert.ok(got > 12n * TON - FEES && got <= 12n * TON, `${got}`);
      assert.equal(rig.clientData(client).balance, 34n * TON);
      assert.equal(rig.workerData(worker).tokens, 16n * TOKENS_OF_TON);
      const deployments = (await rig.received(proxy)).filter(({ value }) => value === DEPLOYMENT);
      assert.equal(deployments.length, 1);
    });
  });
});

describe('a process that dies at any step of a change of parameters', () => {
  let frozen: Frozen;
  let [old, client, worker]: readonly Address[] = [];
  before(async () => {
    await using rig = await Rig.create();
    await rig.serve();
    await rig.topUp(50n * TON);
    await rig.hire();
    [old, client, worker] = [rig.proxy, initAddress(rig.clientInit()), initAddress(rig.workerInit())];
    await rig.until('the deposit is seen', () => rig.keeper.books.active!.accounts.available(rig.client.name) > 0n);
    rig.charge(8n * TOKENS_OF_TON);
    await rig.changePrices();
    frozen = await rig.freeze();
  });
  after(() => rmSync(frozen.folder, { recursive: true, force: true }));

  it('gives everybody his coins once, before the first close, and serves the new contract', async () => {
    const of = (address: Address | undefined) => address ?? assert.fail('prepared above');
    await dieEverywhere(frozen, async (rig) => {
      const people = [rig.client, rig.worker, rig.owner];
      const had = people.map(({ address }) => rig.balance(address));
      await rig.until('the new contract is served', () => rig.settlement.serving?.root.paramsVersion === 2);
      await rig.until('the old contract is closed', () => rig.proxyData(of(old)).state !== 'normal');
      // Hazards 1 and 2 of the contracts find an empty pool.
      assert.equal(rig.clientData(of(client)).state, 'closed');
      assert.equal(rig.workerData(of(worker)).state, 'closed');
      await rig.leap(610);
      const left = () => [...rig.keeper.books.instances()].length;
      await rig.until('the books of the old contract end', () => left() === 1);
      await rig.blocks();
      assert.equal(rig.proxyData(of(old)).state, 'closed');
      const due = [42n * TON, 6n * TON, 2n * TON];
      for (const [i, { address }] of people.entries()) {
        const got = rig.balance(address) - had[i]!;
        assert.ok(got > due[i]! - FEES && got < due[i]! + TON, `${got} of ${due[i]}`);
      }
      // Each other one was refused, if there was one.
      const done = async (at: Address | undefined, wanted: number) =>
        (await rig.received(of(at))).filter(({ op, ok }) => op === wanted && ok).length;
      assert.equal(await done(client, REFUND), 1);
      assert.equal(await done(worker, LAST_PAYOUT), 1);
    });
  });
});
