/**
 * Walks back through the transactions of an account, from its newest one to a known one. The API lists history newest
 * first; readers want the oldest first. Each transaction names the hash of the one before, so the walk needs to trust
 * only where it starts.
 *
 * Cost: a reader that is `n` transactions behind costs `n / page` requests at first and little more for each of the
 * following parts: where pages began is remembered, and the next walk starts just above what it needs. Memory: `limit`
 * transactions and one page.
 */
import type { Address } from '@ton/core';
import type { ChainTransaction, TransactionId } from './chain.ts';
import { ChainError } from './chain-errors.ts';
import { previousOf } from './toncenter-answers.ts';

/** Transactions asked for at once. The API allows 100; large ones make pages smaller by themselves. */
const PAGE = 50;
/** A walk further than this is refused. */
const MAX_BEHIND = 100_000;
/** Accounts whose page starts are remembered, and page starts of one of them. */
const MAX_WALKS = 32;
const MAX_MARKS = MAX_BEHIND / PAGE;

/** @returns transactions newest first without a gap, beginning with `from` itself; at least one */
export type ReadPage = (from: TransactionId, count: number) => Promise<readonly ChainTransaction[]>;

export class History {
  /** Starts of pages above what was returned last, oldest first. */
  readonly #marks = new Map<string, readonly TransactionId[]>();

  /**
   * @param head newest transaction of the account
   * @param after the walk ends before this one, undefined: with the first transaction of the account
   * @returns the oldest transactions between, at most `limit`, oldest first
   * @throws {ChainError} `CHAIN_STALE` when the walk does not meet `after`; `CHAIN_LIMIT` when it is too far away
   */
  async between(
    address: Address,
    head: TransactionId,
    after: TransactionId | undefined,
    limit: number,
    readPage: ReadPage,
  ): Promise<readonly ChainTransaction[]> {
    const key = address.toRawString();
    const floor = after?.lt ?? 0n;
    const marks = (this.#marks.get(key) ?? []).filter(({ lt }) => lt > floor && lt < head.lt);
    for (let step = Math.ceil(limit / PAGE); ; step *= 2) {
      const start = marks[step] ?? head;
      const walk = await walkBack(start, after, limit, readPage);
      if (start !== head && walk.oldest.length < limit) continue;
      const above = start === head ? [] : marks.slice(step + 1);
      this.#keep(key, walk.oldest.length < limit ? [] : [...walk.pages.reverse(), ...above].slice(0, MAX_MARKS));
      return walk.oldest;
    }
  }

  #keep(key: string, marks: readonly TransactionId[]): void {
    this.#marks.delete(key);
    if (marks.length === 0) return;
    this.#marks.set(key, marks);
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > MAX_WALKS && oldest !== undefined) this.#marks.delete(oldest);
  }
}

interface Walk {
  /** Oldest first. */
  readonly oldest: readonly ChainTransaction[];
  /** Where pages began, newest first. */
  readonly pages: TransactionId[];
}

async function walkBack(
  start: TransactionId,
  after: TransactionId | undefined,
  limit: number,
  readPage: ReadPage,
): Promise<Walk> {
  const pages: TransactionId[] = [];
  let newestFirst: ChainTransaction[] = [];
  let seen = 0;
  let count = Math.min(PAGE, limit);
  let next: TransactionId | undefined = start;
  while (next !== undefined && !same(next, after)) {
    const from: TransactionId = next;
    if (after !== undefined && from.lt <= after.lt) throw lost(after);
    if (seen >= MAX_BEHIND) {
      throw new ChainError('CHAIN_LIMIT', `more than ${MAX_BEHIND} transactions to catch up with`, { seen });
    }
    let page: readonly ChainTransaction[];
    try {
      page = await readPage(from, count);
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'CHAIN_LIMIT' || count === 1) throw error;
      count = Math.ceil(count / 4); // one page of very large transactions is more than an answer may hold
      continue;
    }
    pages.push({ lt: from.lt, hash: from.hash });
    for (const transaction of page) {
      if (next === undefined || same(next, after) || (after !== undefined && next.lt < after.lt)) break;
      newestFirst.push(transaction);
      seen += 1;
      next = previousOf(transaction);
    }
    if (newestFirst.length > limit) newestFirst = newestFirst.slice(-limit);
    count = Math.min(PAGE, count * 2);
  }
  if (next === undefined && after !== undefined) throw lost(after);
  return { oldest: newestFirst.reverse(), pages };
}

function same(a: TransactionId, b: TransactionId | undefined): boolean {
  return b !== undefined && a.lt === b.lt && a.hash.equals(b.hash);
}

function lost({ lt }: TransactionId): ChainError {
  const message = `transaction ${lt} is not in the history of the account: another network, or one rolled back`;
  return new ChainError('CHAIN_STALE', message, { lt });
}
