/**
 * Byte-level BPE as of GPT-2, with the vocabulary and merges of a GGUF file. Text is cut into words, a word into its
 * UTF-8 bytes, and the pair of neighbours that was merged first in training is joined until none is left.
 */
import { EngineError } from './errors.ts';
import type { Gguf } from './gguf.ts';

/** GPT-2's words, with single digits: this vocabulary has no merge that contains a digit. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const CONTROL = 3; // ggml's token type of markers such as <|end|>
const CACHED_WORDS = 8_192;
const LONGEST_CACHED_WORD = 32;

/** Markers of a conversation. */
export interface ChatMarkers {
  readonly user: number;
  readonly assistant: number;
}

interface Merge {
  readonly rank: number;
  readonly merged: number;
}

export class Tokenizer {
  readonly size: number;
  readonly bos: number;
  /** Ends an answer and every message. */
  readonly eos: number;
  readonly markers: ChatMarkers;
  /** Ids of all markers: never the outcome of `encode`, so that a user's text cannot forge one. */
  readonly control: readonly number[];
  /** Bytes of the longest token. */
  readonly longestToken: number;
  readonly #bytesOf: readonly Buffer[];
  readonly #idOfByte: readonly number[];
  /** By left * size + right. */
  readonly #merges = new Map<number, Merge>();
  readonly #cache = new Map<string, readonly number[]>();

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` for another tokenizer, or a vocabulary without bytes or markers */
  constructor(file: Gguf) {
    if (file.string('tokenizer.ggml.model') !== 'gpt2') throw unsupported('it is not a byte-level BPE');
    const tokens = file.strings('tokenizer.ggml.tokens');
    const types = file.numbers('tokenizer.ggml.token_type');
    this.size = tokens.length;
    const ids = new Map(tokens.map((token, id) => [token, id]));
    const idOf = (token: string) => ids.get(token) ?? raise(`it has no ${JSON.stringify(token)}`);
    const alphabet = byteAlphabet();
    const byteOf = new Map(alphabet.map((character, byte) => [character, byte]));
    this.control = tokens.flatMap((_, id) => (types[id] === CONTROL ? [id] : []));
    this.#bytesOf = tokens.map((token, id) =>
      types[id] === CONTROL
        ? Buffer.from(token)
        : Buffer.from(Array.from(token, (character) => byteOf.get(character) ?? raise('a token is not made of bytes'))),
    );
    this.longestToken = this.#bytesOf.reduce((most, bytes) => Math.max(most, bytes.length), 1);
    this.#idOfByte = alphabet.map(idOf);
    for (const [rank, pair] of file.strings('tokenizer.ggml.merges').entries()) {
      const [left = '', right = ''] = pair.split(' ');
      this.#merges.set(idOf(left) * this.size + idOf(right), { rank, merged: idOf(left + right) });
    }
    this.bos = this.#marker(file.number('tokenizer.ggml.bos_token_id'));
    this.eos = this.#marker(file.number('tokenizer.ggml.eos_token_id'));
    this.markers = { user: this.#marker(idOf('<|user|>')), assistant: this.#marker(idOf('<|assistant|>')) };
  }

  /** Tokens of `text`; never a marker. Lone surrogates become U+FFFD. */
  encode(text: string): number[] {
    const out: number[] = [];
    for (const [word] of text.matchAll(WORD)) {
      for (const id of this.#encodeWord(word)) out.push(id);
    }
    return out;
  }

  /** The bytes of a token, a view: a character may span tokens. @throws {RangeError} outside the vocabulary */
  bytes(id: number): Buffer {
    const bytes = this.#bytesOf[id];
    if (!bytes) throw new RangeError(`no token ${id}`);
    return bytes;
  }

  /** Inverse of {@link encode}. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string {
    return Buffer.concat(ids.map((id) => this.bytes(id))).toString('utf8');
  }

  #marker(id: number): number {
    if (!this.control.includes(id)) throw unsupported(`token ${id} is not a marker`);
    return id;
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known) return known;
    const ids = this.#merge(Array.from(Buffer.from(word), (byte) => this.#idOfByte[byte]!));
    if (word.length <= LONGEST_CACHED_WORD) {
      if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
      this.#cache.set(word, ids);
    }
    return ids;
  }

  /** Joins all places of the earliest pair at once, so the passes are bounded by the merges and not by the length. */
  #merge(ids: number[]): number[] {
    for (;;) {
      let best: Merge | undefined;
      let bestPair = -1;
      for (let i = 0; i + 1 < ids.length; i++) {
        const pair = ids[i]! * this.size + ids[i + 1]!;
        if (pair === bestPair) continue;
        const merge = this.#merges.get(pair);
        if (merge && (!best || merge.rank < best.rank)) {
          best = merge;
          bestPair = pair;
        }
      }
      if (!best) return ids;
      let length = 0;
      for (let i = 0; i < ids.length; i++) {
        const joins = i + 1 < ids.length && ids[i]! * this.size + ids[i + 1]! === bestPair;
        ids[length++] = joins ? best.merged : ids[i]!;
        if (joins) i++;
      }
      ids.length = length;
    }
  }
}

/** GPT-2's printable stand-ins for the 256 bytes: themselves where visible, else U+0100 and up in order. */
function byteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(visible ? byte : next++);
  });
}

function raise(why: string): never {
  throw unsupported(why);
}

function unsupported(why: string): EngineError {
  return new EngineError('ENGINE_MODEL_UNSUPPORTED', `cannot use this model's tokenizer: ${why}`);
}
