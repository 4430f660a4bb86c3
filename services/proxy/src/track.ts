/** What the proxy remembers about one worker's recent work; the numbers behind {@link WorkerView}. */

const MEMORY_MS = 30_000;
const PRIOR = 2;
const FIRST_BYTE_WEIGHT = 0.2;
/** Concurrency a newcomer starts with. */
export const FIRST_RAMP = 4;

/**
 * Recent success and speed. Failures fade with a time constant of 30 s, so that a worker that recovered is tried
 * again; the ramp grows by one with each success and halves with each failure (as a TCP window does).
 */
export class Track {
  #succeeded = 0;
  #finished = 0;
  #at = 0;
  #firstByteMs: number | undefined;
  #ramp = FIRST_RAMP;

  /** Recent share of success, pulled towards 1 by two imagined successes. */
  success(nowMs: number): number {
    const fade = Math.exp(-Math.max(0, nowMs - this.#at) / MEMORY_MS);
    return (this.#succeeded * fade + PRIOR) / (this.#finished * fade + PRIOR);
  }

  get firstByteMs(): number | undefined {
    return this.#firstByteMs;
  }

  get ramp(): number {
    return this.#ramp;
  }

  firstByte(ms: number): void {
    const before = this.#firstByteMs;
    this.#firstByteMs = before === undefined ? ms : before + (ms - before) * FIRST_BYTE_WEIGHT;
  }

  /** @param limit the most the ramp can reach */
  finished(ok: boolean, nowMs: number, limit: number): void {
    const fade = Math.exp(-Math.max(0, nowMs - this.#at) / MEMORY_MS);
    this.#at = nowMs;
    this.#finished = this.#finished * fade + 1;
    this.#succeeded = this.#succeeded * fade + (ok ? 1 : 0);
    this.#ramp = ok ? Math.min(limit, this.#ramp + 1) : Math.max(1, this.#ramp / 2);
  }
}
