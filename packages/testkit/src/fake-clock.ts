import type { Clock } from '@bombyx/base';

interface Timer {
  readonly dueMs: number;
  readonly task: () => void;
}

/** A clock that stands still until a test moves it. Wall and monotonic time move together, from any start. */
export class FakeClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const timer: Timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait: what a test looks at to see that nothing was left behind. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on, running what falls due in order of its time; tasks see the time they were due at. */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (;;) {
      const next = this.#nextDue(endMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.task();
    }
    this.#elapsedMs = endMs;
  }

  /**
   * {@link advance}, letting promises and sockets do their work after each timer, so that what one starts is seen by the
   * next; and at least every `stepMs`, for what real sockets bring about meanwhile.
   */
  async advanceGently(ms: number, stepMs = 1_000): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    for (;;) {
      const stopMs = Math.min(endMs, this.#elapsedMs + stepMs);
      this.advance((this.#nextDue(stopMs)?.dueMs ?? stopMs) - this.#elapsedMs);
      await turn();
      if (this.#elapsedMs >= endMs && this.#nextDue(endMs) === undefined) return;
    }
  }

  #nextDue(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

/** One turn of the event loop: everything that was ready has happened. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
