/** So many at once, so many waiting, first come, first served. */

export interface TurnLimits {
  readonly places: number;
  readonly maxWaiting: number;
}

export class Turns {
  readonly #limits: TurnLimits;
  readonly #full: () => Error;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** @param full what somebody gets for whom there is no room even to wait */
  constructor(limits: TurnLimits, full: () => Error) {
    this.#limits = limits;
    this.#full = full;
  }

  /**
   * @returns gives the place back; call it once. `signal` may abort before the caller goes on: whoever begins work that
   *   only listens for it looks at it first
   * @throws what `full` makes; the reason of `signal`
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken < this.#limits.places) this.#taken += 1;
    else await this.#wait(signal);
    if (!signal.aborted) return this.#giveBack;
    this.#giveBack(); // whoever waited left in the moment in which the place was handed over
    throw signal.reason;
  }

  readonly #giveBack = (): void => {
    const next = this.#waiting.shift();
    if (next)
      next(); // the place is handed over
    else this.#taken -= 1;
  };

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#limits.maxWaiting) throw this.#full();
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
