import type { Clock } from '@bombyx/base';
import type { TokensUsed } from './api.ts';
import type { Bill } from './bill.ts';

/** The bill of a request that we stopped comes within a round trip; the proxy waits a second for the worker's count. */
const PATIENCE_MS = 30_000;
/** More than may run at once over most connections; beyond, the oldest is given up. */
const MAX_OWED = 4_096;

/** Bills of requests that are over for us, before their proxy said what they cost. */
export class OwedBills implements Disposable {
  readonly #clock: Clock;
  readonly #bills = new Map<string, { readonly bill: Bill; readonly forget: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param extraMs how much longer than usual the proxy may take */
  add(requestId: string, bill: Bill, extraMs: number): void {
    const forget = this.#clock.after(PATIENCE_MS + extraMs, () => this.settle(requestId, undefined));
    this.#bills.set(requestId, { bill, forget });
    if (this.#bills.size > MAX_OWED) this.settle(this.#bills.keys().next().value!, undefined);
  }

  /** The bill came, or will not come. A request that owes nothing is ignored. */
  settle(requestId: string, tokens: TokensUsed | undefined): void {
    const owed = this.#bills.get(requestId);
    if (owed === undefined) return;
    this.#bills.delete(requestId);
    owed.forget();
    owed.bill.settle(tokens);
  }

  /** The connection is gone: nobody will tell. */
  [Symbol.dispose](): void {
    for (const requestId of [...this.#bills.keys()]) this.settle(requestId, undefined);
  }
}
