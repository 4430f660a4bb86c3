/** Cursors over TL bytes: the basic types of the serialization, each with one encoding. Source: tl/TlObject of TON. */
import { isUtf8 } from 'node:buffer';
import { WireError } from './errors.ts';

const scratch = new DataView(new ArrayBuffer(8));

/** Lengths from which `bytes` and `string` take a longer length prefix: 1, 4 or 8 bytes. */
const LONG_LENGTH = 254;
const HUGE_LENGTH = 1 << 24;
/** Longest text that is looked at character by character. */
const SHORT_TEXT = 40;
const TRUE = 0x997275b5;
const FALSE = 0xbc799737;

/** Bytes that a `bytes` value of `length` takes: prefix, data and zeros up to a multiple of four. */
export function paddedSize(length: number): number {
  return prefixSize(length) + length + paddingSize(length);
}

/**
 * Bytes that a `string` value takes. @throws {TypeError} for half a surrogate pair, which has no UTF-8
 */
export function textSize(text: string): number {
  return paddedSize(isShortAscii(text) ? text.length : utf8Length(text));
}

function utf8Length(text: string): number {
  if (!text.isWellFormed()) throw new TypeError('a string with half a surrogate pair has no UTF-8');
  return Buffer.byteLength(text);
}

/** Most text is names and numbers; a loop over so few characters costs less than one call out of JavaScript. */
function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** By length and not by position: a message written inside another starts anywhere. */
function paddingSize(length: number): number {
  return -(prefixSize(length) + length) & 3;
}

function prefixSize(length: number): number {
  return length < LONG_LENGTH ? 1 : length < HUGE_LENGTH ? 4 : 8;
}

/**
 * Reads basic values one after the other. Never reads past `bytes`, never allocates by what a peer announces.
 * Every method throws {@link WireError}: `WIRE_TRUNCATED` where the bytes end too early, `WIRE_BAD_VALUE` for a value that
 * we would not write that way.
 */
export class Reader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Moves over `size` bytes. @returns where they start */
  skip(size: number): number {
    const start = this.at;
    if (size > this.bytes.length - start) {
      throw new WireError('WIRE_TRUNCATED', `${size} bytes wanted, ${this.bytes.length - start} left`, {
        wanted: size,
      });
    }
    this.at = start + size;
    return start;
  }

  int32(): number {
    const at = this.skip(4);
    const bytes = this.bytes;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** `#`: its top bit must be clear. */
  flags(): number {
    const flags = this.int32();
    if (flags < 0) throw new WireError('WIRE_BAD_VALUE', 'the top bit of a # is set');
    return flags;
  }

  int64(): bigint {
    scratch.setInt32(0, this.int32(), true);
    scratch.setInt32(4, this.int32(), true);
    return scratch.getBigInt64(0, true);
  }

  bool(): boolean {
    const tag = this.uint32();
    if (tag === TRUE) return true;
    if (tag === FALSE) return false;
    throw new WireError('WIRE_UNKNOWN_TAG', 'neither boolTrue nor boolFalse', { tag });
  }

  /** NaN is refused: it has many encodings and no meaning as a time. */
  double(): number {
    scratch.setInt32(0, this.int32(), true);
    scratch.setInt32(4, this.int32(), true);
    const value = scratch.getFloat64(0, true);
    if (Number.isNaN(value)) throw new WireError('WIRE_BAD_VALUE', 'a double is NaN');
    return value;
  }

  /** @returns a view of `size` bytes, not a copy */
  raw(size: number): Buffer {
    const start = this.skip(size);
    return this.bytes.subarray(start, start + size);
  }

  string(): string {
    const length = this.#length();
    const start = this.skip(length);
    const text = this.bytes.toString('utf8', start, this.at);
    // U+FFFD is what the decoder writes for a broken sequence, and what it reads from EF BF BD
    if (text.includes('\ufffd') && !isUtf8(this.bytes.subarray(start, this.at))) {
      throw new WireError('WIRE_BAD_VALUE', 'a string is not UTF-8', { size: length });
    }
    this.#padding(length);
    return text;
  }

  /** @returns a view, not a copy */
  data(): Buffer {
    const length = this.#length();
    const data = this.raw(length);
    this.#padding(length);
    return data;
  }

  /** A length that would fit a shorter prefix is refused, as is padding other than zero: nobody writes either. */
  #length(): number {
    const first = this.bytes[this.skip(1)]!;
    if (first < LONG_LENGTH) return first;
    const wide = first === 255;
    const at = this.skip(wide ? 7 : 3);
    const length = this.bytes.readUIntLE(at, wide ? 6 : 3) + (wide ? this.bytes[at + 6]! * 2 ** 48 : 0);
    if (length < (wide ? HUGE_LENGTH : LONG_LENGTH)) {
      throw new WireError('WIRE_BAD_VALUE', 'a length has a longer prefix than it needs', { size: length });
    }
    return length;
  }

  #padding(length: number): void {
    for (let at = this.skip(paddingSize(length)); at < this.at; at++) {
      if (this.bytes[at] !== 0) throw new WireError('WIRE_BAD_VALUE', 'padding is not zero');
    }
  }
}

