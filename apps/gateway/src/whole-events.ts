/**
 * Keeps the start of a server-sent event back until its end is there. Nobody can use half an event, and where the answer
 * is cut inside one, a reader would take what had come of it for an event of its own, before the one that tells the error.
 */
const LF = 0x0a;
const EMPTY: Buffer = Buffer.alloc(0);
/** Of the start of an event that is kept; a longer one passes as it comes. */
const MAX_EVENT_BYTES = 65_536;

export class WholeEvents {
  #held: Buffer = EMPTY;
  #isTorn = false;

  /** Whether the start of an event has passed that was too long to be kept, and its end has not been seen yet. */
  get isTorn(): boolean {
    return this.#isTorn;
  }

  /** @returns what passes now: the chunk itself where it ends with an event, as it does almost always */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = lastEventEnd(bytes);
    if (end > 0) this.#isTorn = false;
    if (end === bytes.length) {
      this.#held = EMPTY;
      return bytes;
    }
    if (this.#isTorn || bytes.length - end > MAX_EVENT_BYTES) {
      this.#isTorn = true;
      this.#held = EMPTY;
      return bytes;
    }
    this.#held = Buffer.from(bytes.subarray(end)); // a copy, so that a small rest does not keep a large chunk alive
    return bytes.subarray(0, end);
  }

  /** The stream is over, and whole. @returns what was still held */
  end(): Buffer {
    const held = this.#held;
    this.#held = EMPTY;
    return held;
  }
}

/** @returns where the last event that is complete ends: behind an empty line; 0 if none is */
function lastEventEnd(bytes: Buffer): number {
  const { length } = bytes;
  if (bytes[length - 1] === LF && bytes[length - 2] === LF) return length;
  const [bare, withCr] = [bytes.lastIndexOf('\n\n'), bytes.lastIndexOf('\n\r\n')];
  return Math.max(bare < 0 ? 0 : bare + 2, withCr < 0 ? 0 : withCr + 3);
}
