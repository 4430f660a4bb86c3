/**
 * Finds the top-level members of a JSON object in its bytes, without building the object: a prompt may hold megabytes
 * that nobody here reads, and a body that is spliced instead of re-written reaches the inference server as it was sent.
 * Nested values are skipped by bracket and string, not judged: the inference server parses them strictly.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Where a member's value stands: bytes `start` (included) to `end` (excluded). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Members {
  /** Position right behind the opening brace: where a new first member can be spliced in. */
  readonly first: number;
  readonly empty: boolean;
  /** Spans of all members whose names were asked for. A name that occurs twice is in `repeated`. */
  readonly spans: ReadonlyMap<string, Span>;
  readonly repeated: string | undefined;
}

/**
 * @param names the members to report; others are skipped over
 * @returns undefined when the bytes are not one JSON object with nothing but white space around it
 */
export function findMembers(json: Buffer, names: ReadonlySet<string>): Members | undefined {
  const spans = new Map<string, Span>();
  let repeated: string | undefined;
  let at = skipSpace(json, 0);
  if (json[at] !== OPEN_BRACE) return undefined;
  const first = at + 1;
  at = skipSpace(json, first);
  if (json[at] === CLOSE_BRACE) {
    return skipSpace(json, at + 1) === json.length ? { first, empty: true, spans, repeated } : undefined;
  }
  for (;;) {
    const nameEnd = json[at] === QUOTE ? skipString(json, at) : -1;
    if (nameEnd < 0) return undefined;
    const name = stringAt(json, { start: at, end: nameEnd });
    if (name === undefined) return undefined;
    at = skipSpace(json, nameEnd);
    if (json[at] !== COLON) return undefined;
    const start = skipSpace(json, at + 1);
    const end = skipValue(json, start);
    if (end < 0) return undefined;
    if (names.has(name)) {
      if (spans.has(name)) repeated = name;
      spans.set(name, { start, end });
    }
    at = skipSpace(json, end);
    if (json[at] === CLOSE_BRACE) break;
    if (json[at] !== COMMA) return undefined;
    at = skipSpace(json, at + 1);
  }
  return skipSpace(json, at + 1) === json.length ? { first, empty: false, spans, repeated } : undefined;
}

/** @returns the value of a span, or undefined when it is not JSON */
export function valueAt(json: Buffer, span: Span): unknown {
  try {
    return JSON.parse(json.toString('utf8', span.start, span.end));
  } catch {
    return undefined;
  }
}

function stringAt(json: Buffer, span: Span): string | undefined {
  const escaped = json.subarray(span.start, span.end).includes(BACKSLASH);
  if (!escaped) return json.toString('utf8', span.start + 1, span.end - 1);
  const value = valueAt(json, span);
  return typeof value === 'string' ? value : undefined;
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = json[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/** @param from the opening quote @returns the position behind the closing one, -1 when there is none */
function skipString(json: Buffer, from: number): number {
  let at = from + 1;
  for (;;) {
    const quote = json.indexOf(QUOTE, at);
    if (quote < 0) return -1;
    let slashes = 0;
    while (json[quote - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** @returns the position behind the value that starts at `from`, -1 when there is none */
function skipValue(json: Buffer, from: number): number {
  const opening = json[from];
  if (opening === QUOTE) return skipString(json, from);
  if (opening !== OPEN_BRACE && opening !== OPEN_BRACKET) return skipScalar(json, from);
  let depth = 0;
  let at = from;
  while (at < json.length) {
    switch (json[at]) {
      case QUOTE:
        at = skipString(json, at);
        if (at < 0) return -1;
        continue;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        if (depth === 0) return at + 1;
        break;
      default:
    }
    at += 1;
  }
  return -1;
}

/** A number, `true`, `false` or `null`: judged by `JSON.parse`, so that nothing else passes for one. */
function skipScalar(json: Buffer, from: number): number {
  let at = from;
  while (at < json.length && at - from < 64) {
    const byte = json[at]!;
    // letters, digits, + - .
    if (!((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x45 || isSign(byte))) break;
    at += 1;
  }
  return at > from && valueAt(json, { start: from, end: at }) !== undefined ? at : -1;
}

function isSign(byte: number): boolean {
  return byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
