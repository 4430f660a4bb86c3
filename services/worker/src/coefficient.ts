import type { Clock } from '@bombyx/base';

/** How long a price that was replaced may still arrive in requests the proxy sent before it heard. */
export const COEFFICIENT_GRACE_MS = 60_000;
/** Largest coefficient a proxy accepts, thousandths. */
export const MAX_COEFFICIENT = 999_999_999;
const REMEMBERED = 16;

/** Own price in thousandths, and the prices it replaced. A request that names any other is not billed but refused. */
export class Coefficients {
  readonly #clock: Clock;
  #current: number;
  #former: { readonly coefficient: number; readonly untilMs: number }[] = [];

  /** @throws {RangeError} outside 0..999,999,999 */
  constructor(coefficient: number, clock: Clock) {
    this.#current = judged(coefficient);
    this.#clock = clock;
  }

  get current(): number {
    return this.#current;
  }

  /** @throws {RangeError} outside 0..999,999,999 */
  change(coefficient: number): void {
    const next = judged(coefficient);
    this.#former.push({ coefficient: this.#current, untilMs: this.#clock.monotonicMs() + COEFFICIENT_GRACE_MS });
    if (this.#former.length > REMEMBERED) this.#former.shift();
    this.#current = next;
  }

  /** @returns whether a request may be billed at this price: it is ours, or was until a minute ago */
  accepts(coefficient: number | bigint): boolean {
    const asked = Number(coefficient);
    if (asked === this.#current) return true;
    const now = this.#clock.monotonicMs();
    return this.#former.some((former) => former.coefficient === asked && former.untilMs >= now);
  }
}

function judged(coefficient: number): number {
  if (!Number.isInteger(coefficient) || coefficient < 0 || coefficient > MAX_COEFFICIENT) {
    throw new RangeError(`coefficient must be an integer between 0 and ${MAX_COEFFICIENT} thousandths`);
  }
  return coefficient;
}
