import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_LONG } from '@bombyx/base';
import fc from 'fast-check';
import { adjustedTokens, LedgerError, type Multipliers, reservation, usageToTokens } from './index.ts';

const EVEN: Multipliers = { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 };
const refused = (error: unknown) => error instanceof LedgerError && error.code === 'LEDGER_RANGE';
const anyCount = fc.integer({ min: 0, max: 0x7fff_ffff });
const anyCoefficient = fc.integer({ min: 0, max: 100_000 });
const anyMultiplier = fc.integer({ min: 0, max: 100_000 });
const anyMultipliers = fc.record({
  prompt: anyMultiplier,
  cached: anyMultiplier,
  completion: anyMultiplier,
  reasoning: anyMultiplier,
});

describe('adjusted tokens', () => {
  it('differ from exact arithmetic where doubles do: the example of the specification', () => {
    assert.equal(adjustedTokens(149_392, 4_100, 12_500), 765_633n);
    assert.equal((149_392n * 4_100n * 12_500n) / 10_000_000n, 765_634n);
  });

  it('equal the counts at coefficient 1.0 and multiplier 1.0', () => {
    for (const count of [0, 1, 34, 43, 999_999]) assert.equal(adjustedTokens(count, 1_000, 10_000), BigInt(count));
  });

  it('never differ by more than one from exact arithmetic, as far as doubles are exact', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), anyCoefficient, anyMultiplier, (count, coefficient, mult) => {
        const exact = (BigInt(count) * BigInt(coefficient) * BigInt(mult)) / 10_000_000n;
        const difference = adjustedTokens(count, coefficient, mult) - exact;
        assert.ok(difference >= -1n && difference <= 1n, `${difference}`);
      }),
    );
  });

  it('keep the order of the multiplications', () => {
    fc.assert(
      fc.property(anyCount, anyCoefficient, anyMultiplier, (count, coefficient, mult) => {
        let inOrder = coefficient * 0.001;
        inOrder = count * inOrder;
        inOrder *= mult;
        inOrder *= 0.0001;
        assert.equal(adjustedTokens(count, coefficient, mult), BigInt(Math.trunc(inOrder)));
      }),
    );
  });

  it('refuse what is not a whole number in range', () => {
    for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => adjustedTokens(count, 1_000, 10_000), refused);
    }
    for (const coefficient of [-1, 1.5, Number.NaN, 2 ** 31]) {
      assert.throws(() => adjustedTokens(1, coefficient, 10_000), refused);
    }
    for (const mult of [-1, 1.5, Number.NaN, 2 ** 32]) assert.throws(() => adjustedTokens(1, 1_000, mult), refused);
    assert.throws(() => adjustedTokens(Number.MAX_SAFE_INTEGER, 0x7fff_ffff, 0xffff_ffff), refused);
  });
});

describe('the tokens of a usage', () => {
  it('are split into four kinds that exclude each other, each cut by itself', () => {
    const usage = { promptTokens: 34, cachedTokens: 5, completionTokens: 9, reasoningTokens: 2 };
    const multipliers = { prompt: 10_000, cached: 1_000, completion: 20_000, reasoning: 15_000 };
    assert.deepEqual(usageToTokens(usage, 1_500, multipliers), {
      prompt: 43n, // 29 × 1.5 = 43.5
      cached: 0n, // 5 × 1.5 × 0.1 = 0.75
      completion: 21n, // 7 × 1.5 × 2
      reasoning: 4n, // 2 × 1.5 × 1.5 = 4.5
      total: 68n,
    });
  });

  it('do not bill a surplus of cached or reasoning tokens', () => {
    const usage = { promptTokens: 3, cachedTokens: 10, completionTokens: 2, reasoningTokens: 7 };
    const used = usageToTokens(usage, 1_000, EVEN);
    assert.deepEqual(used, { prompt: 0n, cached: 3n, completion: 0n, reasoning: 2n, total: 5n });
  });
});

describe('a reservation', () => {
  it('is what the reference reserves while all multipliers are 1.0', () => {
    assert.equal(reservation(1_000, 85, 4_000, EVEN), 4_340n);
  });

  it('takes the dearest kind', () => {
    assert.equal(reservation(100, 0, 1_000, { ...EVEN, reasoning: 30_000 }), 300n);
  });

  it('covers any usage within its limits, up to the last digit of four cut parts', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(100_000),
        anyCoefficient,
        anyMultipliers,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
        (maxTokens, queryBytes, coefficient, multipliers, [prompt = 0, cached = 0, completion = 0, reasoning = 0]) => {
          const usage = {
            promptTokens: Math.floor(queryBytes * prompt),
            cachedTokens: Math.floor(queryBytes * prompt * cached),
            completionTokens: Math.floor(maxTokens * completion),
            reasoningTokens: Math.floor(maxTokens * completion * reasoning),
          };
          const { total } = usageToTokens(usage, coefficient, multipliers);
          assert.ok(total <= reservation(maxTokens, queryBytes, coefficient, multipliers) + 1n);
        },
      ),
    );
  });

  it('is never negative and saturates where nobody can pay', () => {
    assert.equal(reservation(0, 0, 4_000, EVEN), 0n);
    assert.equal(reservation(0x7fff_ffff, 1, 0x7fff_ffff, { ...EVEN, prompt: 0xffff_ffff }), MAX_LONG);
    fc.assert(
      fc.property(anyCount, anyCount, anyCount, anyMultipliers, (maxTokens, bytes, coefficient, multipliers) => {
        const held = reservation(maxTokens, bytes, coefficient, multipliers);
        assert.ok(held >= 0n && held <= MAX_LONG);
      }),
    );
  });

  it('refuses numbers that would give credit or nonsense', () => {
    for (const bad of [-1, -2_147_483_648, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53]) {
      assert.throws(() => reservation(bad, 10, 4_000, EVEN), refused);
      assert.throws(() => reservation(10, bad, 4_000, EVEN), refused);
      assert.throws(() => reservation(10, 10, bad, EVEN), refused);
    }
  });
});
