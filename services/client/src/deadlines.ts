import type { Clock } from '@bombyx/base';

/** Something that ends by itself when its time is over. */
export interface Expiring {
  /** On the monotonic clock, in milliseconds. May move later while it waits, never earlier. */
  dueAtMs(): number;
  /** Its time is over: it either leaves the deadlines or has moved {@link dueAtMs} later. */
  expire(nowMs: number): void;
}

/** Nothing is looked at more often than this; a deadline is late by at most as much. */
const GRANULARITY_MS = 20;

/** Watches any number of deadlines with one timer. */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #items = new Set<Expiring>();
  #armedForMs = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(item: Expiring): void {
    this.#items.add(item);
    this.#arm(item.dueAtMs());
  }

  /** Leaves the timer alone: a superfluous look costs less than arming anew for every request. */
  delete(item: Expiring): void {
    this.#items.delete(item);
  }

  [Symbol.dispose](): void {
    this.#items.clear();
    this.#disarm();
  }

  #arm(dueAtMs: number): void {
    if (dueAtMs >= this.#armedForMs) return;
    this.#disarm();
    this.#armedForMs = dueAtMs;
    this.#disarm = this.#clock.after(Math.max(dueAtMs - this.#clock.monotonicMs(), 0), () => this.#look());
  }

  #look(): void {
    this.#armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const item of this.#items) {
      if (item.dueAtMs() <= nowMs) item.expire(nowMs);
      if (this.#items.has(item)) nextMs = Math.min(nextMs, item.dueAtMs());
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#arm(Math.max(nextMs, nowMs + GRANULARITY_MS));
  }
}
