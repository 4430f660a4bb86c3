/**
 * Counts tokens in the body of an answer while it passes: server-sent events (`data:` lines, CR, LF or CRLF, comments,
 * data over several lines, `[DONE]`), JSON values one after another, or one JSON document of any size; cut anywhere.
 * Every byte is looked at once and none is kept.
 */
import { JsonMeter } from './json-meter.ts';
import type { Usage } from './price.ts';

const State = { LineStart: 0, Field: 1, AfterColon: 2, Data: 3, OtherLine: 4, BareValue: 5 } as const;
type State = (typeof State)[keyof typeof State];

const LF = 0x0a;
const CR = 0x0d;
const DATA = Buffer.from('data:');

export class UsageScanner {
  readonly #meter = new JsonMeter();
  #state: State = State.LineStart;
  #matched = 0; // bytes of `data:` seen
  #afterCr = false;

  /** The largest counts seen so far; undefined until the first. A server that repeats its usage in every chunk
   * (vLLM's `continuous_usage_stats`) makes this exact at any moment. */
  get usage(): Usage | undefined {
    return this.#meter.usage;
  }

  /** Events or JSON values that carried output: at least one completion token each. */
  get deliveredChunks(): number {
    return this.#meter.delivered;
  }

  /**
   * What to bill for an answer that ended here. Without a usage (time-out, cancel, broken stream) a lower bound:
   * one completion token per delivered chunk, nothing for the prompt.
   */
  get billable(): Usage {
    return (
      this.usage ?? { promptTokens: 0, cachedTokens: 0, completionTokens: this.deliveredChunks, reasoningTokens: 0 }
    );
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case State.LineStart:
          at = this.#startLine(chunk, at);
          break;
        case State.Field:
          at = this.#readField(chunk, at);
          break;
        case State.AfterColon:
          if (chunk[at] === 0x20) at++;
          this.#state = State.Data;
          break;
        case State.Data: {
          const end = lineEnd(chunk, at);
          this.#meter.read(chunk, at, end, false);
          at = this.#endLine(chunk, end);
          break;
        }
        case State.OtherLine:
          at = this.#endLine(chunk, lineEnd(chunk, at));
          break;
        default: // BareValue
          at = this.#meter.read(chunk, at, chunk.length, true);
          if (this.#meter.between) this.#state = State.LineStart;
      }
    }
  }

  /** The first byte of a line tells what the line is. Two line ends in a row end an event. */
  #startLine(chunk: Uint8Array, from: number): number {
    const byte = chunk[from]!;
    const secondHalf = byte === LF && this.#afterCr;
    this.#afterCr = byte === CR;
    if (byte === LF || byte === CR) {
      if (!secondHalf) this.#meter.abandon(); // a whole value has ended itself
      return from + 1;
    }
    if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
      this.#meter.abandon();
      this.#state = State.BareValue;
      return from;
    }
    if (byte === 0x20 || byte === 0x09) return from + 1;
    if (byte === 0xef || byte === 0xbb || byte === 0xbf) return from + 1; // byte order mark
    this.#matched = 0;
    this.#state = State.Field;
    return from;
  }

  #readField(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && this.#matched < DATA.length && chunk[at] === DATA[this.#matched]) {
      at++;
      this.#matched++;
    }
    if (this.#matched === DATA.length) this.#state = State.AfterColon;
    else if (at < chunk.length) this.#state = State.OtherLine;
    return at;
  }

  #endLine(chunk: Uint8Array, end: number): number {
    if (end === chunk.length) return end;
    this.#afterCr = chunk[end] === CR;
    this.#state = State.LineStart;
    return end + 1;
  }
}

/** Position of the first CR or LF, or the length. */
function lineEnd(chunk: Uint8Array, from: number): number {
  const lf = chunk.indexOf(LF, from);
  const end = lf < 0 ? chunk.length : lf;
  // A JSON line has no CR inside; look only at what may be one.
  for (let at = from; at < end; at++) if (chunk[at] === CR) return at;
  return end;
}
