/** What could not be had, remembered for seconds: a stranger who repeats himself costs nobody a request. */
import type { Clock } from '@bombyx/base';
import type { EvidenceError } from '../errors.ts';
import { MAX_NEGATIVES, NEGATIVE_MS } from '../limits.ts';

/** Our own business, and over the next moment. */
const passing: ReadonlySet<string> = new Set(['COLLATERAL_CLOSED', 'COLLATERAL_LIMIT']);

export class Refusals {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly error: EvidenceError; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws {EvidenceError} the one that was kept, while it counts */
  check(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    if (this.#clock.monotonicMs() < known.untilMs) throw known.error;
    this.#known.delete(key);
  }

  keep(key: string, error: EvidenceError): void {
    if (passing.has(error.code)) return;
    this.#known.delete(key);
    this.#known.set(key, { error, untilMs: this.#clock.monotonicMs() + NEGATIVE_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_NEGATIVES && oldest !== undefined) this.#known.delete(oldest);
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
