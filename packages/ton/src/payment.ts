/**
 * Signed payments: the proxy's promise that a client has used, or a worker has earned, so many tokens up to now.
 *
 *   outer = operation:u32 query_id:u64 excess:addr signature:512 ^inner
 *   inner = operation:u32 query_id:u64 tokens:u64 contract:addr          Ed25519 over the hash of this cell
 *
 * The outer cell is also the message a contract accepts. `excess`, who gets left-over coins, is not signed.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { MAX_LONG, type Tokens, tokens } from '@bombyx/base';
import { type Address, beginCell, type Cell, type Slice } from '@ton/core';
import { readCell, writeCell } from './boc.ts';
import { TonError } from './errors.ts';
import { publicKeyFromBytes } from './keys.ts';

/** Charge and payout travel; refund and last payout also close the contract and are sent by the proxy itself. */
const Operation = {
  charge: 0xbb63ff93,
  payout: 0xa040ad28,
  refund: 0xefd711e1,
  lastPayout: 0xf5f26a36,
} as const;

export type PaymentKind = keyof typeof Operation;

const KINDS = new Map<number, PaymentKind>(
  (Object.keys(Operation) as PaymentKind[]).map((kind) => [Operation[kind], kind]),
);

/** A payment has two cells and about 180 bytes; room for an index and a CRC. */
const MAX_PAYMENT_BYTES = 512;

export interface Payment {
  readonly kind: PaymentKind;
  /** Random, unsigned 64 bits. */
  readonly queryId: bigint;
  /** Adjusted tokens, running total. */
  readonly tokens: Tokens;
  /** The client or worker contract this is for. */
  readonly contract: Address;
  /** Gets the coins left over; the holder may put in his own, see {@link redirectExcess}. */
  readonly excess: Address;
}

/** @returns `proxy.signedPayment.data` @throws {RangeError} for a query id outside 64 bits */
export function signPayment(payment: Payment, privateKey: KeyObject): Buffer {
  const inner = innerCell(payment);
  return writeCell(outerCell(payment, sign(null, inner.hash(), privateKey), inner));
}

/**
 * Reads a payment and makes sure of everything a receiver must: form, kind, receiver, signature.
 * @param publicKey `proxy.params.proxy_public_key`, or the key made from it once
 * @throws {TonError} `TON_BOC`, `TON_PAYMENT_FORM`, `TON_PAYMENT_KIND`, `TON_PAYMENT_RECEIVER`, `TON_PAYMENT_SIGNATURE`;
 *   `TON_KEY` for a key that is none
 */
export function verifyPayment(
  data: Uint8Array,
  expected: { readonly kind: PaymentKind; readonly contract: Address; readonly publicKey: KeyObject | Uint8Array },
): Payment {
  const { payment, signature, inner } = parsePayment(data);
  if (payment.kind !== expected.kind) {
    throw new TonError('TON_PAYMENT_KIND', `expected a ${expected.kind}, got a ${payment.kind}`);
  }
  if (!payment.contract.equals(expected.contract)) {
    throw new TonError('TON_PAYMENT_RECEIVER', 'the payment is for another contract', {
      expected: expected.contract.toRawString(),
      actual: payment.contract.toRawString(),
    });
  }
  const publicKey =
    expected.publicKey instanceof Uint8Array ? publicKeyFromBytes(expected.publicKey) : expected.publicKey;
  if (!verify(null, inner.hash(), publicKey, signature)) {
    throw new TonError('TON_PAYMENT_SIGNATURE', 'the payment is not signed by this proxy');
  }
  return payment;
}

/** The same signed promise with another receiver of left-over coins, as it is sent to the contract. Verifies nothing. */
export function redirectExcess(data: Uint8Array, excess: Address): Buffer {
  const { payment, signature, inner } = parsePayment(data);
  return writeCell(outerCell({ ...payment, excess }, signature, inner));
}

function innerCell({ kind, queryId, tokens: total, contract }: Payment): Cell {
  return beginCell()
    .storeUint(Operation[kind], 32)
    .storeUint(unsigned64(queryId), 64)
    .storeUint(total, 64)
    .storeAddress(contract)
    .endCell();
}

function outerCell({ kind, queryId, excess }: Payment, signature: Buffer, inner: Cell): Cell {
  return beginCell()
    .storeUint(Operation[kind], 32)
    .storeUint(unsigned64(queryId), 64)
    .storeAddress(excess)
    .storeBuffer(signature)
    .storeRef(inner)
    .endCell();
}

interface ParsedPayment {
  readonly payment: Payment;
  readonly signature: Buffer;
  readonly inner: Cell;
}

function parsePayment(data: Uint8Array): ParsedPayment {
  const root = readCell(data, MAX_PAYMENT_BYTES);
  try {
    return parseCells(root);
  } catch (cause) {
    if (cause instanceof TonError) throw cause;
    throw new TonError('TON_PAYMENT_FORM', 'not a signed payment', { size: data.length }, { cause });
  }
}

function parseCells(root: Cell): ParsedPayment {
  const outer = root.beginParse(); // refuses exotic cells
  const operation = outer.loadUint(32);
  const queryId = outer.loadUintBig(64);
  const excess = outer.loadAddress();
  const signature = outer.loadBuffer(64);
  const inner = outer.loadRef();
  atEnd(outer);
  const slice = inner.beginParse();
  const kind = KINDS.get(operation);
  if (!kind) throw new TonError('TON_PAYMENT_FORM', 'unknown payment operation', { operation });
  if (slice.loadUint(32) !== operation || slice.loadUintBig(64) !== queryId) {
    throw new TonError('TON_PAYMENT_FORM', 'operation or query id differ inside and outside');
  }
  const total = slice.loadUintBig(64);
  if (total > MAX_LONG) throw new TonError('TON_PAYMENT_FORM', 'more tokens than the protocol can carry', { total });
  const contract = slice.loadAddress();
  atEnd(slice);
  return { payment: { kind, queryId, tokens: tokens(total), contract, excess }, signature, inner };
}

function atEnd(slice: Slice): void {
  if (slice.remainingBits > 0 || slice.remainingRefs > 0) {
    throw new TonError('TON_PAYMENT_FORM', 'something follows the payment', {
      bits: slice.remainingBits,
      refs: slice.remainingRefs,
    });
  }
}

function unsigned64(value: bigint): bigint {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`query id out of range: ${value}`);
  return value;
}
