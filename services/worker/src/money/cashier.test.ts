/** Payouts on a chain that runs the contracts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nanoTon } from '@bombyx/base';
import { Cell } from '@ton/core';
import { TON } from '../../../../packages/ton/testing/contracts-world.ts';
import { MoneyRig } from '../../testing/money-rig.ts';

/** At 500 nanoTON a token. */
const TEN_TON = 20_000_000n;
const FIFTH_TON = 400_000n;

it('deploys the worker contract with the first payout, pays the owner exactly, and has the excess back', async () => {
  await using rig = await MoneyRig.start();
  rig.earn(TEN_TON);
  await rig.chain.pass(40);
  assert.equal(await rig.paid(), TEN_TON);
  assert.equal(await rig.received(), 10n * TON);
  // 0.5 TON went out: 0.11 stay in the contract, the rest came back but for fees.
  const spent = 5n * TON - (await rig.balance(rig.wallet));
  assert.ok(spent > TON / 10n && spent < (TON * 16n) / 100n, `${spent} nanoTON`);
  assert.equal((await rig.chain.world.pool()).balance, 10n * TON); // the proxy's share
});

it('a contract that stands is paid on, and what was kept for storage is kept once', async () => {
  await using rig = await MoneyRig.start();
  rig.earn(TEN_TON);
  await rig.chain.pass(40);
  const before = await rig.balance(rig.wallet);
  rig.earn(2n * TEN_TON);
  await rig.chain.pass(40);
  assert.equal(await rig.received(), 20n * TON);
  assert.ok(before - (await rig.balance(rig.wallet)) < TON / 20n);
});

it('hazard 5: pays at ten TON, not at ten thousand million tokens, and at a fifth of one after an hour without growth', async () => {
  await using rig = await MoneyRig.start();
  rig.earn(TEN_TON - 1n);
  await rig.chain.pass(60);
  assert.equal(rig.chain.handedIn, 0);
  rig.earn(TEN_TON);
  await rig.chain.pass(40);
  assert.equal(await rig.paid(), TEN_TON);
  rig.earn(TEN_TON + FIFTH_TON);
  await rig.chain.pass(3_550);
  assert.equal(await rig.paid(), TEN_TON);
  await rig.chain.pass(120);
  assert.equal(await rig.paid(), TEN_TON + FIFTH_TON);
});

it('takes its limits from the configuration', async () => {
  const config = { payout_at_ton: '0.25', idle_payout_at_ton: 0.01, idle_payout_after_sec: 30 };
  await using rig = await MoneyRig.start({ config });
  rig.earn(500_000n);
  await rig.chain.pass(40);
  assert.equal(await rig.paid(), 500_000n);
  rig.earn(520_000n);
  await rig.chain.pass(90);
  assert.equal(await rig.paid(), 520_000n);
});

it('a wallet without coins is told once how much to send where; then payouts are made', async () => {
  await using rig = await MoneyRig.start({ wallet: 0n });
  rig.earn(TEN_TON);
  await rig.chain.pass(100);
  const { lack, text } = rig.money.purse;
  assert.match(lack ?? '', new RegExp(`has 0 TON and sends nothing below 2: send at least 2\\.5 TON to ${text}$`));
  assert.equal(rig.said(/send at least 2\.5 TON/).length, 1);
  assert.equal(rig.chain.handedIn, 0);
  await rig.fund(rig.wallet, (25n * TON) / 10n);
  await rig.chain.pass(60);
  assert.equal(rig.money.purse.lack, undefined);
  assert.equal(await rig.received(), 10n * TON);
});

it('a wallet of the C++ programs that is not there is told what to do about it', async () => {
  await using rig = await MoneyRig.start({ config: { wallet_code: 'cocoon' } });
  await rig.fund(rig.money.purse.address, 5n * TON);
  await rig.chain.pass(30);
  assert.match(rig.money.purse.lack ?? '', /no wallet contract at .* set "wallet_code" to "bombyx"/);
});

