/**
 * Counters as the statistics pages of the reference show them: a total and six exponentially decayed rates per second
 * (time constants 1, 10, 60, 600, 3 600, 86 400 s).
 */
const CONSTANTS_SEC = [1, 10, 60, 600, 3_600, 86_400] as const;

export class Rate {
  #total = 0;
  readonly #levels = new Float64Array(CONSTANTS_SEC.length);
  #atMs: number;
  #pending = 0;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Cheap: the decay is worked out when it is read, or once a second. */
  add(amount: number, nowMs: number): void {
    if (nowMs - this.#atMs >= 1_000) this.#fade(nowMs);
    this.#total += amount;
    this.#pending += amount;
  }

  get total(): number {
    return this.#total;
  }

  /** `[total, 1 s, 10 s, 1 min, 10 min, 1 h, 1 d]`; all but the first per second. */
  read(nowMs: number): number[] {
    this.#fade(nowMs);
    return [this.#total, ...this.#levels];
  }

  #fade(nowMs: number): void {
    const elapsedSec = Math.max(0, nowMs - this.#atMs) / 1_000;
    this.#atMs = nowMs;
    for (const [i, constant] of CONSTANTS_SEC.entries()) {
      this.#levels[i] = this.#levels[i]! * Math.exp(-elapsedSec / constant) + this.#pending / constant;
    }
    this.#pending = 0;
  }
}

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

  constructor(nowMs: number) {
    this.#rates = Object.fromEntries(statNames.map((name) => [name, new Rate(nowMs)])) as Record<StatName, Rate>;
  }

  add(name: StatName, amount: number, nowMs: number): void {
    this.#rates[name].add(amount, nowMs);
  }

  total(name: StatName): number {
    return this.#rates[name].total;
  }

  read(nowMs: number): Record<StatName, number[]> {
    return Object.fromEntries(statNames.map((name) => [name, this.#rates[name].read(nowMs)])) as Record<
      StatName,
      number[]
    >;
  }
}
