import { type Clock, Rate, type RateArray } from '@bombyx/base';
import type { JobErrorCode } from './errors.ts';
import type { JobOutcome } from './job.ts';

/** The member `stats` of `/jsonstats`. */
export interface JobStats {
  readonly queries: RateArray;
  readonly success: RateArray;
  readonly failed: RateArray;
  readonly bytes_received: RateArray;
  readonly bytes_sent: RateArray;
  readonly time: RateArray;
  readonly total_adjusted_tokens_used: RateArray;
  readonly prompt_adjusted_tokens_used: RateArray;
  readonly cached_adjusted_tokens_used: RateArray;
  readonly completion_adjusted_tokens_used: RateArray;
  readonly reasoning_adjusted_tokens_used: RateArray;
}

/** Counts jobs. A failed one is counted once (the C++ worker counts it twice). */
export class Stats {
  readonly #clock: Clock;
  /** Read once for all rates that one event moves. */
  #nowMs: number;
  readonly #rates;
  readonly #errors = new Map<JobErrorCode, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.monotonicMs();
    const held: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => this.#nowMs,
      after: (delayMs, task) => clock.after(delayMs, task),
    };
    const rate = () => new Rate(held);
    this.#rates = {
      queries: rate(),
      success: rate(),
      failed: rate(),
      bytes_received: rate(),
      bytes_sent: rate(),
      time: rate(),
      total_adjusted_tokens_used: rate(),
      prompt_adjusted_tokens_used: rate(),
      cached_adjusted_tokens_used: rate(),
      completion_adjusted_tokens_used: rate(),
      reasoning_adjusted_tokens_used: rate(),
    } satisfies Record<keyof JobStats, Rate>;
  }

  /** Jobs that failed, by code, since the start. */
  get errors(): ReadonlyMap<JobErrorCode, number> {
    return this.#errors;
  }

  /** @param bytes of the request, as received from the proxy */
  begun(bytes: number): void {
    this.#nowMs = this.#clock.monotonicMs();
    this.#rates.queries.add(1);
    this.#rates.bytes_received.add(bytes);
  }

  ended({ error, tokens, bytesReceived, durationMs }: JobOutcome): void {
    this.#nowMs = this.#clock.monotonicMs();
    const rates = this.#rates;
    if (error === undefined) rates.success.add(1);
    else {
      rates.failed.add(1);
      this.#errors.set(error.code, (this.#errors.get(error.code) ?? 0) + 1);
    }
    rates.bytes_sent.add(bytesReceived);
    rates.time.add(durationMs / 1_000);
    if (tokens.total === 0n) return;
    rates.total_adjusted_tokens_used.add(Number(tokens.total));
    rates.prompt_adjusted_tokens_used.add(Number(tokens.prompt));
    rates.cached_adjusted_tokens_used.add(Number(tokens.cached));
    rates.completion_adjusted_tokens_used.add(Number(tokens.completion));
    rates.reasoning_adjusted_tokens_used.add(Number(tokens.reasoning));
  }

  totals(): Record<keyof JobStats, number> {
    return mapValues(this.#rates, (rate) => rate.total);
  }

  snapshot(): JobStats {
    this.#nowMs = this.#clock.monotonicMs();
    return mapValues(this.#rates, (rate) => rate.snapshot());
  }
}

function mapValues<Key extends string, Out>(rates: Record<Key, Rate>, read: (rate: Rate) => Out): Record<Key, Out> {
  return Object.fromEntries(Object.entries<Rate>(rates).map(([name, rate]) => [name, read(rate)])) as Record<Key, Out>;
}
