/** So many of something at once, and so many that wait; the next one is refused. */
import { TransportError } from './errors.ts';

export interface TurnLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** For people: `too many ${what} are waiting`. */
  readonly what: string;
}

export class Turns {
  readonly #limits: TurnLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `task` when its turn has come.
   * @throws {TransportError} `TRANSPORT_LIMIT` when too many wait; the reason of `signal`, and what `task` throws
   */
  async take<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#running >= this.#limits.atOnce) await this.#turn(signal);
    else this.#running++;
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next)
        next(); // the place is handed over
      else this.#running--;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { waiting: limit, what } = this.#limits;
    if (this.#waiting.length >= limit) {
      throw new TransportError('TRANSPORT_LIMIT', `too many ${what} are waiting`, { limit });
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(go);
    });
  }
}
