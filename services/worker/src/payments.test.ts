import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Tl } from '@bombyx/wire';
import fc from 'fast-check';
import { ProxyParty, recordedRoot } from '../testing/fake-proxy.ts';
import { WorkerError } from './errors.ts';
import { Account } from './payments.ts';

const root = recordedRoot();
const party = new ProxyParty(root);
const signed = Array.from({ length: 12 }, (_, total) => party.sign(BigInt(total)));

function account(onChange = () => {}): Account {
  const keys = { proxyPublicKey: party.publicKey, proxyContract: party.contract, workerContract: party.workerContract };
  return new Account(keys, onChange);
}

it('remembers the highest of all payments offered, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 8 }), (totals) => {
      const one = account();
      for (const total of totals) one.offer(signed[total]!);
      const highest = Math.max(...totals);
      assert.equal(one.totals.signed, BigInt(highest));
      assert.deepEqual(one.signedPayment, signed[highest]!.data);
    }),
    { numRuns: 30 },
  );
});

it('judges bytes it has judged before without verifying them again', () => {
  let changes = 0;
  const one = account(() => {
    changes += 1;
  });
  const higher = party.sign(5n);
  const lower = party.sign(1n);
  one.offer(higher);
  one.offer(lower);
  const begun = performance.now();
  for (let i = 0; i < 20_000; i += 1) one.offer(i % 2 === 0 ? higher : lower);
  assert.ok(performance.now() - begun < 1_000, 'verifying as often would take seconds');
  assert.equal(changes, 1);
  assert.equal(one.totals.signed, 5n);
});

it('keeps its own copy: the frame a payment came in may be written over', () => {
  const one = account();
  const data = Buffer.from(party.sign(5n).data);
  one.offer({ kind: 'proxy.signedPayment', data });
  const before = Buffer.from(data);
  data.fill(0);
  assert.deepEqual(one.signedPayment, before);
});

const refused: [string, Tl<'proxy.signedPayment'>][] = [
  ['signed by another key', new ProxyParty(root).sign(9n, { contract: party.workerContract })],
  ["for another worker's contract", party.sign(9n, { contract: party.contract })],
  ['that is no bag of cells', { kind: 'proxy.signedPayment', data: Buffer.from('payment') }],
  ['of no bytes', { kind: 'proxy.signedPayment', data: Buffer.alloc(0) }],
];
for (const [what, payment] of refused) {
  it(`refuses a payment ${what}, and ignores it where it only informs`, () => {
    const one = account();
    assert.throws(
      () => one.demand(payment),
      (error) => error instanceof WorkerError && error.code === 'WORKER_PAYMENT',
    );
    one.offer(payment);
    assert.deepEqual(one.totals, { signed: 0n, db: 0n, max: 0n });
  });
}

it('demands totals that do not fall', () => {
  const one = account();
  one.demandTotals(5n, 7n);
  one.demandTotals(5n, 7n);
  assert.throws(() => one.demandTotals(4n, 9n), WorkerError);
  assert.throws(() => one.demandTotals(9n, 6n), WorkerError);
  one.offerTotals(1n, 1n);
  assert.deepEqual(one.totals, { signed: 0n, db: 5n, max: 7n });
  assert.equal(one.forgetUncommitted(6n), 1n);
  assert.equal(one.totals.max, 6n);
});
