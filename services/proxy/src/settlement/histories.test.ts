/**
 * Random histories of money, wound up in the end and counted to the nanoTON. `BOMBYX_RUNS` makes it longer; a failure
 * prints seed and path, which `BOMBYX_SEED` and `BOMBYX_PATH` take.
 */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { History, PEOPLE, POLICY } from '../../testing/history.ts';
import { ACTS, type Step } from '../../testing/history-acts.ts';
import { audit, type Tally } from '../../testing/history-audit.ts';
import { type Frozen, Rig, TON } from '../../testing/settlement-rig.ts';

const { BOMBYX_RUNS = '8', BOMBYX_SEED, BOMBYX_PATH } = process.env;
/** Files in memory, where there is such a folder. */
const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const act = fc.oneof(
  ...Object.entries(ACTS).map(([name, weight]) => ({ weight, arbitrary: fc.constant(name as Step['act']) })),
);
const step: fc.Arbitrary<Step> = fc.record({ act, who: fc.constantFrom(0, 1), n: fc.nat(99) });
const steps = fc.array(step, { minLength: 8, maxLength: 24, size: 'max' });

/** Where histories begin: nothing is there but people and a root, or a proxy serves and a client has paid. */
const beginnings: Frozen[] = [];

before(async () => {
  const options = { parent, policy: POLICY, people: PEOPLE };
  await using fresh = await Rig.create(options);
  beginnings.push(await fresh.freeze());
  await using served = await Rig.create({ ...options, from: beginnings[0]! });
  await served.serve();
  await served.topUp(3n * TON + 1_234_567n);
  await served.topUp(2n * TON + 7n, served.people[0]!);
  await served.hire();
  await served.until(
    'the deposit is seen',
    () => served.keeper.books.active!.accounts.available(served.client.name) > 0n,
  );
  beginnings.push(await served.freeze());
});
after(() => {
  for (const { folder } of beginnings) rmSync(folder, { recursive: true, force: true });
});

it('money is conserved to the nanoTON, whatever happens in whatever order', async (t) => {
  const tally: Tally = {
    histories: 0,
    deaths: 0,
    charges: 0,
    contracts: 0,
    tokens: 0n,
    deposits: 0n,
    payments: 0,
    forced: 0,
  };
  const property = fc.asyncProperty(fc.nat(4), fc.noShrink(fc.nat()), steps, async (beginning, seed, all) => {
    await using history = await History.begin(seed, { parent, from: beginnings[beginning === 0 ? 0 : 1]! });
    for (const next of all) await history.do(next);
    await history.end();
    await audit(history, tally);
  });
  await fc.assert(property, {
    numRuns: Number(BOMBYX_RUNS),
    ...(BOMBYX_SEED ? { seed: Number(BOMBYX_SEED) } : {}),
    ...(BOMBYX_PATH ? { path: BOMBYX_PATH } : {}),
  });
  const { tokens, deposits, ...counts } = tally;
  t.diagnostic(JSON.stringify({ ...counts, tokens: String(tokens), deposits: String(deposits) }));
  if (!BOMBYX_PATH) assert.ok(tokens > 0n && tally.payments > 0, 'something was used and paid');
});

describe('what histories have found', () => {
  const areBooksLeft = (rig: Rig) => [...rig.keeper.books.instances()].length > 0;

  it('a proxy contract that never was is done with, also where somebody has sent coins to its address', async () => {
    await using rig = await Rig.create({ parent, wallet: 0n });
    const settlement = await rig.start();
    await rig.client.send({ to: rig.proxy, value: TON, bounce: false });
    await rig.until('the coins are seen', () => rig.keeper.books.active!.cursor !== undefined);
    settlement.disable();
    await rig.until('its books end', () => !areBooksLeft(rig), 400);
  });

  it('a proxy contract that never was is done with, also where a client has paid its stake for it', async () => {
    await using rig = await Rig.create({ parent, wallet: 0n });
    const settlement = await rig.start();
    await rig.topUp(3n * TON);
    const { accounts } = rig.keeper.books.active!;
    await rig.until('the client is seen', () => [...accounts.clients()].length > 0);
    settlement.disable();
    await rig.until('its books end', () => !areBooksLeft(rig), 400);
  });

  it('a proxy that is switched off while its contract is being deployed does not forget the contract', async () => {
    await using rig = await Rig.create({ parent });
    const settlement = await rig.start();
    const { proxy } = rig;
    rig.losesExternals = true;
    await rig.until('the deployment is handed in', () => rig.externals > 0);
    settlement.disable();
    await rig.pass(20);
    rig.losesExternals = false;
    assert.ok(areBooksLeft(rig), 'the end is not taken for granted');
    await rig.until('it is closed', () => rig.isActive(proxy) && rig.proxyData(proxy).state === 'closing');
    await rig.leap(610);
    await rig.until('its books end', () => !areBooksLeft(rig));
    assert.equal(rig.proxyData(proxy).state, 'closed');
  });
});
