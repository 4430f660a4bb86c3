/** What the proxy remembers about one worker's recent work; the numbers behind `WorkerView` of `select.ts`. */
import { type Clock, Rate } from '@bombyx/base';

const MEMORY_MS = 30_000;
const PRIOR = 2;
const FIRST_BYTE_WEIGHT = 0.2;
/** A speed measured longer ago says nothing: the worker may have been slow then and is not any more. */
const FIRST_BYTE_LIFE_MS = 120_000;
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
  #firstByteAtMs = 0;
  #ramp = FIRST_RAMP;
  readonly #queries: Rate;
  readonly #successes: Rate;
  readonly #seconds: Rate;

  constructor(deps: { clock: Clock }) {
    this.#queries = new Rate(deps.clock);
    this.#successes = new Rate(deps.clock);
    this.#seconds = new Rate(deps.clock);
  }

  /** Recent share of success, pulled towards 1 by two imagined successes. */
  success(nowMs: number): number {
    const fade = Math.exp(-Math.max(0, nowMs - this.#at) / MEMORY_MS);
    return (this.#succeeded * fade + PRIOR) / (this.#finished * fade + PRIOR);
  }

  /** Recent mean time to the first byte; undefined when there is none. */
  firstByteMs(nowMs: number): number | undefined {
    return nowMs - this.#firstByteAtMs < FIRST_BYTE_LIFE_MS ? this.#firstByteMs : undefined;
  }

  get ramp(): number {
    return this.#ramp;
  }

  firstByte(ms: number, nowMs: number): void {
    const before = this.firstByteMs(nowMs);
    this.#firstByteMs = before === undefined ? ms : before + (ms - before) * FIRST_BYTE_WEIGHT;
    this.#firstByteAtMs = nowMs;
  }

  /** @param limit the most the ramp can reach @param tookMs from assignment to the end */
  finished(ok: boolean, nowMs: number, limit: number, tookMs: number): void {
    this.#queries.add(1);
    this.#seconds.add(tookMs / 1_000);
    if (ok) this.#successes.add(1);
    const fade = Math.exp(-Math.max(0, nowMs - this.#at) / MEMORY_MS);
    this.#at = nowMs;
    this.#finished = this.#finished * fade + 1;
    this.#succeeded = this.#succeeded * fade + (ok ? 1 : 0);
    this.#ramp = ok ? Math.min(limit, this.#ramp + 1) : Math.max(1, this.#ramp / 2);
  }

  /** Rates of the last ten minutes, per second, as the statistics of the reference show them. */
  tenMinutes(): {
    readonly queries_10m: number;
    readonly queries_time_10m: number;
    readonly worker_queries_time_10m: number;
    readonly queries_success_10m: number;
  } {
    const rate = (of: Rate) => of.snapshot()[4] ?? 0;
    const time = rate(this.#seconds);
    return {
      queries_10m: rate(this.#queries),
      queries_time_10m: time,
      worker_queries_time_10m: time,
      queries_success_10m: rate(this.#successes),
    };
  }
}
