/** What the proxy must know of a request body: the limits it states at its top level, and where its prompt stands. */
import { JsonError, type Member, membersOf, memberValue } from '@bombyx/json';

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

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const none: BodyFacts = { maxTokens: undefined, answers: 1, prompt: undefined };

const limits = new Set(['max_tokens', 'max_completion_tokens', 'max_output_tokens']);
const answers = new Set(['n', 'best_of']);
const prompts = new Set(['messages', 'prompt', 'input']);

/**
 * Reads the facts of a JSON object; only limits become values, prompts stay bytes. A body that is no object (empty,
 * multipart, an array) states no limits; one that starts as an object and is none is a fault, because a laxer reader
 * further on might find limits in it. A repeated limit counts with its largest value, whichever of them a reader would
 * take.
 */
export function readBody(body: Buffer): BodyCheck {
  if (!opensObject(body)) return { ok: true, facts: none };
  let members: Member[];
  try {
    members = membersOf(body);
  } catch (error) {
    if (error instanceof JsonError) return bad(error.message);
    throw error;
  }
  let { maxTokens, answers: count, prompt } = none;
  for (const member of members) {
    const { name } = member;
    if (prompts.has(name)) prompt ??= { start: member.valueStart, end: member.end };
    if (!limits.has(name) && !answers.has(name)) continue;
    const value = memberValue(body, member);
    if (value === null) continue;
    if (!isCount(value)) return bad(`'${name}' must be a non-negative integer`);
    if (limits.has(name)) maxTokens = Math.max(maxTokens ?? 0, value);
    else count = Math.max(count, value);
  }
  return { ok: true, facts: { maxTokens, answers: count, prompt } };
}

function bad(fault: string): BodyCheck {
  return { ok: false, fault };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Skips a byte order mark, as some readers do; what stands behind it is no JSON for us, and a fault if it is an object. */
function opensObject(body: Buffer): boolean {
  for (const byte of body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body) {
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte === 0x7b;
  }
  return false;
}
