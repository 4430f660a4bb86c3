/** Turns tokens into text as they come: whole characters only, and nothing that a stop string may still swallow. */
import { StringDecoder } from 'node:string_decoder';

export class TextStream {
  readonly #decoder = new StringDecoder('utf8');
  readonly #stops: readonly string[];
  #held = '';

  /** @param stops non-empty strings; the text ends before the first that appears */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** @returns text that is final, possibly empty, and whether a stop string ended it */
  push(bytes: Buffer): { readonly text: string; readonly stopped: boolean } {
    this.#held += this.#decoder.write(bytes);
    let cut = -1;
    for (const stop of this.#stops) {
      const at = this.#held.indexOf(stop);
      if (at >= 0 && (cut < 0 || at < cut)) cut = at;
    }
    if (cut >= 0) {
      const text = this.#held.slice(0, cut);
      this.#held = '';
      return { text, stopped: true };
    }
    const safe = this.#held.length - this.#suspects();
    const text = this.#held.slice(0, safe);
    this.#held = this.#held.slice(safe);
    return { text, stopped: false };
  }

  /** The rest, when the answer ends by itself; an unfinished character becomes U+FFFD. */
  end(): string {
    const text = this.#held + this.#decoder.end();
    this.#held = '';
    return text;
  }

  /** Length of the longest end of the held text that begins a stop string. */
  #suspects(): number {
    let most = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > most; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) most = length;
      }
    }
    return most;
  }
}
