/** When payouts are made: the rules, without a chain. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nanoTon } from '@bombyx/base';
import fc from 'fast-check';
import { type Claim, dueOf, judgePayout, type PayoutPolicy, pauseAfter } from './payout.ts';

const TON = 1_000_000_000n;
const policy: PayoutPolicy = { payoutAt: nanoTon(10n * TON), idlePayoutAt: nanoTon(TON / 5n), idleAfterSec: 3_600 };

function claim(more: Partial<Claim> = {}): Claim {
  return {
    signed: 0n,
    paid: 0n,
    fee: nanoTon(20n),
    arrears: nanoTon(0n),
    isDeployed: true,
    isClosed: false,
    idleSec: 0,
    outdatedSec: undefined,
    clientDelaySec: 7_200,
    ...more,
  };
}
const act = (more: Partial<Claim>) => judgePayout(claim(more), policy);

describe('hazard 5: limits are amounts of TON, not tokens', () => {
  it('ten thousand million tokens are 200 TON at 20 nanoTON a token, and 500 million are ten', () => {
    assert.deepEqual(act({ signed: 499_999_999n }), { action: 'wait' });
    assert.deepEqual(act({ signed: 500_000_000n }), { action: 'pay', why: 'full' });
  });
  it('200 million tokens, where the reference sees 0.2 TON, are four and wait for an idle hour', () => {
    assert.deepEqual(act({ signed: 200_000_000n, idleSec: 3_599 }), { action: 'wait' });
    assert.deepEqual(act({ signed: 200_000_000n, idleSec: 3_600 }), { action: 'pay', why: 'idle' });
  });
  it('the idle rule has a time and a limit', () => {
    assert.deepEqual(act({ signed: 10_000_000n, idleSec: 3_600 }), { action: 'pay', why: 'idle' });
    assert.deepEqual(act({ signed: 9_999_999n, idleSec: 1e9 }), { action: 'wait' });
  });
});

const cases: readonly (readonly [name: string, claim: Partial<Claim>, verdict: string])[] = [
  ['nothing earned', {}, 'wait'],
  ['what is paid is not due', { signed: 500_000_000n, paid: 500_000_000n, idleSec: 1e9 }, 'wait'],
  ['a chain that has paid more than we hold', { signed: 5n, paid: 10n ** 18n, idleSec: 1e9 }, 'wait'],
  ['arrears count', { arrears: nanoTon(10n * TON) }, 'pay full'],
  ['arrears were due once already', { arrears: nanoTon(TON / 5n) }, 'pay arrears'],
  ['arrears that are not worth the fees', { arrears: nanoTon(TON / 5n - 1n) }, 'wait'],
  ['arrears and earnings add up', { arrears: nanoTon(9n * TON), signed: 50_000_000n }, 'pay full'],
  ['closed, whatever is due', { isClosed: true, signed: 10n ** 12n }, 'forget closed'],
  ['outdated, the proxy still has time', { outdatedSec: 3_599, signed: 10n ** 12n }, 'wait'],
  ['outdated, its time is over', { outdatedSec: 3_600, signed: 500_000n }, 'pay outdated'],
  ['outdated, too little to pay fees for', { outdatedSec: 3_600, signed: 499_999n }, 'forget outdated'],
  [
    'outdated, and deploying would cost more',
    { outdatedSec: 3_600, isDeployed: false, signed: 7_499_999n },
    'forget outdated',
  ],
  ['outdated, and worth deploying', { outdatedSec: 3_600, isDeployed: false, signed: 7_500_000n }, 'pay outdated'],
  ['outdated and paid', { outdatedSec: 3_600, signed: 10n ** 12n, paid: 10n ** 12n }, 'forget outdated'],
  ['outdated, with nothing due, but too early to forget', { outdatedSec: 0 }, 'wait'],
];
for (const [name, more, verdict] of cases) {
  it(`${name}: ${verdict}`, () => assert.equal(Object.values(act(more)).join(' '), verdict));
}

const anyClaim = fc
  .record({
    signed: fc.bigInt(0n, 2n ** 63n),
    paid: fc.bigInt(0n, 2n ** 63n),
    fee: fc.bigInt(0n, 10_000n),
    arrears: fc.bigInt(0n, 2n ** 62n),
    isDeployed: fc.boolean(),
    isClosed: fc.boolean(),
    idleSec: fc.nat(1e6),
    outdatedSec: fc.option(fc.nat(1e6), { nil: undefined }),
    clientDelaySec: fc.nat(1e6),
  })
  .map((one) => ({ ...one, fee: nanoTon(one.fee), arrears: nanoTon(one.arrears) }));

it('never pays for nothing, never pays what the idle limit would not, and never forgets what is worth its fees', () => {
  fc.assert(
    fc.property(anyClaim, (one) => {
      const verdict = judgePayout(one, policy);
      const due = dueOf(one);
      assert.ok(due >= 0n);
      if (verdict.action === 'pay') assert.ok(due >= (verdict.why === 'outdated' ? TON / 100n : policy.idlePayoutAt));
      if (verdict.action === 'forget')
        assert.ok(one.isClosed || due < (one.isDeployed ? TON / 100n : (TON * 3n) / 20n));
    }),
  );
});

it('what grows is paid sooner or later, and growing never makes it wait again', () => {
  fc.assert(
    fc.property(anyClaim, fc.bigInt(0n, 2n ** 60n), (one, more) => {
      fc.pre(!one.isClosed && judgePayout(one, policy).action === 'pay');
      assert.equal(judgePayout({ ...one, signed: one.signed + more }, policy).action, 'pay');
    }),
  );
});

it('pauses after failures double from a minute to an hour', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 8, 1_000].map(pauseAfter), [0, 60, 120, 240, 1_920, 3_600, 3_600, 3_600]);
});
