import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nanoTon, tokens } from '@bombyx/base';
import type { ClientData, Params } from '@bombyx/ton';
import { Address } from '@ton/core';
import fc from 'fast-check';
import { nextStep, type Situation, type Step, wholeTokens } from './plan.ts';

const TON = 1_000_000_000n;
const NOW = 1_800_000_000;
const SECRET = Buffer.alloc(32, 1);
const at = new Address(0, Buffer.alloc(32, 2));
const params: Params = {
  structVersion: 3,
  paramsVersion: 7,
  uniqueId: 1,
  isTest: true,
  pricePerToken: nanoTon(1_000n),
  workerFeePerToken: nanoTon(500n),
  multipliers: { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 },
  proxyDelayBeforeCloseSec: 86_400,
  clientDelayBeforeCloseSec: 3_600,
  minProxyStake: nanoTon(TON),
  minClientStake: nanoTon(TON),
};
const contract: ClientData = {
  owner: at,
  proxy: at,
  publicKey: Buffer.alloc(32),
  state: 'normal',
  balance: nanoTon(TON),
  stake: nanoTon(TON),
  tokens: tokens(0n),
  unlockAtSec: 0,
  secretHash: SECRET,
  debt: nanoTon(0n),
  params,
};
const calm: Situation = {
  contract,
  nowSec: NOW,
  paramsVersion: 7,
  outdatedForSec: 0,
  secretHash: SECRET,
  stake: TON,
  signedTokens: 0n,
  maxTokens: 0n,
  isDistrusted: false,
};
const withContract = (change: Partial<ClientData>, more: Partial<Situation> = {}): Situation => ({
  ...calm,
  ...more,
  contract: { ...contract, ...change },
});
const old = { paramsVersion: 8 };
const half = (86_400 - 3_600) / 2;

const table: readonly [string, Situation, Step['kind']][] = [
  ['a calm account', calm, 'wait'],
  ['no contract', { ...calm, contract: undefined }, 'wait'],
  ['row 1: closed', withContract({ state: 'closed' }), 'forget'],
  ['row 2: the delay is over', withContract({ state: 'closing', unlockAtSec: NOW - 1 }), 'ask-refund'],
  ['row 2: the delay ends now', withContract({ state: 'closing', unlockAtSec: NOW }), 'wait'],
  ['row 2: the proxy closes it', withContract({ state: 'closing', unlockAtSec: 0 }), 'wait'],
  ['row 3: outdated for long', { ...calm, ...old, outdatedForSec: half + 1 }, 'ask-refund'],
  ['row 4: outdated for a while', { ...calm, ...old, outdatedForSec: half }, 'wait'],
  ['row 4: outdated, and in want of everything', withContract({ balance: nanoTon(0n) }, old), 'wait'],
  ['row 5: another secret', { ...calm, secretHash: Buffer.alloc(32, 9) }, 'change-secret'],
  ['a larger stake is wanted', { ...calm, stake: 2n * TON }, 'raise-stake'],
  ['a smaller stake is wanted', { ...calm, stake: 1n }, 'wait'],
  [
    'row 6: tokens cost nothing',
    withContract({ balance: nanoTon(0n), params: { ...params, pricePerToken: nanoTon(0n) } }, { maxTokens: 10n ** 9n }),
    'wait',
  ],
  ['row 7: less than half a stake', withContract({ balance: nanoTon(TON / 2n - 1n) }), 'top-up'],
  ['row 7: half a stake', withContract({ balance: nanoTon(TON / 2n) }), 'wait'],
  ['row 8: more than half a stake is used', { ...calm, maxTokens: 500_001n, signedTokens: 1n }, 'charge'],
  ['row 8: half a stake is used', { ...calm, maxTokens: 500_000n, signedTokens: 1n }, 'wait'],
  [
    'row 8: nothing new is signed',
    withContract({ tokens: tokens(5n) }, { maxTokens: 600_000n, signedTokens: 5n }),
    'wait',
  ],
  [
    'a distrusted proxy that is due coins',
    withContract({ balance: nanoTon(0n) }, { isDistrusted: true, maxTokens: 10n ** 9n, signedTokens: 10n ** 9n }),
    'wait',
  ],
  [
    'a distrusted proxy whose contract closes',
    withContract({ state: 'closing', unlockAtSec: 1 }, { isDistrusted: true }),
    'ask-refund',
  ],
];
for (const [what, situation, kind] of table) {
  it(`${what}: ${kind}`, () => assert.equal(nextStep(situation).kind, kind));
}

it('client hazard 16: delays the wrong way round close at once, and do not wait for ever', () => {
  const swapped = { ...params, proxyDelayBeforeCloseSec: 60, clientDelayBeforeCloseSec: 3_600 };
  assert.equal(nextStep(withContract({ params: swapped }, { ...old, outdatedForSec: 1 })).kind, 'ask-refund');
});

it('tops up by one stake in whole tokens, and never a proxy that is distrusted, closing, outdated or free', () => {
  const coins = fc.bigInt(0n, 10n ** 12n);
  const anySituation = fc.record({
    balance: coins.map(nanoTon),
    stake: fc.bigInt(1n, 10n ** 12n).map(nanoTon),
    price: fc.bigInt(0n, 10n ** 6n),
    state: fc.constantFrom('normal', 'closing', 'closed' as const),
    isDistrusted: fc.boolean(),
    paramsVersion: fc.constantFrom(7, 8),
    max: coins,
  });
  fc.assert(
    fc.property(anySituation, ({ balance, stake, price, state, isDistrusted, paramsVersion, max }) => {
      const own = { ...params, pricePerToken: nanoTon(price) };
      const more = { isDistrusted, paramsVersion, maxTokens: max, signedTokens: max, stake };
      const step = nextStep(withContract({ balance, stake, state, params: own }, more));
      if (step.kind !== 'top-up') return;
      assert.ok(!isDistrusted && state === 'normal' && paramsVersion === 7 && price > 0n);
      assert.ok(balance < stake / 2n && step.amount <= stake && stake - step.amount < price);
      assert.equal(step.amount % price, 0n);
    }),
  );
});

it('cuts an amount to whole tokens', () => {
  assert.equal(wholeTokens(1_999n, 1_000n), 1_000n);
  assert.equal(wholeTokens(1_999n, 0n), 0n);
});
