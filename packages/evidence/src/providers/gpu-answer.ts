/**
 * What the collecting program prints: one JSON object between log lines, `{result_code, evidences: [{nonce, evidence,
 * certificate}]}`. Source: attestation.md §18.5, `nvattest collect-evidence` of NVIDIA's attestation SDK.
 */
import type { EvidenceItem } from '@bombyx/attest';
import { EvidenceError, printable } from '../errors.ts';
import { MAX_GPUS } from '../limits.ts';

/** Where the nonce stands in the SPDM request that every evidence begins with: attestation.md §14.2. */
const NONCE_AT = 4;
const MAX_EVIDENCE_BYTES = 65_536;
/** Places that look like the beginning of an object; a log line may be one. */
const MAX_BEGINNINGS = 16;

/**
 * @param nonce 32 bytes: every evidence must be about it
 * @param expected GPUs that must be there
 * @throws {EvidenceError} `GPU_OUTPUT`, `GPU_REFUSED`, `GPU_COUNT`, `GPU_NONCE`
 */
export function readGpuAnswer(text: string, nonce: Uint8Array, expected: number): EvidenceItem[] {
  const answer = findAnswer(text);
  if (answer['result_code'] !== 0) {
    const said = printable(String(answer['result_message'] ?? 'no reason given'));
    throw new EvidenceError('GPU_REFUSED', `collecting failed with code ${String(answer['result_code'])}: ${said}`);
  }
  const { evidences } = answer;
  if (!Array.isArray(evidences) || evidences.length > MAX_GPUS) throw malformed('evidences are no list of GPUs');
  if (evidences.length !== expected) {
    throw new EvidenceError('GPU_COUNT', `evidence of ${evidences.length} GPUs instead of ${expected}`, { expected });
  }
  const items = evidences.map((evidence, index) => readOne(evidence, nonce, index));
  const different = new Set(items.map(({ data }) => Buffer.from(data).toString('base64')));
  if (different.size !== items.length) throw malformed('one evidence comes twice');
  return items;
}

function readOne(evidence: unknown, nonce: Uint8Array, index: number): EvidenceItem {
  if (!isRecord(evidence)) throw malformed(`evidence ${index} is no object`);
  const data = base64(evidence['evidence'], `evidence ${index}`);
  const certificates = base64(evidence['certificate'], `certificate ${index}`);
  const said = evidence['nonce'];
  const wanted = Buffer.from(nonce).toString('hex');
  const told = typeof said === 'string' ? said.toLowerCase().replace(/^0x/, '') : undefined;
  const signed = data.subarray(NONCE_AT, NONCE_AT + nonce.length).toString('hex');
  if (told !== wanted || signed !== wanted) {
    throw new EvidenceError('GPU_NONCE', `evidence ${index} is about another nonce`, { index });
  }
  return { kind: 'nvidia-gpu', data: Uint8Array.from(data), certificates: certificates.toString('latin1') };
}

function base64(value: unknown, what: string): Buffer {
  if (typeof value === 'string' && value.length > 0 && value.length <= 2 * MAX_EVIDENCE_BYTES) {
    const plain = value.replace(/\s+/g, '');
    if (plain.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return Buffer.from(plain, 'base64');
  }
  throw malformed(`${what} is not base64, or too long`);
}

/** The one object with a `result_code`; log lines before, after, and those that look like JSON themselves are passed. */
function findAnswer(text: string): Record<string, unknown> {
  let found: Record<string, unknown> | undefined;
  let from = 0;
  for (let beginnings = 0; beginnings < MAX_BEGINNINGS; beginnings += 1) {
    const start = text.indexOf('{', from);
    if (start < 0) break;
    const end = endOfObject(text, start);
    const value = end === undefined ? undefined : parsed(text.slice(start, end));
    from = value === undefined || end === undefined ? nextLine(text, start) : end;
    if (value === undefined || !('result_code' in value)) continue;
    if (found !== undefined) throw malformed('two answers');
    found = value;
  }
  if (found === undefined) throw malformed(`no answer in ${text.length} characters`);
  return found;
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

/** Where the object that begins at `start` ends, undefined when it does not. */
function endOfObject(text: string, start: number): number | undefined {
  const mark = /["{}]/g;
  let depth = 0;
  mark.lastIndex = start;
  for (let at = mark.exec(text); at !== null; at = mark.exec(text)) {
    if (at[0] === '{') depth += 1;
    else if (at[0] === '}') {
      depth -= 1;
      if (depth === 0) return mark.lastIndex;
    } else {
      const end = endOfString(text, at.index);
      if (end === undefined) return undefined;
      mark.lastIndex = end;
    }
  }
  return undefined;
}

/** Behind the quotation mark that closes the string opened at `start`: the first one after an even run of backslashes. */
function endOfString(text: string, start: number): number | undefined {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  return undefined;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(why: string): EvidenceError {
  return new EvidenceError('GPU_OUTPUT', `the collecting program printed no evidence: ${why}`);
}
