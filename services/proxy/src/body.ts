/**
 * What the proxy must know of a request body, read without making objects of it: the limits it states at its top level
 * and where its prompt starts. One pass over the bytes; prompts never become strings.
 */

export interface BodyFacts {
  /** Largest `max_tokens` / `max_completion_tokens` / `max_output_tokens` stated; undefined when none is. */
  readonly maxTokens: number | undefined;
  /** How many answers are made: the largest of `n` and `best_of`, at least 1. */
  readonly answers: number;
  /** Where the value of `messages`, `prompt` or `input` starts and ends; undefined without one. */
  readonly prompt: { readonly start: number; readonly end: number } | undefined;
}

export type BodyCheck =
  | { readonly ok: true; readonly facts: BodyFacts }
  | { readonly ok: false; readonly fault: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const none: BodyFacts = { maxTokens: undefined, answers: 1, prompt: undefined };

const limits = new Set(['max_tokens', 'max_completion_tokens', 'max_output_tokens']);
const answers = new Set(['n', 'best_of']);
const prompts = new Set(['messages', 'prompt', 'input']);

/**
 * Reads the facts of a JSON object. A body that is no object (empty, multipart, an array) states no limits; one that
 * starts as an object and is none is a fault, because a laxer reader further on might find limits in it.
 * A repeated limit counts with its largest value, whichever of them a reader would take.
 */
export function readBody(body: Buffer): BodyCheck {
  let at = blank(body, 0);
  if (body[at] !== 0x7b) return { ok: true, facts: none };
  let maxTokens: number | undefined;
  let count = 1;
  let prompt: BodyFacts['prompt'];
  at = blank(body, at + 1);
  if (body[at] === 0x7d) return ended(body, at + 1, none);
  for (;;) {
    if (body[at] !== QUOTE) return bad('a member has no name');
    const nameEnd = stringEnd(body, at);
    if (nameEnd < 0) return bad('a string does not end');
    const name = textOf(body, at, nameEnd);
    at = blank(body, nameEnd);
    if (body[at] !== 0x3a) return bad('a colon is missing');
    const start = blank(body, at + 1);
    const end = valueEnd(body, start);
    if (end < 0) return bad('a value does not end');
    if (name === undefined) return bad('a name is not a JSON string');
    if (limits.has(name) || answers.has(name)) {
      const value = numberAt(body, start, end);
      if (value !== null) {
        if (!Number.isSafeInteger(value) || value < 0) return bad(`'${name}' must be a non-negative integer`);
        if (limits.has(name)) maxTokens = Math.max(maxTokens ?? 0, value);
        else count = Math.max(count, value);
      }
    } else if (prompts.has(name)) prompt ??= { start, end };
    at = blank(body, end);
    if (body[at] === 0x7d) return ended(body, at + 1, { maxTokens, answers: count, prompt });
    if (body[at] !== 0x2c) return bad('a comma is missing');
    at = blank(body, at + 1);
  }
}

function bad(fault: string): BodyCheck {
  return { ok: false, fault };
}

function ended(body: Buffer, at: number, facts: BodyFacts): BodyCheck {
  return blank(body, at) === body.length ? { ok: true, facts } : bad('something follows the object');
}

function blank(body: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = body[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/** @returns the index behind the closing quote, or -1 */
function stringEnd(body: Buffer, quote: number): number {
  let at = quote + 1;
  for (;;) {
    const end = body.indexOf(QUOTE, at);
    if (end < 0) return -1;
    let slashes = 0;
    while (body[end - 1 - slashes] === BACKSLASH && end - 1 - slashes > quote) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

function textOf(body: Buffer, start: number, end: number): string | undefined {
  const text = body.toString('utf8', start, end);
  if (!text.includes('\\')) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** @returns the index behind the value that starts at `start`, or -1. Nesting is counted, not recursed into. */
function valueEnd(body: Buffer, start: number): number {
  const first = body[start];
  if (first === undefined) return -1;
  if (first === QUOTE) return stringEnd(body, start);
  if (first !== 0x7b && first !== 0x5b) {
    let at = start;
    for (let byte = body[at]; byte !== undefined && byte !== 0x2c && byte !== 0x7d && byte > 0x20; byte = body[at])
      at += 1;
    return at > start ? at : -1;
  }
  let depth = 0;
  let at = start;
  while (at < body.length) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      at = stringEnd(body, at);
      if (at < 0) return -1;
      continue;
    }
    at += 1;
    if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

/** @returns the number, `null` for a JSON null, NaN for anything else */
function numberAt(body: Buffer, start: number, end: number): number | null {
  if (end - start > 32) return Number.NaN;
  const text = body.toString('latin1', start, end);
  if (text === 'null') return null;
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}
