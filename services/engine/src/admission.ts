/** The bounded queue before the model: so many run, so many wait, the next is refused at once. */
export class Admission {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for a turn, first come first served. @returns a function that gives the turn back, to be called once; or
   * undefined, at once, when the queue is full. @throws the signal's reason; the place in the queue is then free
   */
  enter(signal: AbortSignal): Promise<() => void> | undefined {
    if (this.#running < this.#maxRunning) {
      this.#running++;
      return Promise.resolve(this.#leave);
    }
    if (this.#waiting.size >= this.#maxWaiting) return undefined;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.delete(admit);
        reject(signal.reason);
      };
      const admit = () => {
        signal.removeEventListener('abort', abort);
        resolve(this.#leave);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(admit);
    });
  }

  /** Hands the turn to the next in line, or frees it. */
  readonly #leave = (): void => {
    const [next] = this.#waiting;
    if (!next) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next();
  };
}
