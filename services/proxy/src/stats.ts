/** Counters as the statistics pages of the reference show them. */
import { type Clock, Rate } from '@bombyx/base';

export const statNames = [
  'queries',
  'success',
  'failed',
  'rejected',
  'bytes_received',
  'bytes_sent',
  'time',
  'total_adjusted_tokens_used',
  'prompt_adjusted_tokens_used',
  'cached_adjusted_tokens_used',
  'completion_adjusted_tokens_used',
  'reasoning_adjusted_tokens_used',
] as const;
export type StatName = (typeof statNames)[number];

/** The counters of `/jsonstats`, `stats`. Source: proxy.md §13 of the reference. */
export class Stats {
  readonly #rates: Readonly<Record<StatName, Rate>>;

  constructor(deps: { clock: Clock }) {
    const rates = statNames.map((name) => [name, new Rate(deps.clock)]);
    this.#rates = Object.fromEntries(rates) as Record<StatName, Rate>;
  }

  add(name: StatName, amount: number): void {
    this.#rates[name].add(amount);
  }

  total(name: StatName): number {
    return this.#rates[name].total;
  }

  /** Of each counter `[total, 1 s, 10 s, 1 min, 10 min, 1 h, 1 d]`; all but the first per second. */
  read(): Record<StatName, readonly number[]> {
    const arrays = statNames.map((name) => [name, this.#rates[name].snapshot()]);
    return Object.fromEntries(arrays) as Record<StatName, readonly number[]>;
  }
}
