/** The newest that was seen, so that an answer from before is known for what it is. */
import type { Address } from '@ton/core';
import type { TransactionId } from './chain.ts';
import { ChainError } from './chain-errors.ts';

/** Accounts remembered; the one not asked about for longest goes first. */
const MAX_ACCOUNTS = 4_096;

export class Memory {
  #seqno = 0;
  readonly #accounts = new Map<string, TransactionId>();

  /** @throws {ChainError} `CHAIN_STALE` for a masterchain block below one that was seen */
  checkBlock(seqno: number, host: string): void {
    if (seqno >= this.#seqno) return;
    throw stale(host, `shows block ${seqno}, but ${this.#seqno} was seen already`);
  }

  keepBlock(seqno: number): void {
    this.#seqno = Math.max(this.#seqno, seqno);
  }

  /**
   * @param last newest transaction of the account as an endpoint tells it
   * @param after another one known to be in its history
   * @throws {ChainError} `CHAIN_STALE` when it is below one that was seen, `CHAIN_DISAGREEMENT` when it is another one at
   *   the same time
   */
  checkAccount(address: Address, last: TransactionId | undefined, host: string, after?: TransactionId): void {
    const known = this.#accounts.get(address.toRawString());
    for (const seen of [known, after]) {
      if (seen === undefined) continue;
      if (last === undefined || last.lt < seen.lt) {
        throw stale(host, `shows an account at ${last?.lt ?? 0n}, but its transaction ${seen.lt} was seen already`);
      }
      if (last.lt > seen.lt || last.hash.equals(seen.hash)) continue;
      if (seen === after)
        throw stale(host, `transaction ${seen.lt} is another one: another network, or one rolled back`);
      throw new ChainError('CHAIN_DISAGREEMENT', `${host}: transaction ${seen.lt} has changed`, { host });
    }
  }

  /** As {@link checkAccount} where only the time of the newest transaction is told. */
  checkTime(address: Address, lt: bigint, host: string): void {
    const known = this.#accounts.get(address.toRawString());
    if (known !== undefined && lt < known.lt) {
      throw stale(host, `shows an account at ${lt}, but its transaction ${known.lt} was seen already`);
    }
  }

  keepAccount(address: Address, last: TransactionId | undefined): void {
    if (last === undefined) return;
    const key = address.toRawString();
    const known = this.#accounts.get(key);
    this.#accounts.delete(key);
    this.#accounts.set(key, known && known.lt > last.lt ? known : last);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > MAX_ACCOUNTS && oldest !== undefined) this.#accounts.delete(oldest);
  }
}

function stale(host: string, message: string): ChainError {
  return new ChainError('CHAIN_STALE', `${host}: ${message}`, { host });
}
