import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { AmountError, formatTon, MAX_LONG, nanoTon, parseTon } from './index.ts';

const texts: readonly (readonly [text: string, nanoTon: bigint])[] = [
  ['0', 0n],
  ['1', 1_000_000_000n],
  ['0.1', 100_000_000n],
  ['0.000000001', 1n],
  ['1.50', 1_500_000_000n],
  ['007', 7_000_000_000n],
  ['9223372036.854775807', MAX_LONG],
];
for (const [text, amount] of texts) {
  it(`reads "${text}" TON exactly`, () => assert.equal(parseTon(text), amount));
}

const strangers = [
  '',
  '.',
  '1.',
  '.5',
  '-1',
  '+1',
  '1e3',
  '1,5',
  ' 1',
  '1 TON',
  '0x1',
  '0.0000000001',
  '9223372036.854775808',
];
for (const text of [...strangers, '9'.repeat(5_000), '１', 'NaN', 'Infinity']) {
  it(`refuses "${text.slice(0, 24)}" as an amount`, () => {
    assert.throws(
      () => parseTon(text),
      (error) => error instanceof AmountError && error.code === 'AMOUNT_TEXT' && error.message.length < 200,
    );
  });
}

it('reads back every amount it wrote', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, MAX_LONG), (amount) => assert.equal(parseTon(formatTon(amount)), nanoTon(amount))),
  );
});

it('writes no zeros that say nothing, and sums above any single amount', () => {
  assert.equal(formatTon(0n), '0');
  assert.equal(formatTon(1_500_000_000n), '1.5');
  assert.equal(formatTon(-1n), '-0.000000001');
  assert.equal(formatTon(MAX_LONG * 10n), '92233720368.54775807');
});
