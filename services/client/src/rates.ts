import type { Clock } from '@bombyx/base';
import type { RateArray } from './api.ts';

/** Time constants in seconds, as the C++ programs use them. Source: client.md §7, `/jsonstats`. */
const WINDOWS_SEC = [1, 10, 60, 600, 3_600, 86_400] as const;

/** A total and its exponentially decayed rates per second. Constant memory, no timer: decay happens when it is looked at. */
export class Rate {
  readonly #clock: Clock;
  readonly #rates = new Float64Array(WINDOWS_SEC.length);
  #total = 0;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  add(amount: number): void {
    this.#decay();
    this.#total += amount;
    for (let i = 0; i < WINDOWS_SEC.length; i += 1) this.#rates[i]! += amount / WINDOWS_SEC[i]!;
  }

  /** [total, rate over 1 s, 10 s, 1 min, 10 min, 1 h, 1 d] */
  snapshot(): RateArray {
    this.#decay();
    return [this.#total, ...this.#rates];
  }

  #decay(): void {
    const nowMs = this.#clock.monotonicMs();
    const elapsedSec = (nowMs - this.#atMs) / 1_000;
    if (elapsedSec < 0.05) return; // a twentieth of the shortest window: not worth six exponentials per request
    this.#atMs = nowMs;
    for (let i = 0; i < WINDOWS_SEC.length; i += 1) this.#rates[i]! *= Math.exp(-elapsedSec / WINDOWS_SEC[i]!);
  }
}

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
