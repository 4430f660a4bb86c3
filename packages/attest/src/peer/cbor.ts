/**
 * CBOR with one encoding for each value: definite lengths, shortest numbers, keys in bytewise order, no tags, no
 * floats. What signatures and hashes cover must not have two spellings. Source: RFC 8949 §4.2.1.
 */
import { decode, encode, rfc8949EncodeOptions, Tokenizer } from 'cborg';
import { equalBytes } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

export type CborValue =
  | string
  | number
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue | undefined };

/** Fields that are undefined are left out. */
export function encodeCanonical(value: CborValue): Uint8Array {
  return encode(value, { ...rfc8949EncodeOptions, ignoreUndefinedProperties: true });
}

/**
 * Inverse of {@link encodeCanonical}.
 * @param maxTokens values, keys and containers together: bounds depth and breadth, whatever the size
 * @throws {MalformedError} too large, not CBOR, or not the one encoding of what it says
 */
export function decodeCanonical(bytes: Uint8Array, maxBytes: number, maxTokens: number): unknown {
  if (bytes.length > maxBytes) throw new MalformedError(`${bytes.length} bytes, at most ${maxBytes}`);
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  let value: unknown;
  try {
    value = decode(plain, { ...strict, tokenizer: new CountingTokenizer(plain, maxTokens) });
  } catch (error) {
    throw new MalformedError(error instanceof Error ? error.message : 'not CBOR');
  }
  if (!equalBytes(encodeCanonical(value as CborValue), plain)) throw new MalformedError('CBOR is not deterministic');
  return value;
}

const strict = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
} as const;

class CountingTokenizer extends Tokenizer {
  #left: number;

  constructor(bytes: Uint8Array, most: number) {
    super(bytes, strict);
    this.#left = most;
  }

  override next(): ReturnType<Tokenizer['next']> {
    if (this.#left-- === 0) throw new MalformedError('too many CBOR values');
    return super.next();
  }
}

/** Takes the fields of a decoded map one by one; what nobody took is a fault. */
export class Fields {
  readonly #left: Map<string, unknown>;
  readonly #what: string;

  /** @param what names the map in messages. @throws {MalformedError} not a map */
  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      throw new MalformedError(`${what} is not a map`);
    this.#left = new Map(Object.entries(value));
    this.#what = what;
  }

  has(key: string): boolean {
    return this.#left.has(key);
  }

  /** @param most bytes; exactly so many when `least` is left out */
  bytes(key: string, most: number, least = most): Uint8Array {
    const value = this.#take(key);
    if (value instanceof Uint8Array && value.length >= least && value.length <= most) return value;
    throw this.#fault(key, least === most ? `${most} bytes` : `${least} to ${most} bytes`);
  }

  /** @param most UTF-8 bytes */
  text(key: string, most: number, least = 0): string {
    const value = this.#take(key);
    const size = typeof value === 'string' ? new TextEncoder().encode(value).length : -1;
    if (size >= least && size <= most) return value as string; // a size of its own only for strings
    throw this.#fault(key, `text of ${least} to ${most} bytes`);
  }

  textOrBytes(key: string, most: number): string | Uint8Array {
    return typeof this.#left.get(key) === 'string' ? this.text(key, most, 1) : this.bytes(key, most, 1);
  }

  uint(key: string): number {
    const value = this.#take(key);
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number; // checked right here
    throw this.#fault(key, 'a whole number');
  }

  list(key: string, most: number): readonly unknown[] {
    const value = this.#take(key);
    if (Array.isArray(value) && value.length <= most) return value;
    throw this.#fault(key, `a list of at most ${most}`);
  }

  /** @throws {MalformedError} fields are left that nobody knows */
  end(): void {
    for (const key of this.#left.keys()) throw this.#fault(key.slice(0, 32), 'absent: nobody knows it');
  }

  #take(key: string): unknown {
    const value = this.#left.get(key);
    this.#left.delete(key);
    return value;
  }

  #fault(key: string, wanted: string): MalformedError {
    return new MalformedError(`${this.#what}: ${JSON.stringify(key)} must be ${wanted}`);
  }
}
