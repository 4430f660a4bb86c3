/** Strict DER reader, as much as X.509 needs: definite minimal lengths, low tag numbers, no leftovers. */
import { MalformedError } from '../malformed.ts';

export interface DerElement {
  /** Identifier octet: class, constructed bit and tag number. */
  readonly tag: number;
  /** Content octets; a view. */
  readonly content: Uint8Array;
  /** Identifier, length and content; a view. */
  readonly raw: Uint8Array;
}

/** The bytes are not DER of the shape asked for. */
export class DerError extends MalformedError {}

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** Walks the elements inside one content. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Tag of the next element, undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** @throws {DerError} nothing left, long-form tag, indefinite or non-minimal length, length beyond the end */
  next(): DerElement {
    const start = this.#at;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw new DerError('long-form tag');
    let length = this.#byte();
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3) throw new DerError('length form');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError('length is not minimal');
    }
    const contentStart = this.#at;
    const end = contentStart + length;
    if (end > this.#bytes.length) throw new DerError('length beyond the end');
    this.#at = end;
    return { tag, content: this.#bytes.subarray(contentStart, end), raw: this.#bytes.subarray(start, end) };
  }

  /** The next element, which must have this tag. */
  take(tag: number): DerElement {
    if (this.nextTag !== tag) throw new DerError(`expected tag ${tag}, found ${this.nextTag ?? 'the end'}`);
    return this.next();
  }

  /** Content of the next element, which must have this tag, as a reader of its own. */
  enter(tag: number): DerReader {
    return new DerReader(this.take(tag).content);
  }

  /** Nothing may be left. */
  end(): void {
    if (!this.done) throw new DerError('trailing bytes');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new DerError('truncated');
    this.#at++;
    return byte;
  }
}

/** Dotted text of an OBJECT IDENTIFIER's content. */
export function readOid(content: Uint8Array): string {
  const last = content.at(-1);
  if (last === undefined || last >= 0x80) throw new DerError('object identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if (arc === 0 && byte === 0x80) throw new DerError('object identifier is not minimal');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerError('object identifier arc too large');
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const first = arcs[0] as number; // there is one: the last byte ended an arc
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...arcs.slice(1)].join('.');
}

/** A BOOLEAN's content; DER writes true as 0xff. */
export function readBoolean(content: Uint8Array): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError('boolean');
  return content[0] === 0xff;
}

/** A non-negative INTEGER's content without its leading zero. */
export function readUnsigned(content: Uint8Array): Uint8Array {
  const [first, second] = content;
  if (first === undefined || first >= 0x80) throw new DerError('negative integer');
  if (first !== 0 || content.length === 1) return content;
  if ((second ?? 0) < 0x80) throw new DerError('integer is not minimal');
  return content.subarray(1);
}

/** A small non-negative INTEGER or ENUMERATED. */
export function readNumber(content: Uint8Array): number {
  const bytes = readUnsigned(content);
  if (bytes.length > 4) throw new DerError('number too large');
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** A BIT STRING of whole bytes. */
export function readBits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError('bit string with unused bits');
  return content.subarray(1);
}

/** UTCTime (years 1950–2049) or GeneralizedTime, both ending in Z with seconds. @returns ms since the epoch */
export function readTime({ tag, content }: DerElement): number {
  const text = String.fromCharCode(...content.subarray(0, 16));
  if (tag !== Tag.utcTime && tag !== Tag.generalizedTime) throw new DerError('time');
  const yearDigits = tag === Tag.utcTime ? 2 : 4;
  if (!/^\d+Z$/.test(text) || text.length !== yearDigits + 11) throw new DerError('time');
  const number = (from: number, length: number) => Number(text.slice(from, from + length));
  const shortYear = number(0, yearDigits);
  const year = yearDigits === 4 ? shortYear : shortYear + (shortYear < 50 ? 2000 : 1900);
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((at) => number(yearDigits + at, 2)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(ms);
  const same = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour;
  if (!same || back.getUTCMinutes() !== minute || back.getUTCSeconds() !== second) throw new DerError('time');
  return ms;
}
