/**
 * Reads JSON values byte by byte and keeps only what billing needs: the counters of `usage`, and whether a value
 * carried output. No tree, no strings, no second look: memory does not depend on the input, and a value may be cut
 * anywhere. It measures JSON, it does not validate it; on nonsense it counts nothing or what it recognised.
 *
 * Understood: `usage` at the top (chat, completions, embeddings) and `response.usage` (Responses API); `choices` with
 * deltas, texts or messages; a `delta` string at the top (Responses API events).
 */
import type { Usage } from './price.ts';

/** A larger count is taken for nonsense: the range of a TL `int`. */
const MAX_COUNT = 0x7fff_ffff;

/** Where the reader is. Containers without meaning for billing are all `Skipped`. */
const Place = {
  Outside: 0,
  Top: 1,
  Response: 2,
  Usage: 3,
  InputDetails: 4,
  OutputDetails: 5,
  Choices: 6,
  Choice: 7,
  Message: 8,
  Skipped: 9,
} as const;
type Place = (typeof Place)[keyof typeof Place];

const State = { Between: 0, Key: 1, KeyEscape: 2, String: 3, StringEscape: 4, Number: 5 } as const;
type State = (typeof State)[keyof typeof State];

// Keys are told apart by FNV-1a over their bytes. The server that could find a collision can name any count anyway.
const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

function keyHash(name: string): number {
  let hash = FNV_BASIS;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}

const USAGE = keyHash('usage');
const RESPONSE = keyHash('response');
const CHOICES = keyHash('choices');
const DELTA = keyHash('delta');
const MESSAGE = keyHash('message');
const TEXT = keyHash('text');
const PROMPT_TOKENS = keyHash('prompt_tokens');
const INPUT_TOKENS = keyHash('input_tokens');
const PROMPT_DETAILS = keyHash('prompt_tokens_details');
const INPUT_DETAILS = keyHash('input_tokens_details');
const COMPLETION_TOKENS = keyHash('completion_tokens');
const OUTPUT_TOKENS = keyHash('output_tokens');
const COMPLETION_DETAILS = keyHash('completion_tokens_details');
const OUTPUT_DETAILS = keyHash('output_tokens_details');
const CACHED_TOKENS = keyHash('cached_tokens');
const REASONING_TOKENS = keyHash('reasoning_tokens');

/** Members of a message or delta that are output of the model when they are not empty. */
const OUTPUT_KEYS = new Set(
  ['content', 'reasoning_content', 'reasoning', 'refusal', 'tool_calls', 'function_call'].map(keyHash),
);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

export class JsonMeter {
  /** Values that ended and carried output of the model. */
  delivered = 0;

  readonly #counts = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  #counted = false;
  #state: State = State.Between;
  readonly #outer: Place[] = []; // at most six deep: only places with a meaning nest
  #place: Place = Place.Outside;
  #skipped = 0; // containers open inside the one being skipped
  #keyNext = false;
  #key = 0; // hash of the key being read, then of the last one
  #hasOutput = false;
  #probing = false; // an output member opened: is there anything in it?
  #number = 0;

  /** The largest counts seen so far; undefined until a `usage` with one valid count arrived. */
  get usage(): Usage | undefined {
    return this.#counted ? { ...this.#counts } : undefined;
  }

  /** No value is open. */
  get between(): boolean {
    return this.#place === Place.Outside;
  }

  /** Forgets a value that will not be continued; the counts stay. */
  abandon(): void {
    this.#state = State.Between;
    this.#outer.length = 0;
    this.#place = Place.Outside;
    this.#hasOutput = false;
    this.#probing = false;
  }

