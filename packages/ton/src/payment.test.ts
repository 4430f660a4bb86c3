import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { MAX_LONG, tokens } from '@bombyx/base';
import { type Builder, beginCell, type Cell } from '@ton/core';
import fc from 'fast-check';
import {
  clientContract,
  OWNER,
  payments,
  proxyKey,
  proxyPublicKey,
  recordedWallet,
  workerContract,
} from '../testing/recordings.ts';
import {
  Address,
  type Payment,
  type PaymentKind,
  parseAddress,
  publicKeyFromBytes,
  readCell,
  redirectExcess,
  signPayment,
  TonError,
  type TonErrorCode,
  verifyPayment,
  writeCell,
} from './index.ts';

const receivers = { charge: parseAddress(clientContract), payout: parseAddress(workerContract) };
const publicKey = publicKeyFromBytes(proxyPublicKey);
const coded = (code: TonErrorCode) => (error: unknown) => error instanceof TonError && error.code === code;

const kindOf = (data: Buffer): 'charge' | 'payout' =>
  readCell(data).beginParse().loadUint(32) === 0xbb63ff93 ? 'charge' : 'payout';
const payloadHash = (data: Buffer) => readCell(data).beginParse().loadRef().hash().toString('hex');

describe('the recorded payments', () => {
  it('are of both kinds', () => {
    assert.deepEqual(new Set(payments.map(kindOf)), new Set(['charge', 'payout']));
  });

  for (const data of payments) {
    const kind = kindOf(data);
    const name = `${kind} ${data.subarray(17, 25).toString('hex')}`;

    it(`verify: ${name}`, () => {
      const payment = verifyPayment(data, { kind, contract: receivers[kind], publicKey });
      assert.equal(payment.excess.toString(), parseAddress(recordedWallet('proxy')).toString());
      assert.ok([0n, 209n, 295n].includes(payment.tokens), `${payment.tokens}`);
      const withBytes = verifyPayment(data, { kind, contract: receivers[kind], publicKey: proxyPublicKey });
      assert.equal(withBytes.queryId, payment.queryId);
    });

    it(`are what we sign, byte for byte: ${name}`, () => {
      const payment = verifyPayment(data, { kind, contract: receivers[kind], publicKey });
      const ours = signPayment(payment, proxyKey);
      assert.equal(payloadHash(ours), payloadHash(data));
      assert.deepEqual(ours, data);
    });

    it(`do not survive a flipped bit: ${name}`, () => {
      for (let at = 0; at < data.length; at++) {
        const spoiled = Buffer.from(data);
        spoiled[at]! ^= 1 << (at % 8);
        try {
          const { kind: seen, tokens: total } = verifyPayment(spoiled, { kind, contract: receivers[kind], publicKey });
          // Only what is not signed may change: the receiver of left-over coins, and how the bag is laid out.
          const original = verifyPayment(data, { kind, contract: receivers[kind], publicKey });
          assert.deepEqual([seen, total], [original.kind, original.tokens]);
        } catch (error) {
          assert.ok(error instanceof TonError, `byte ${at}: ${error}`);
        }
      }
    });
  }
});

const anyAddress = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => new Address(0, Buffer.from(hash)));
const anyPayment: fc.Arbitrary<Payment> = fc.record({
  kind: fc.constantFrom<PaymentKind>('charge', 'payout', 'refund', 'lastPayout'),
  queryId: fc.bigInt(0n, 2n ** 64n - 1n),
  tokens: fc.bigInt(0n, MAX_LONG).map(tokens),
  contract: anyAddress,
  excess: anyAddress,
});

