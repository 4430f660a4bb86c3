/**
 * Double entry: every movement of money is posted to two sides or more whose sum is zero. Kept apart from the accounts
 * that decide on requests, so that each can prove the other.
 */
import type { ClientContract, LedgerEvent, Terms, WorkerContract } from './events.ts';

/** NanoTON on one account. `client/…`: what is still owed to a client; `worker/…`: to a worker; `proxy`: to the proxy. */
export interface Posting {
  readonly account: string;
  readonly amount: bigint;
}

/** What the chain showed before the event; undefined for the first time. */
export interface Before {
  readonly client?: ClientContract | undefined;
  readonly worker?: WorkerContract | undefined;
}

/**
 * The postings of one event under the terms of its proxy contract. `chain/in`: what clients put in and took out;
 * `chain/out`: what the contracts paid to workers and credited to the proxy.
 */
export function postings(event: LedgerEvent, terms: Terms, before: Before): readonly Posting[] {
  const { pricePerToken: price, workerFeePerToken: fee } = terms;
  switch (event.type) {
    case 'charged': {
      const { total } = event.tokens;
      return [
        { account: `client/${event.client}`, amount: -total * price },
        { account: `worker/${event.worker}`, amount: total * fee },
        { account: 'proxy', amount: total * (price - fee) },
      ];
    }
    case 'client-seen': {
      // A charge moves from balance to used; what is left over was put in, taken out, or forgiven.
      const put = worth(event.contract, price) - (before.client ? worth(before.client, price) : 0n);
      return [
        { account: `client/${event.client}`, amount: put },
        { account: 'chain/in', amount: -put },
      ];
    }
    case 'worker-seen': {
      const paid = event.contract.paid - (before.worker?.paid ?? 0n);
      return [
        { account: `worker/${event.worker}`, amount: -paid * fee },
        { account: 'proxy', amount: -paid * (price - fee) },
        { account: 'chain/out', amount: paid * price },
      ];
    }
    default:
      return [];
  }
}

function worth({ balance, used }: ClientContract, price: bigint): bigint {
  return balance + used * price;
}

/** Sums of postings by account. */
export class TrialBalance {
  readonly #sums: Map<string, bigint>;

  constructor(sums: Iterable<readonly [string, bigint]> = []) {
    this.#sums = new Map(sums);
  }

  /** @throws {RangeError} for postings that do not add up to zero: our own mistake */
  post(entries: readonly Posting[]): void {
    let sum = 0n;
    for (const { amount } of entries) sum += amount;
    if (sum !== 0n) throw new RangeError(`postings leave ${sum} nanoTON over`);
    for (const { account, amount } of entries) this.#sums.set(account, this.of(account) + amount);
  }

  of(account: string): bigint {
    return this.#sums.get(account) ?? 0n;
  }

  accounts(): Iterable<readonly [string, bigint]> {
    return this.#sums;
  }
}
