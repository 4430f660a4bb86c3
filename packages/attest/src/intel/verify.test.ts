import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Expectation, intelCases, questionOf } from '../../testing/intel-cases.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { type QuoteVerdict, verifyQuote } from '../index.ts';
import { openCollateral } from './collateral.ts';

const cases = intelCases();

it('finds all cases', () => {
  assert.equal(cases.length, 67);
  assert.equal(cases.filter(({ expect }) => expect.verdict === 'verified').length, 7);
});

for (const one of cases) {
  const { quote, collateral, atMs, root } = questionOf(one);
  const options = { atMs, crypto: nodeCrypto, root };
  it(`judges ${one.id} (${one.why}): ${one.expect.reason ?? one.expect.verdict}`, () => {
    const verdict = verifyQuote(quote, collateral, options);
    compare(verdict, one.expect);
    const opened = openCollateral(collateral, options);
    for (const round of ['first', 'remembered'])
      assert.deepEqual(verifyQuote(quote, opened, options), verdict, `${round} verdict with opened collateral`);
  });
}

function compare(verdict: QuoteVerdict, expect: Expectation): void {
  const { verdict: expected, reason, alsoTrue: _, ...fields } = expect;
  if (!verdict.ok) {
    assert.equal(verdict.failures[0]?.code, reason, JSON.stringify(verdict.failures));
    assert.equal(expected, 'rejected');
    return;
  }
  assert.equal(expected, 'verified');
  const { tcbStatus, advisories, tcbDate, tdxModule = null, qeStatus, collateralExpiresAtMs, policyFindings } = verdict;
  const collateralExpiresAt = new Date(collateralExpiresAtMs).toISOString().replace('.000Z', 'Z');
  assert.deepEqual(
    { tcbStatus, advisories, tcbDate, tdxModule, qeStatus, collateralExpiresAt, policyFindings },
    fields,
  );
}
