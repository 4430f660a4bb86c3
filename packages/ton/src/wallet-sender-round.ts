/**
 * What was signed for one sequence number, and what became of it. The wallet takes a number once, so of all attempts in
 * a round at most one lands; which one, the wallet's own transactions tell.
 */
import type { Address, Cell } from '@ton/core';
import type { Chain, ChainTransaction, TransactionId } from './chain.ts';

/** Transactions read at once. */
const PART = 100;

export interface Attempt<Order> {
  readonly body: Cell;
  readonly orders: readonly Order[];
  readonly validUntilSec: number;
  /** The wallet took it and the transaction failed. It may be taken again until it expires. */
  failed?: ChainTransaction;
}

export interface Landing<Order> {
  readonly transaction: ChainTransaction;
  readonly orders: readonly Order[];
}

export class Round<Order> {
  readonly seqno: number;
  readonly #attempts = new Map<string, Attempt<Order>>();
  #seen: TransactionId | undefined;
  #latest: Attempt<Order> | undefined;
  #landed: Landing<Order> | undefined;

  /** @param last newest transaction of the wallet when `seqno` was read: nothing of this round can be before it */
  constructor(seqno: number, last: TransactionId | undefined) {
    this.seqno = seqno;
    this.#seen = last;
  }

  get latest(): Attempt<Order> | undefined {
    return this.#latest;
  }

  get landed(): Landing<Order> | undefined {
    return this.#landed;
  }

  add(attempt: Attempt<Order>): void {
    this.#attempts.set(keyOf(attempt.body), attempt);
    this.#latest = attempt;
  }

  /** Whether any attempt so far carries the order. */
  holds(order: Order): boolean {
    return [...this.#attempts.values()].some(({ orders }) => orders.includes(order));
  }

  /** Unix seconds from which on no attempt can land; 0 without one. */
  get deadAfterSec(): number {
    return Math.max(0, ...[...this.#attempts.values()].map(({ validUntilSec }) => validUntilSec));
  }

  /**
   * Reads the wallet's transactions since the round began.
   * @returns whether everything up to `last` was seen; if not, the chain showed less than it knew a moment ago
   * @throws {ChainError}
   */
  async catchUp(chain: Chain, wallet: Address, last: TransactionId | undefined, signal: AbortSignal): Promise<boolean> {
    const target = last?.lt ?? 0n;
    while ((this.#seen?.lt ?? 0n) < target) {
      const part = await chain.transactions(wallet, this.#seen, PART, signal);
      for (const transaction of part) this.#observe(transaction);
      if (part.length === 0) return false;
    }
    return true;
  }

  #observe(seen: ChainTransaction): void {
    this.#seen = { lt: seen.lt, hash: seen.hash };
    const { inMessage } = seen.transaction;
    if (inMessage?.info.type !== 'external-in') return;
    const attempt = this.#attempts.get(keyOf(inMessage.body));
    if (attempt === undefined) return;
    if (seen.succeeded) this.#landed = { transaction: seen, orders: attempt.orders };
    else attempt.failed = seen;
  }
}

function keyOf(body: Cell): string {
  return body.hash().toString('hex');
}
