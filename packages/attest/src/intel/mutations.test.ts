/**
 * For every accepted case: changes to signed parts, certificates, CRLs, time and quotes, all refused, nothing thrown.
 * `BOMBYX_RUNS` above 1,000 makes it longer; `BOMBYX_SEED` repeats a failure.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { intelCases, questionOf } from '../../testing/intel-cases.ts';
import { mutate, randomFrom } from '../../testing/intel-mutations.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { openCollateral } from './collateral.ts';
import { verifyQuote } from './verify.ts';

const { BOMBYX_RUNS = '0', BOMBYX_SEED } = process.env;
const RUNS = Math.max(1_000, Number(BOMBYX_RUNS));
const SEED = BOMBYX_SEED === undefined ? Date.now() % 2 ** 32 : Number(BOMBYX_SEED);

for (const one of intelCases().filter(({ expect }) => expect.verdict === 'verified')) {
  it(`refuses ${RUNS} mutations of ${one.id}`, (test) => {
    test.diagnostic(`BOMBYX_SEED=${SEED}`);
    const question = questionOf(one);
    const opened = openCollateral(question.collateral, { crypto });
    const reasons = new Map<string, number>();
    const random = randomFrom(SEED);
    for (let run = 0; run < RUNS; run++) {
      const { quote, collateral, atMs, what } = mutate(question, random);
      const known = collateral === question.collateral ? opened : collateral;
      const verdict = verifyQuote(quote, known, { atMs, crypto });
      assert.ok(!verdict.ok, `accepted with ${what}; BOMBYX_SEED=${SEED}`);
      const [first] = verdict.failures;
      assert.ok(first, `refused without a reason: ${what}`);
      reasons.set(first.code, (reasons.get(first.code) ?? 0) + 1);
    }
    test.diagnostic(JSON.stringify(Object.fromEntries([...reasons].sort())));
    assert.ok(reasons.size >= 12, `only ${[...reasons.keys()].join()}`);
    assert.ok(verifyQuote(question.quote, opened, { atMs: question.atMs, crypto }).ok, 'spoiled by what it refused');
  });
}