describe('a crash at any moment', () => {
  it('before anything was handed in: the next life pays, from its folder alone', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(TEN_TON);
    await rig.die();
    await rig.live(); // and no proxy is met
    await rig.chain.pass(40);
    assert.equal(await rig.received(), 10n * TON);
  });
  it('between handing in and landing: both lives may land, the owner is paid once and the coins come back', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(TEN_TON);
    rig.chain.externals = 'hold';
    await rig.chain.pass(20);
    assert.ok(rig.chain.handedIn > 0);
    await rig.die();
    await rig.live();
    await rig.chain.pass(20);
    rig.chain.externals = 'run';
    await rig.chain.land();
    await rig.chain.pass(120);
    assert.equal(await rig.received(), 10n * TON);
    assert.ok((await rig.balance(rig.wallet)) > 4n * TON + (TON * 8n) / 10n);
  });
  it('after landing: the next life sees it on the chain and sends nothing', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(TEN_TON);
    rig.chain.externals = 'hold';
    await rig.chain.pass(20);
    await rig.die();
    await rig.chain.land();
    assert.equal(await rig.paid(), TEN_TON);
    const handedIn = rig.chain.handedIn;
    await rig.live();
    await rig.chain.pass(120);
    assert.equal(rig.chain.handedIn, handedIn);
    assert.equal(rig.account().paid, TEN_TON);
  });
});

it('a message that is taken and lost is sent again, and lands once', async () => {
  await using rig = await MoneyRig.start();
  rig.earn(TEN_TON);
  rig.chain.externals = 'lose';
  await rig.chain.pass(30);
  assert.ok(rig.chain.handedIn > 0);
  rig.chain.externals = 'run';
  await rig.chain.pass(120);
  assert.equal(await rig.received(), 10n * TON);
  assert.equal(rig.money.cashier.counts.payouts, 1);
});

it('a chain that cannot be asked is waited for, at the start and in the middle of a payout', async () => {
  await using rig = await MoneyRig.start();
  rig.chain.isDown = true;
  rig.earn(TEN_TON);
  await rig.chain.pass(60);
  assert.equal(rig.said(/payouts wait for the chain CHAIN_UNREACHABLE/).length, 1);
  assert.equal(rig.money.cashier.trouble, 'CHAIN_UNREACHABLE');
  rig.chain.isDown = false;
  rig.chain.externals = 'hold';
  await rig.chain.pass(25);
  assert.ok(rig.chain.handedIn > 0);
  rig.chain.isDown = true;
  await rig.chain.land();
  await rig.chain.pass(60);
  assert.equal(rig.money.cashier.counts.payouts, 0);
  rig.chain.isDown = false;
  await rig.chain.pass(60);
  assert.equal(rig.money.cashier.counts.payouts, 1);
  assert.equal(rig.money.cashier.trouble, undefined);
  assert.equal(await rig.received(), 10n * TON);
});

it('the proxy cashes a newer total first: ours is refused, its coins come back, and nobody is paid twice', async () => {
  await using rig = await MoneyRig.start();
  rig.earn(TEN_TON);
  await rig.chain.pass(40);
  rig.chain.externals = 'hold';
  rig.earn(2n * TEN_TON);
  await rig.chain.pass(20);
  assert.ok(rig.chain.handedIn > 1);
  await rig.cashAsProxy(3n * TEN_TON);
  await rig.chain.land();
  await rig.chain.pass(60);
  assert.equal(rig.said(/overtaken/).length, 1);
  assert.equal(await rig.received(), 30n * TON);
  assert.equal(rig.account().paid, 3n * TEN_TON);
  assert.equal(rig.money.cashier.counts.failures, 0);
  assert.ok((await rig.balance(rig.wallet)) > 4n * TON + (TON * 8n) / 10n);
});

it('hazard 6 of the contracts: a pool that is empty owes on, and pays when it can; meanwhile fees are not burnt', async () => {
  await using rig = await MoneyRig.start({ pool: 4n * TON });
  rig.earn(TEN_TON);
  await rig.chain.pass(900);
  const owed = rig.money.cashier.watchOf(rig.account()).due ?? 0n;
  assert.equal((await rig.received()) + owed, 10n * TON);
  assert.ok(owed > 0n);
  assert.match(rig.money.cashier.watchOf(rig.account()).lastFailure ?? '', /the proxy contract could not pay/);
  assert.ok(rig.chain.handedIn > 1 && rig.chain.handedIn < 6, `${rig.chain.handedIn} tries`);
  await rig.fund(rig.chain.world.proxy, 100n * TON);
  await rig.chain.pass(3_600);
  assert.equal(await rig.received(), 10n * TON);
  assert.equal(rig.money.cashier.watchOf(rig.account()).due, 0n);
});

