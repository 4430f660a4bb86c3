import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tokens } from '@bombyx/base';
import { parseAddress, privateKeyFromSeed, publicKeyBytes, publicKeyFromBytes, signPayment } from '@bombyx/ton';
import type { Tl } from '@bombyx/wire';
import { PaymentBook } from './payments.ts';

const contract = parseAddress('UQCACjNFLY4ArI-ZdQsAazEAW41KvHyVIAWsFh9pbqcA1f12');
const other = parseAddress('UQBPkxYfPKgOBMbbi9VQVO2DQz7Wg3w9K5YTsl8x1_KaeZcZ');
const key = privateKeyFromSeed(Buffer.alloc(32, 7));
const publicKey = publicKeyFromBytes(publicKeyBytes(key));

function signed(total: bigint, over: { to?: typeof contract; by?: typeof key } = {}): Tl<'proxy.signedPayment'> {
  const payment = {
    kind: 'charge',
    queryId: 1n,
    tokens: tokens(total),
    contract: over.to ?? contract,
    excess: contract,
  } as const;
  return { kind: 'proxy.signedPayment', data: signPayment(payment, over.by ?? key) };
}
const empty = { kind: 'proxy.signedPaymentEmpty' } as const;

it('keeps the highest of each number and ignores lower ones', () => {
  const book = new PaymentBook(contract, publicKey);
  book.learn({ signed_payment: signed(10n), dbTokens: 20n, maxTokens: 30n });
  book.learn({ signed_payment: signed(5n), dbTokens: 4n, maxTokens: -3n });
  book.learn({ signed_payment: empty, dbTokens: 0n, maxTokens: 0n });
  assert.deepEqual([book.signedTokens, book.dbTokens, book.maxTokens], [10n, 20n, 30n]);
});

it('drops a payment for another contract or by another key, and says why', () => {
  const book = new PaymentBook(contract, publicKey);
  const claim = { dbTokens: 0n, maxTokens: 0n };
  assert.equal(book.learn({ ...claim, signed_payment: signed(9n, { to: other }) }), 'TON_PAYMENT_RECEIVER');
  const stranger = privateKeyFromSeed(Buffer.alloc(32, 8));
  assert.equal(book.learn({ ...claim, signed_payment: signed(9n, { by: stranger }) }), 'TON_PAYMENT_SIGNATURE');
  const garbage = { kind: 'proxy.signedPayment', data: Buffer.from('garbage') } as const;
  assert.equal(book.learn({ ...claim, signed_payment: garbage }), 'TON_BOC');
  assert.equal(book.signedTokens, 0n);
  assert.equal(book.signedPayment, undefined);
});

it('judges an unchanged payment once', () => {
  const book = new PaymentBook(contract, publicKey);
  const bad = signed(9n, { to: other });
  const claim = { dbTokens: 0n, maxTokens: 0n, signed_payment: bad };
  assert.equal(book.learn(claim), 'TON_PAYMENT_RECEIVER');
  assert.equal(book.learn(claim), undefined); // not looked at again
  const good = { ...claim, signed_payment: signed(3n) };
  assert.equal(book.learn(good), undefined);
  assert.equal(book.learn(claim), 'TON_PAYMENT_RECEIVER'); // another one came between
  assert.equal(book.signedTokens, 3n);
});

it('keeps its own copy of the payment', () => {
  const book = new PaymentBook(contract, publicKey);
  const payment = signed(3n);
  const before = Buffer.from(payment.data);
  book.learn({ dbTokens: 0n, maxTokens: 0n, signed_payment: payment });
  payment.data.fill(0);
  assert.deepEqual(book.signedPayment, before);
});
