import type { Random } from './ports.ts';

/** 128 request ids. One call for each costs 16 to 30 µs, more than all else that client or proxy do for a request. */
const DRAW_BYTES = 4_096;

/** Draws from `source` in advance and hands out every byte once. For ids, nonces and choices; keys are drawn for themselves. */
export class RandomPool implements Random {
  readonly #source: Random;
  #left: Buffer = Buffer.alloc(0);

  constructor(source: Random) {
    this.#source = source;
  }

  /** @returns a view into memory that is not used again */
  bytes(size: number): Buffer {
    if (size > DRAW_BYTES) return Buffer.from(this.#source.bytes(size));
    if (this.#left.length < size) this.#left = Buffer.from(this.#source.bytes(DRAW_BYTES));
    const drawn = this.#left.subarray(0, size);
    this.#left = this.#left.subarray(size);
    return drawn;
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.bytes(4).readUInt32LE() / 2 ** 32;
  }
}
