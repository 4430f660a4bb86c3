import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { COEFFICIENT_GRACE_MS, Coefficients } from './coefficient.ts';

it('accepts its own price in either number type and no other, zero included', () => {
  const price = new Coefficients(1_000, new FakeClock());
  assert.ok(price.accepts(1_000));
  assert.ok(price.accepts(1_000n));
  for (const other of [0, 999, 1_001, -1_000, 2 ** 53]) assert.equal(price.accepts(other), false);
});

it('accepts a price that was replaced for a minute and not longer', () => {
  const clock = new FakeClock();
  const price = new Coefficients(1_000, clock);
  price.change(2_000);
  clock.advance(COEFFICIENT_GRACE_MS);
  assert.ok(price.accepts(1_000));
  clock.advance(1);
  assert.equal(price.accepts(1_000), false);
  assert.ok(price.accepts(2_000));
});

it('refuses a price no proxy would take', () => {
  const price = new Coefficients(1_000, new FakeClock());
  for (const bad of [-1, 1_000_000_000, 1.5, Number.NaN]) assert.throws(() => price.change(bad), RangeError);
  assert.equal(price.current, 1_000);
});
