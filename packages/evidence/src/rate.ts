/** So many a second, and so many at once (GCRA): for one, or for each of many. */
import type { Clock } from '@bombyx/base';

export interface RateLimits {
  readonly perSecond: number;
  /** Taken at once by somebody who was quiet before. */
  readonly burst: number;
}

/** One state for each name; those that are full again are forgotten, and beyond the bound the quietest one. */
export class Rates {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #maxNames: number;
  readonly #clock: Clock;
  /** When each name will have paid for all it took; monotonic. In order of the last taking. */
  readonly #paidAtMs = new Map<string, number>();

  constructor({ perSecond, burst }: RateLimits, maxNames: number, clock: Clock) {
    if (!(perSecond > 0) || !(burst >= 1)) throw new RangeError(`rate of ${perSecond} a second, ${burst} at once`);
    this.#intervalMs = 1_000 / perSecond;
    this.#toleranceMs = this.#intervalMs * (burst - 1);
    this.#maxNames = maxNames;
    this.#clock = clock;
  }

  /** Takes one, if it is there to be taken. */
  take(name: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs, this.#paidAtMs.get(name) ?? nowMs);
    if (dueMs - nowMs > this.#toleranceMs) return false;
    this.#paidAtMs.delete(name);
    this.#paidAtMs.set(name, dueMs + this.#intervalMs);
    if (this.#paidAtMs.size > this.#maxNames) this.#forget();
    return true;
  }

  #forget(): void {
    const [quietest] = this.#paidAtMs.keys();
    if (quietest !== undefined) this.#paidAtMs.delete(quietest);
  }
}