it('hazard 13 of the contracts: what the contract refused does not count as paid', async () => {
  await using rig = await MoneyRig.start();
  rig.earn(TEN_TON);
  await rig.chain.pass(40);
  rig.chain.externals = 'hold';
  rig.earn(3n * TEN_TON);
  await rig.chain.pass(20);
  await rig.cashAsProxy(2n * TEN_TON, { last: true }); // closes the account with less than was signed
  await rig.chain.land();
  await rig.chain.pass(60);
  assert.equal(rig.money.cashier.counts.payouts, 1);
  assert.equal(rig.money.cashier.counts.cashed, 10n * TON);
  assert.equal(rig.said(/our contract refused it: exit code 1006/).length, 1);
  assert.equal(rig.said(/forgot an account .* closed 10$/).length, 1);
});

describe('a proxy that lies', () => {
  it('signs more than there are coins in the world: refused, and the honest payment after it is taken', async () => {
    await using rig = await MoneyRig.start();
    const absurd = 2n ** 63n - 1n;
    assert.throws(() => rig.earn(absurd), /cost more than there is/);
    rig.earn(TEN_TON);
    await rig.chain.pass(40);
    assert.equal(await rig.received(), 10n * TON);
  });
  it('signs for another contract: nothing is sent', async () => {
    await using rig = await MoneyRig.start();
    const data = rig.signed(TEN_TON, { contract: rig.wallet });
    rig.account().offer({ kind: 'proxy.signedPayment', data });
    await rig.chain.pass(40);
    assert.equal(rig.chain.handedIn, 0);
  });
  it('hazard 4 of the contracts: burns our payment with a receiver that cannot be; the owner loses nothing', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(TEN_TON);
    await rig.chain.pass(40);
    await rig.cashAsProxy(2n * TEN_TON, { burns: true });
    rig.earn(2n * TEN_TON);
    await rig.chain.pass(60);
    assert.equal(await rig.received(), 20n * TON);
  });
});

describe('a payout that somebody orders', () => {
  it('hazard 2: is refused with a sentence when no payment was ever received', async () => {
    await using rig = await MoneyRig.start();
    rig.account();
    const ordered = await rig.money.payOut(rig.chain.world.proxy);
    assert.deepEqual(ordered, { ok: false, reason: 'nothing', text: 'nothing is due' });
    const unknown = await rig.money.payOut(rig.wallet);
    assert.equal(unknown.ok || unknown.reason, 'unknown');
  });
  it('cashes below the limits, once at a time', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(2_000n);
    assert.deepEqual(await rig.money.payOut(rig.chain.world.proxy), { ok: true, amount: 1_000_000n });
    const again = await rig.money.payOut(rig.chain.world.proxy);
    assert.match(again.ok ? '' : again.text, /a payout of 0\.001 TON is under way already/);
    await rig.chain.pass(30);
    assert.equal(await rig.received(), 1_000_000n);
  });
  it('two orders at the same moment begin one payout', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(TEN_TON - 1n);
    await rig.chain.pass(20);
    const { proxy } = rig.chain.world;
    const ordered = await Promise.all([rig.money.payOut(proxy), rig.money.payOut(proxy)]);
    assert.deepEqual(ordered.map(({ ok }) => ok).toSorted(), [false, true]);
  });
  it('says what the wallet lacks, or that the chain cannot be asked', async () => {
    await using rig = await MoneyRig.start({ wallet: 0n });
    rig.earn(TEN_TON);
    const poor = await rig.money.payOut(rig.chain.world.proxy);
    assert.match(poor.ok ? '' : poor.text, /send at least 2\.5 TON to/);
    rig.chain.isDown = true;
    const down = await rig.money.payOut(rig.chain.world.proxy);
    assert.match(down.ok ? '' : down.text, /CHAIN_UNREACHABLE/);
  });
});