/**
 * Writes basic values one after the other into a buffer whose size was computed before. A value that its type cannot
 * hold is our own mistake: `RangeError` or `TypeError`.
 */
export class Writer {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`not an int: ${value}`);
    this.#word(value);
  }

  uint32(value: number): void {
    this.#word(value | 0);
  }

  flags(value: number): void {
    if ((value | 0) !== value || value < 0) throw new RangeError(`not a #: ${value}`);
    this.#word(value);
  }

  int64(value: bigint): void {
    scratch.setBigInt64(0, value, true);
    if (scratch.getBigInt64(0, true) !== value) throw new RangeError(`not a long: ${value}`);
    this.#scratch();
  }

  double(value: number): void {
    if (typeof value !== 'number' || Number.isNaN(value)) throw new RangeError(`not a double: ${value}`);
    scratch.setFloat64(0, value, true);
    this.#scratch();
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw new TypeError(`not a Bool: ${value}`);
    this.#word(value ? TRUE : FALSE);
  }

  raw(value: Uint8Array, size: number): void {
    if (!(value instanceof Uint8Array)) throw new TypeError('not bytes');
    if (value.length !== size) throw new RangeError(`${value.length} bytes given for an int${size * 8}`);
    this.bytes.set(value, this.at);
    this.at += size;
  }

  string(value: string): void {
    const { bytes } = this;
    const short = isShortAscii(value);
    const length = short ? value.length : Buffer.byteLength(value);
    this.prefix(length);
    if (short) for (let i = 0; i < length; i++) bytes[this.at + i] = value.charCodeAt(i);
    else bytes.write(value, this.at);
    this.at += length;
    this.padding(length);
  }

  data(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new TypeError('not bytes'); // a string would be written as zeros
    this.prefix(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
    this.padding(value.length);
  }

  /** What precedes `length` bytes of data; {@link Writer.padding} follows them. */
  prefix(length: number): void {
    if (length < LONG_LENGTH) {
      this.bytes[this.at++] = length;
    } else if (length < HUGE_LENGTH) {
      this.#word(LONG_LENGTH | (length << 8));
    } else {
      this.bytes[this.at] = 255;
      this.bytes.writeUIntLE(length, this.at + 1, 6);
      this.bytes[this.at + 7] = 0;
      this.at += 8;
    }
  }

  padding(length: number): void {
    for (let left = paddingSize(length); left > 0; left--) this.bytes[this.at++] = 0;
  }

  #word(value: number): void {
    const { bytes, at } = this;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
    this.at = at + 4;
  }

  #scratch(): void {
    this.#word(scratch.getInt32(0, true));
    this.#word(scratch.getInt32(4, true));
  }
}
