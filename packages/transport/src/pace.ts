/**
 * Lets one through at a time, with a pause between two that come together. A TLS handshake with its proofs costs the event
 * loop milliseconds; many that begin at once would hold up everybody who is being served. The time is the machine's own
 * and no peer's, so no clock is asked.
 */
export class Pace {
  readonly #gapMs: number;
  readonly #waiting: (() => void)[] = [];
  #resting = false;

  /** @param gapMs least time from one to the next */
  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#resting) this.#next();
    });
  }

  #next = (): void => {
    this.#resting = this.#waiting.length > 0;
    this.#waiting.shift()?.();
    if (this.#resting) setTimeout(this.#next, this.#gapMs);
  };
}
