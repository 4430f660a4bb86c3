import { isUtf8 } from 'node:buffer';
import { JsonError, type JsonErrorCode } from './errors.ts';

/** One member of the outermost object; offsets are bytes into the text it was found in. */
export interface Member {
  readonly name: string;
  /** Where the opening quote of the name stands. */
  readonly start: number;
  readonly valueStart: number;
  /** One past the last byte of the value. */
  readonly end: number;
}

const MAX_DEPTH = 512;
const MAX_MEMBERS = 4_096;

/**
 * Finds the members of a JSON object without building it, so that what is not ours can be passed on byte for byte.
 * The whole text is checked against RFC 8259; accepts exactly what `JSON.parse` does, within the bounds.
 * @throws {JsonError} with the byte position, never with text: not UTF-8, not one object, malformed, deeper than 512 or
 *   wider than 4,096 members
 */
export function membersOf(json: Buffer): Member[] {
  if (!isUtf8(json)) throw new JsonError('JSON_MALFORMED', 'not UTF-8 text');
  return new Scanner(json).topLevel();
}

/** The JSON value of a member. */
export function memberValue(json: Buffer, member: Member): unknown {
  return JSON.parse(json.toString('utf8', member.valueStart, member.end));
}

/**
 * Writes the object again without some members and with others appended. Kept members keep their bytes and order.
 * @param add names and values as JSON text
 */
export function splice(
  json: Buffer,
  members: readonly Member[],
  remove: ReadonlySet<string>,
  add: readonly string[],
): Buffer {
  const kept = members.filter((member) => !remove.has(member.name));
  if (kept.length === members.length && add.length === 0) return json;
  const pieces: Buffer[] = [];
  for (const member of kept) pieces.push(COMMA, json.subarray(member.start, member.end));
  for (const text of add) pieces.push(COMMA, Buffer.from(text));
  pieces[0] = OPEN; // instead of the first comma; `{` alone when nothing is left
  pieces.push(CLOSE);
  return Buffer.concat(pieces);
}

const OPEN = Buffer.from('{');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from('}');

/** Bytes of a string that need no thought: all but controls, quotes and backslashes. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x20 || byte === 0x22 || byte === 0x5c ? 0 : 1));

/** Recursive descent over bytes; depth is bounded, so the stack is. */
class Scanner {
  readonly #json: Buffer;
  #at = 0;

  constructor(json: Buffer) {
    this.#json = json;
  }

  topLevel(): Member[] {
    const members: Member[] = [];
    this.#space();
    this.#object(1, members);
    this.#space();
    if (this.#at < this.#json.length) this.#fail();
    return members;
  }

  #object(depth: number, members?: Member[]): void {
    this.#expect(0x7b);
    if (depth > MAX_DEPTH) this.#fail('nested too deep', 'JSON_TOO_DEEP');
    this.#space();
    if (this.#take(0x7d)) return;
    do {
      this.#space();
      const start = this.#at;
      const escaped = this.#string();
      const nameEnd = this.#at;
      this.#space();
      this.#expect(0x3a);
      this.#space();
      const valueStart = this.#at;
      this.#value(depth);
      if (members) {
        if (members.length === MAX_MEMBERS) this.#fail('too many members', 'JSON_TOO_WIDE');
        members.push({ name: this.#name(start, nameEnd, escaped), start, valueStart, end: this.#at });
      }
      this.#space();
    } while (this.#take(0x2c));
    this.#expect(0x7d);
  }

  /** Two spellings of one name are one name: a server behind us would read them so. */
  #name(start: number, end: number, escaped: boolean): string {
    if (escaped) return JSON.parse(this.#json.toString('utf8', start, end)) as string;
    return this.#json.toString('utf8', start + 1, end - 1);
  }

  #array(depth: number): void {
    this.#expect(0x5b);
    if (depth > MAX_DEPTH) this.#fail('nested too deep', 'JSON_TOO_DEEP');
    this.#space();
    if (this.#take(0x5d)) return;
    do {
      this.#space();
      this.#value(depth);
      this.#space();
    } while (this.#take(0x2c));
    this.#expect(0x5d);
  }

  #value(depth: number): void {
    switch (this.#json[this.#at]) {
      case 0x7b: // {
        this.#object(depth + 1);
        return;
      case 0x5b: // [
        this.#array(depth + 1);
        return;
      case 0x22: // "
        this.#string();
        return;
      case 0x74:
        this.#literal('true');
        return;
      case 0x66:
        this.#literal('false');
        return;
      case 0x6e:
        this.#literal('null');
        return;
      default:
        this.#number();
        return;
    }
  }

  /** @returns whether it holds a backslash */
  #string(): boolean {
    this.#expect(0x22);
    const json = this.#json;
    let escaped = false;
    let at = this.#at;
    for (;;) {
      while (PLAIN[json[at] as number] === 1) at++; // past the end there is undefined, which is not 1
      const byte = json[at++];
      if (byte === 0x22) break;
      if (byte === 0x5c) {
        escaped = true;
        const next = json[at++];
        if (next === 0x75) {
          for (const end = at + 4; at < end; at++) if (!isHex(json[at])) this.#failAt(at);
        } else if (next === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(next))) this.#failAt(at - 1);
      } else if (byte === undefined || byte < 0x20) this.#failAt(at - 1);
    }
    this.#at = at;
    return escaped;
  }

  #number(): void {
    this.#take(0x2d);
    if (!this.#take(0x30)) this.#digits();
    if (this.#take(0x2e)) this.#digits();
    if (this.#take(0x65) || this.#take(0x45)) {
      if (!this.#take(0x2b)) this.#take(0x2d);
      this.#digits();
    }
  }

  #digits(): void {
    const from = this.#at;
    while (isDigit(this.#json[this.#at])) this.#at++;
    if (this.#at === from) this.#fail();
  }

  #literal(word: string): void {
    for (let i = 0; i < word.length; i++) this.#expect(word.charCodeAt(i));
  }

  #space(): void {
    for (;;) {
      const byte = this.#json[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  #take(byte: number): boolean {
    if (this.#json[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #expect(byte: number): void {
    if (!this.#take(byte)) this.#fail();
  }

  #fail(what?: string, code?: JsonErrorCode): never {
    return this.#failAt(this.#at, what, code);
  }

  #failAt(at: number, what = 'not valid JSON', code: JsonErrorCode = 'JSON_MALFORMED'): never {
    const where =
      at >= this.#json.length ? 'at its end' : at === 0 ? 'at its start (an object is expected)' : `at byte ${at}`;
    throw new JsonError(code, `${what} ${where}`, { at });
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