describe('parameters that change', () => {
  /** The root gets parameters 2, with other prices; the contracts of before stay where they are. */
  const change = (rig: MoneyRig) => {
    rig.root = { ...rig.root, version: rig.root.version + 1, paramsVersion: 2, workerFeePerToken: nanoTon(1n) };
  };

  /** A rig whose contract stands, having paid 0.5 TON for a million tokens. */
  const deployed = async () => {
    const rig = await MoneyRig.start();
    rig.earn(1_000_000n);
    await rig.money.payOut(rig.chain.world.proxy);
    await rig.chain.pass(30);
    assert.equal(await rig.received(), TON / 2n);
    return rig;
  };

  it('leave the proxy half of client_delay for its last payout; then the rest is cashed at the old price and forgotten', async () => {
    await using rig = await deployed();
    const { handedIn } = rig.chain;
    rig.earn(1_020_000n); // 0.01 TON more
    await rig.chain.pass(30);
    change(rig);
    await rig.chain.pass(1_790);
    assert.equal(rig.chain.handedIn, handedIn);
    await rig.chain.pass(60);
    assert.equal(await rig.received(), (TON * 51n) / 100n);
    assert.equal(rig.memory.accounts.length, 0);
    assert.equal(rig.said(/forgot an account .* outdated 0$/).length, 1);
    await rig.die();
    await rig.live();
    assert.equal(rig.memory.accounts.length, 0);
  });
  it('are noticed once: a restart does not give the proxy its time again', async () => {
    await using rig = await deployed();
    rig.earn(1_020_000n);
    change(rig);
    await rig.chain.pass(1_200);
    await rig.die();
    await rig.live();
    await rig.chain.pass(660);
    assert.equal(await rig.received(), (TON * 51n) / 100n);
  });
  it('are no reason to pay fees for less than a hundredth of a TON', async () => {
    await using rig = await deployed();
    const { handedIn } = rig.chain;
    rig.earn(1_019_999n);
    change(rig);
    await rig.chain.pass(1_900);
    assert.equal(rig.chain.handedIn, handedIn);
    assert.equal(rig.memory.accounts.length, 0);
    assert.equal(rig.said(/forgot an account .* outdated 0\.0099995$/).length, 1);
  });
  it('a contract that was never deployed is deployed for what is worth it, at the old address', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(1_000_000n);
    const { workerContract } = rig.account().keys;
    change(rig);
    await rig.chain.pass(1_900);
    assert.equal(await rig.received(), TON / 2n);
    assert.equal((await rig.chain.world.worker(workerContract)).tokens, 1_000_000n);
  });
  it('end with the last payout of the proxy, when that comes: the account is closed and forgotten', async () => {
    await using rig = await MoneyRig.start();
    rig.earn(TEN_TON);
    await rig.chain.pass(40);
    rig.earn(TEN_TON + 1_000n);
    await rig.chain.pass(20);
    change(rig);
    await rig.cashAsProxy(TEN_TON + 1_000n, { last: true });
    await rig.chain.pass(60);
    assert.equal(rig.memory.accounts.length, 0);
    assert.equal(rig.said(/forgot an account .* closed 0$/).length, 1);
  });
});

it('several proxies are paid on beside each other, each at its own contract', async () => {
  await using rig = await MoneyRig.start();
  const other = await rig.otherProxy();
  rig.earn(TEN_TON);
  rig.earn(2n * TEN_TON, other);
  await rig.chain.pass(60);
  assert.equal(await rig.received(), 30n * TON);
  assert.equal(rig.account().paid, TEN_TON);
  assert.equal(rig.account(other).paid, 2n * TEN_TON);
  assert.equal(rig.money.cashier.counts.cashed, 30n * TON);
});

it('one contract that cannot be read does not hold up the others', async () => {
  await using rig = await MoneyRig.start();
  const other = await rig.otherProxy();
  const { workerContract } = rig.account(other).keys;
  await rig.chain.world.place(workerContract, 'wallet', Cell.EMPTY, TON);
  rig.earn(TEN_TON, other);
  rig.earn(TEN_TON);
  await rig.chain.pass(60);
  assert.equal(await rig.received(), 10n * TON);
  assert.equal(rig.said(/no worker contract/).length, 1);
});