describe('a payment', () => {
  it('comes back as it was signed', () => {
    fc.assert(
      fc.property(anyPayment, (payment) => {
        const read = verifyPayment(signPayment(payment, proxyKey), { ...payment, publicKey });
        assert.ok(read.contract.equals(payment.contract) && read.excess.equals(payment.excess));
        assert.deepEqual([read.kind, read.queryId, read.tokens], [payment.kind, payment.queryId, payment.tokens]);
      }),
      { numRuns: 50 },
    );
  });

  const payment: Payment = {
    kind: 'charge',
    queryId: 7n,
    tokens: tokens(43n),
    contract: receivers.charge,
    excess: parseAddress(OWNER),
  };
  const expected = { kind: 'charge', contract: receivers.charge, publicKey } as const;
  const data = signPayment(payment, proxyKey);

  it('is refused for another kind, another contract and another key', () => {
    const other = generateKeyPairSync('ed25519').publicKey;
    assert.throws(() => verifyPayment(data, { ...expected, kind: 'refund' }), coded('TON_PAYMENT_KIND'));
    assert.throws(
      () => verifyPayment(data, { ...expected, contract: receivers.payout }),
      coded('TON_PAYMENT_RECEIVER'),
    );
    const elsewhere = new Address(-1, receivers.charge.hash);
    assert.throws(() => verifyPayment(data, { ...expected, contract: elsewhere }), coded('TON_PAYMENT_RECEIVER'));
    assert.throws(() => verifyPayment(data, { ...expected, publicKey: other }), coded('TON_PAYMENT_SIGNATURE'));
    assert.throws(() => verifyPayment(data, { ...expected, publicKey: Buffer.alloc(31) }), coded('TON_KEY'));
  });

  it('keeps its promise when left-over coins go to somebody else', () => {
    const mine = parseAddress(workerContract);
    const redirected = verifyPayment(redirectExcess(data, mine), expected);
    assert.ok(redirected.excess.equals(mine));
    assert.equal(redirected.tokens, 43n);
    assert.equal(payloadHash(redirectExcess(data, mine)), payloadHash(data));
  });

  it('may come with index and CRC, as other writers lay out a bag', () => {
    const other = readCell(data).toBoc({ idx: true, crc32: true });
    assert.notDeepEqual(other, data);
    assert.equal(verifyPayment(other, expected).tokens, 43n);
  });

  it('has a query id of 64 bits', () => {
    for (const queryId of [-1n, 2n ** 64n])
      assert.throws(() => signPayment({ ...payment, queryId }, proxyKey), RangeError);
  });

  const inner = (operation: number, queryId: number, total: bigint, more?: (cell: Builder) => Builder) => {
    const cell = beginCell().storeUint(operation, 32).storeUint(queryId, 64).storeUint(total, 64);
    const whole = cell.storeAddress(payment.contract);
    return (more?.(whole) ?? whole).endCell();
  };
  const outer = (payload: Cell, more?: (cell: Builder) => Builder) => {
    const cell = beginCell().storeUint(0xbb63ff93, 32).storeUint(7, 64).storeAddress(payment.excess);
    const whole = cell.storeBuffer(Buffer.alloc(64)).storeRef(payload);
    return writeCell((more?.(whole) ?? whole).endCell());
  };
  const good = inner(0xbb63ff93, 7, 1n);

  for (const [what, bytes, code] of [
    ['another operation inside', outer(inner(0xa040ad28, 7, 1n)), 'TON_PAYMENT_FORM'],
    ['another query id inside', outer(inner(0xbb63ff93, 8, 1n)), 'TON_PAYMENT_FORM'],
    ['more tokens than a long', outer(inner(0xbb63ff93, 7, MAX_LONG + 1n)), 'TON_PAYMENT_FORM'],
    ['a bit behind the outer cell', outer(good, (cell) => cell.storeBit(1)), 'TON_PAYMENT_FORM'],
    ['a second reference', outer(good, (cell) => cell.storeRef(good)), 'TON_PAYMENT_FORM'],
    ['a bit behind the payload', outer(inner(0xbb63ff93, 7, 1n, (c) => c.storeBit(1))), 'TON_PAYMENT_FORM'],
    ['a reference in the payload', outer(inner(0xbb63ff93, 7, 1n, (c) => c.storeRef(good))), 'TON_PAYMENT_FORM'],
    ['an empty cell', writeCell(beginCell().endCell()), 'TON_PAYMENT_FORM'],
    ['an exotic cell', Buffer.from(`b5ee9c7201010101002300084202${'00'.repeat(32)}`, 'hex'), 'TON_PAYMENT_FORM'],
    ['no signature', outer(good), 'TON_PAYMENT_SIGNATURE'],
    ['a bag with two roots', Buffer.from('b5ee9c72010102020004000100000000', 'hex'), 'TON_BOC'],
    ['a cut bag', data.subarray(0, -1), 'TON_BOC'],
    ['a bag that is too large', Buffer.concat([data, Buffer.alloc(512)]), 'TON_BOC'],
    ['nothing', Buffer.alloc(0), 'TON_BOC'],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => verifyPayment(bytes, expected), coded(code));
    });
  }

  it('answers hostile bytes with TonError and nothing else', () => {
    const magic = Buffer.from('b5ee9c72', 'hex');
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([magic, bytes])),
      fc.tuple(fc.nat(data.length - 1), fc.uint8Array({ maxLength: 12 })).map(([at, bytes]) => {
        const spoiled = Buffer.from(data);
        spoiled.set(bytes.subarray(0, spoiled.length - at), at);
        return spoiled;
      }),
    );
    fc.assert(
      fc.property(hostile, (bytes) => {
        try {
          verifyPayment(bytes, expected);
        } catch (error) {
          assert.ok(error instanceof TonError, `${error}`);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
