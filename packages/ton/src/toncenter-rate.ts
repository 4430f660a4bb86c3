/** Keeps our own pace towards one endpoint (GCRA), and the pauses it asks for. */
import { type Clock, wait } from '@bombyx/base';
import { ChainError } from './chain-errors.ts';

/** Longest time a request waits for its turn; also the bound of the queue: this long times the rate. */
const MAX_WAIT_MS = 15_000;

export class Pace {
  readonly #clock: Clock;
  readonly #host: string;
  readonly #intervalMs: number;
  /** When the next request may start, on the monotonic clock. */
  #nextMs = 0;

  constructor(host: string, requestsPerSecond: number, clock: Clock) {
    if (!(requestsPerSecond > 0)) throw new RangeError(`requests per second: ${requestsPerSecond}`);
    this.#clock = clock;
    this.#host = host;
    this.#intervalMs = 1_000 / requestsPerSecond;
    this.#nextMs = clock.monotonicMs();
  }

  /** Milliseconds until a request could start. */
  get delayMs(): number {
    return Math.max(0, this.#nextMs - this.#clock.monotonicMs());
  }

  /** Takes a turn and waits for it. @throws {ChainError} `CHAIN_RATE_LIMITED` at once when the turn is too far away */
  async turn(signal: AbortSignal): Promise<void> {
    const { delayMs } = this;
    if (delayMs > MAX_WAIT_MS) {
      const seconds = Math.ceil(delayMs / 1_000);
      throw new ChainError('CHAIN_RATE_LIMITED', `${this.#host} takes no request for ${seconds} s`, { delayMs });
    }
    this.#nextMs = Math.max(this.#nextMs, this.#clock.monotonicMs()) + this.#intervalMs;
    if (delayMs > 0) await wait(this.#clock, delayMs, signal);
  }

  /** No request starts for `ms`: the endpoint said so. */
  pause(ms: number): void {
    this.#nextMs = Math.max(this.#nextMs, this.#clock.monotonicMs() + ms);
  }
}
