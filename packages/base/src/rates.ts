import type { Clock } from './ports.ts';

/** Time constants in seconds, as the statistics of the C++ programs use them. */
const WINDOWS_SEC = [1, 10, 60, 600, 3_600, 86_400] as const;

/** Total, then the rate per second over 1 s, 10 s, 1 min, 10 min, 1 h, 1 d. */
export type RateArray = readonly number[];

/** A total and its exponentially decayed rates. No timer: it decays when it is looked at. */
export class Rate {
  readonly #clock: Clock;
  readonly #rates = new Float64Array(WINDOWS_SEC.length);
  #total = 0;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  get total(): number {
    return this.#total;
  }

  add(amount: number): void {
    this.#decay();
    this.#total += amount;
    for (let i = 0; i < WINDOWS_SEC.length; i += 1) this.#rates[i]! += amount / WINDOWS_SEC[i]!;
  }

  snapshot(): RateArray {
    this.#decay();
    return [this.#total, ...this.#rates];
  }

  #decay(): void {
    const nowMs = this.#clock.monotonicMs();
    const elapsedSec = (nowMs - this.#atMs) / 1_000;
    if (elapsedSec < 0.05) return; // a twentieth of the shortest window: not worth the exponentials of each request
    this.#atMs = nowMs;
    for (let i = 0; i < WINDOWS_SEC.length; i += 1) this.#rates[i]! *= Math.exp(-elapsedSec / WINDOWS_SEC[i]!);
  }
}