  /**
   * Reads `bytes[from, to)`. Outside a value everything but `{` and `[` is ignored.
   * @param stopAfterValue return as soon as the outermost value ends
   * @returns the position after the last byte read
   */
  read(bytes: Uint8Array, from: number, to: number, stopAfterValue: boolean): number {
    let at = from;
    while (at < to) {
      switch (this.#state) {
        case State.Between: {
          const byte = bytes[at++]!;
          if (this.#place === Place.Skipped) {
            this.#readSkipped(byte);
            break;
          }
          if (byte <= 0x20) break;
          this.#readMark(byte);
          if (stopAfterValue && this.#place === Place.Outside) return at;
          break;
        }
        case State.String:
          at = this.#readString(bytes, at, to);
          break;
        case State.Key:
          at = this.#readKey(bytes, at, to);
          break;
        case State.Number:
          at = this.#readNumber(bytes, at, to);
          break;
        case State.KeyEscape: // no known name has one: spoil the hash
          this.#key = ~this.#key;
          this.#state = State.Key;
          at++;
          break;
        default: // StringEscape; the digits after \u are ordinary bytes
          this.#state = State.String;
          at++;
      }
    }
    return at;
  }

  /** One byte between the tokens of a container without meaning. */
  #readSkipped(byte: number): void {
    if (this.#probing && byte > 0x20) {
      this.#probing = false;
      if (byte !== CLOSE_BRACE && byte !== CLOSE_BRACKET) this.#hasOutput = true;
    }
    if (byte === QUOTE) this.#state = State.String;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#skipped++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (this.#skipped > 0) this.#skipped--;
      else this.#leave();
    }
  }

  /** One visible byte between the tokens of a place with a meaning. */
  #readMark(byte: number): void {
    if (byte === QUOTE) {
      if (this.#place === Place.Outside) return;
      this.#state = this.#keyNext ? State.Key : State.String;
      if (this.#keyNext) this.#key = FNV_BASIS;
      else this.#probing = this.#isOutput();
    } else if (byte === 0x2c /* , */) this.#keyNext = this.#place !== Place.Choices && this.#place !== Place.Outside;
    else if (byte === 0x3a /* : */) this.#keyNext = false;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#enter(byte);
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (this.#place !== Place.Outside) this.#leave();
    } else if (!this.#keyNext && this.#place >= Place.Usage && this.#place <= Place.OutputDetails) {
      this.#number = 0;
      this.#state = State.Number;
      this.#digit(byte);
    }
  }

  #readString(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    if (this.#probing) {
      this.#probing = false;
      if (bytes[at] !== QUOTE) this.#hasOutput = true;
    }
    for (; at < to; at++) {
      const byte = bytes[at]!;
      if (byte !== QUOTE && byte !== BACKSLASH) continue;
      this.#state = byte === QUOTE ? State.Between : State.StringEscape;
      return at + 1;
    }
    return at;
  }

  #readKey(bytes: Uint8Array, from: number, to: number): number {
    let hash = this.#key;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE || byte === BACKSLASH) {
        this.#key = hash;
        this.#state = byte === QUOTE ? State.Between : State.KeyEscape;
        return at + 1;
      }
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    this.#key = hash;
    return to;
  }

  /** A count, or a word in its place. Taken over only when its end is seen: a cut number is no number. */
  #readNumber(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    for (; at < to; at++) {
      const byte = bytes[at]!;
      if (byte <= 0x20 || byte === 0x2c || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (!Number.isNaN(this.#number)) this.#count(this.#number);
        this.#state = State.Between;
        return at; // the mark itself is read there
      }
      this.#digit(byte);
    }
    return at;
  }

  /** Signs, fractions, exponents, words and too large numbers turn the count into NaN. */
  #digit(byte: number): void {
    const next = this.#number * 10 + (byte - 0x30);
    this.#number = byte >= 0x30 && byte <= 0x39 && next <= MAX_COUNT ? next : Number.NaN;
  }

  #count(value: number): void {
    const field = this.#counter();
    if (!field) return;
    this.#counted = true;
    if (value > this.#counts[field]) this.#counts[field] = value;
  }

  #counter(): keyof Usage | undefined {
    const key = this.#key;
    switch (this.#place) {
      case Place.Usage:
        if (key === PROMPT_TOKENS || key === INPUT_TOKENS) return 'promptTokens';
        if (key === COMPLETION_TOKENS || key === OUTPUT_TOKENS) return 'completionTokens';
        return key === REASONING_TOKENS ? 'reasoningTokens' : undefined;
      case Place.InputDetails:
        return key === CACHED_TOKENS ? 'cachedTokens' : undefined;
      default:
        return key === REASONING_TOKENS ? 'reasoningTokens' : undefined;
    }
  }

  #enter(byte: number): void {
    const inside = this.#inside(byte === OPEN_BRACE);
    if (inside === Place.Skipped) {
      this.#skipped = 0;
      this.#probing = this.#place === Place.Message && OUTPUT_KEYS.has(this.#key);
    }
    this.#outer.push(this.#place);
    this.#place = inside;
    this.#keyNext = inside !== Place.Choices;
  }

  /** What the container that opens here means. */
  #inside(object: boolean): Place {
    const key = this.#key;
    switch (this.#place) {
      case Place.Outside:
        return object ? Place.Top : Place.Skipped;
      case Place.Top:
        if (key === CHOICES && !object) return Place.Choices;
        if (key === USAGE && object) return Place.Usage;
        return key === RESPONSE && object ? Place.Response : Place.Skipped;
      case Place.Response:
        return key === USAGE && object ? Place.Usage : Place.Skipped;
      case Place.Usage:
        if (!object) return Place.Skipped;
        if (key === PROMPT_DETAILS || key === INPUT_DETAILS) return Place.InputDetails;
        return key === COMPLETION_DETAILS || key === OUTPUT_DETAILS ? Place.OutputDetails : Place.Skipped;
      case Place.Choices:
        return object ? Place.Choice : Place.Skipped;
      case Place.Choice:
        return object && (key === DELTA || key === MESSAGE) ? Place.Message : Place.Skipped;
      default:
        return Place.Skipped;
    }
  }

  /** Whether the string that starts here is output of the model. */
  #isOutput(): boolean {
    switch (this.#place) {
      case Place.Top:
        return this.#key === DELTA;
      case Place.Choice:
        return this.#key === TEXT;
      case Place.Message:
        return OUTPUT_KEYS.has(this.#key);
      default:
        return false;
    }
  }

  #leave(): void {
    this.#place = this.#outer.pop() ?? Place.Outside;
    this.#keyNext = false; // a comma comes first
    this.#probing = false;
    if (this.#place !== Place.Outside) return;
    if (this.#hasOutput) this.delivered++;
    this.#hasOutput = false;
  }
}
