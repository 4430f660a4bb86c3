/** A wait that can be cut short, also before it begins. */
import type { Clock } from '@bombyx/base';

export class Pause {
  readonly #clock: Clock;
  #isOver = false;
  #end: (() => void) | undefined;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** Resolves after `ms`, when {@link end} is called (or was since the last pause), or when `signal` aborts. */
  async begin(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isOver && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(ms, resolve);
        this.#end = () => {
          cancel();
          resolve();
        };
        signal.addEventListener('abort', this.#end, { once: true });
      });
      if (this.#end) signal.removeEventListener('abort', this.#end);
      this.#end = undefined;
    }
    this.#isOver = false;
  }

  end(): void {
    this.#isOver = true;
    this.#end?.();
  }
}
