import type { Clock } from '@bombyx/base';

/** A count that halves every `halfLifeMs`. */
export class DecayingCount {
  readonly #clock: Clock;
  readonly #halfLifeMs: number;
  #value = 0;
  #atMs = 0;

  constructor(clock: Clock, halfLifeMs: number) {
    this.#clock = clock;
    this.#halfLifeMs = halfLifeMs;
  }

  add(amount: number): void {
    this.#value = this.value + amount;
    this.#atMs = this.#clock.monotonicMs();
  }

  get value(): number {
    if (this.#value === 0) return 0;
    return this.#value * 2 ** ((this.#atMs - this.#clock.monotonicMs()) / this.#halfLifeMs);
  }
}
