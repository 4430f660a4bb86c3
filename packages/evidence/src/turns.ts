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

  /** @returns gives the place back; call it once. @throws what `full` makes; the reason of `signal` */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken < this.#limits.places) this.#taken += 1;
    else await this.#wait(signal);
    return () => {
      const next = this.#waiting.shift();
      if (next)
        next(); // the place is handed over
      else this.#taken -= 1;
    };
  }

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

/** Waits for `work`, but no longer than until `signal` aborts; the work itself goes on. @throws the reason of `signal` */
export function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
