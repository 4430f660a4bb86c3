/** The money of one key: what it spent, what its running requests may still cost, and its caps. Pure. */
import type { NanoTon } from '@bombyx/base';

/** nanoTON; absent: no cap. */
export interface Caps {
  readonly total?: NanoTon | undefined;
  /** For each UTC day. A request that runs over midnight counts to the day in which it ends. */
  readonly day?: NanoTon | undefined;
}

/** nanoTON, exact at any size. */
export interface Books {
  readonly spentTotal: bigint;
  /** The day of `spentDay`, UTC, `YYYY-MM-DD`; empty before the first request. */
  readonly day: string;
  readonly spentDay: bigint;
  /** The most that the running requests may still cost. */
  readonly held: bigint;
}

export const NO_BOOKS: Books = { spentTotal: 0n, day: '', spentDay: 0n, held: 0n };

/** Why a request may not run. */
export interface Shortage {
  readonly cap: keyof Caps;
  readonly limit: bigint;
  /** Of the limit, after what was spent and what is held; at least 0. */
  readonly left: bigint;
  readonly held: bigint;
}

/** A new day starts with nothing spent; a clock that was set back does not bring an old day again. */
export function onDay(books: Books, today: string): Books {
  return today > books.day ? { ...books, day: today, spentDay: 0n } : books;
}

/** @returns the cap that stands against holding `most` now */
export function shortageOf(books: Books, caps: Caps, most: bigint): Shortage | undefined {
  const { held } = books;
  for (const [cap, spent] of [
    ['total', books.spentTotal],
    ['day', books.spentDay],
  ] as const) {
    const limit = caps[cap];
    if (limit === undefined || spent + held + most <= limit) continue;
    const left = limit - spent - held;
    return { cap, limit, left: left > 0n ? left : 0n, held };
  }
  return undefined;
}

export function hold(books: Books, most: bigint): Books {
  return { ...books, held: books.held + most };
}

/** A request that held `most` is over, and cost `cost`. */
export function settle(books: Books, most: bigint, cost: bigint): Books {
  return {
    ...books,
    held: books.held - most,
    spentTotal: books.spentTotal + cost,
    spentDay: books.spentDay + cost,
  };
}

/**
 * The books of a process that ended while requests ran: nobody knows what they were billed, so all that was held counts as
 * spent, today. That may be too much and is never too little: a cap holds over any crash.
 */
export function afterCrash(books: Books, today: string): Books {
  const now = onDay(books, today);
  return settle(now, now.held, now.held);
}
