import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Address, privateKeyFromSeed, publicKeyBytes, verifyPayment } from '@bombyx/ton';
import { PaymentBook } from './payments.ts';

const key = privateKeyFromSeed(Buffer.alloc(32, 7));
const contract = new Address(0, Buffer.alloc(32, 1));
const excess = new Address(0, Buffer.alloc(32, 2));

function book() {
  const clock = new FakeClock();
  return { clock, book: new PaymentBook({ kind: 'payout', contract, excess, key }, { clock }) };
}

it('signs what verifies, also for zero tokens', () => {
  const { book: payments } = book();
  for (const total of [0n, 5n]) {
    const { data } = payments.sign(total, true);
    const payment = verifyPayment(data, { kind: 'payout', contract, publicKey: publicKeyBytes(key) });
    assert.equal(payment.tokens, total);
    assert.ok(payment.excess.equals(excess));
  }
});

it('signs at most once in a few seconds, however fast the total grows', () => {
  const { clock, book: payments } = book();
  const first = payments.sign(1n);
  for (let total = 2n; total < 1_000n; total += 1n) assert.equal(payments.sign(total), first);
  clock.advance(5_000);
  assert.notEqual(payments.sign(1_000n), first);
});

it('never goes back below what it signed', () => {
  const { clock, book: payments } = book();
  const high = payments.sign(100n);
  clock.advance(60_000);
  assert.equal(payments.sign(50n, true), high);
});
