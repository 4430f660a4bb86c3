/** Reading little-endian records, and bytes as hex. No length is trusted before it is compared with what is left. */
import { MalformedError } from './malformed.ts';

/** Walks a record. What it gives out are views of the input. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws {MalformedError} fewer than `length` bytes are left */
  take(length: number): Uint8Array {
    if (length > this.left)
      throw new MalformedError(`truncated: ${length} bytes wanted at ${this.#at}, ${this.left} left`);
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#skip(8), true);
  }

  /** @throws {MalformedError} something is left */
  end(): void {
    if (this.left > 0) throw new MalformedError(`${this.left} bytes too many`);
  }

  #skip(length: number): number {
    this.take(length);
    return this.#at - length;
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function allZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Lower case. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Either case. @param size bytes wanted, any if undefined. @throws {MalformedError} */
export function fromHex(text: string, size?: number): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new MalformedError('not hexadecimal');
  if (size !== undefined && text.length !== 2 * size) throw new MalformedError(`${text.length / 2} bytes, not ${size}`);
  const bytes = new Uint8Array(text.length / 2); // revocation lists come in hex: a callback per byte would show
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = 16 * digit(text.charCodeAt(2 * i)) + digit(text.charCodeAt(2 * i + 1));
  return bytes;
}

/** Of a hexadecimal character. */
function digit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

/** Standard alphabet with padding, white space allowed between lines. @throws {MalformedError} */
export function fromBase64(text: string): Uint8Array {
  const plain = text.replace(/\s+/g, '');
  if (plain.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) throw new MalformedError('not base64');
  const binary = atob(plain);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
