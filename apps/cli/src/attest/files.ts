/** Files of evidence, read with a bound. A person names them, so every failure is one sentence. */
import { readFileSync, statSync } from 'node:fs';
import { jsonFault } from '../json-fault.ts';
import { CliError } from '../usage.ts';

/** Largest file of evidence, in bytes: an event log of 256 KiB and a bundle of 1 MiB are the largest real ones. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** @param what as the sentence names it: "evidence". @throws {CliError} `CLI_CONFIG`: missing, a folder, too large, not readable */
export function readBytes(file: string, what: string): Uint8Array {
  const fail = (reason: string, cause?: unknown) =>
    new CliError('CLI_CONFIG', `the ${what} ${file} ${reason}`, {}, { cause });
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw fail('is a folder; name a file in it');
    if (found.size > MAX_FILE_BYTES)
      throw fail(`has ${found.size} bytes, more than the ${MAX_FILE_BYTES} that are read`);
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    if (error instanceof CliError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw fail(missing ? 'is missing' : 'cannot be read', error);
  }
}

/** Text of a file in UTF-8, undefined if it is none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is in a file, for the sentence that says why it is not what was asked for. */
export function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'is empty';
  const whole = textOf(bytes);
  if (whole?.trim() === '') return 'is blank';
  const text = textOf(bytes.subarray(0, 4_096).filter((byte) => byte < 0x80))?.trimStart() ?? '';
  if (/^<!doctype html|^<html/i.test(text)) return 'is a web page';
  if (text.startsWith('<')) return 'is XML';
  if (whole !== undefined && /^[{[]/.test(text)) return jsonFault(whole) ?? 'is JSON of something else';
  if (text.startsWith('-----BEGIN '))
    return `holds PEM of the kind ${/^-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1] ?? 'unknown'}`;
  return whole === undefined ? `holds ${bytes.length} bytes` : `holds ${bytes.length} bytes of text`;
}

/** @throws {CliError} `CLI_CONFIG`: not readable, or the place where it stops being JSON */
export function readJson(file: string, what: string): { readonly value: unknown; readonly text: string } {
  const bytes = readBytes(file, what);
  const text = textOf(bytes) ?? '';
  try {
    return { value: JSON.parse(text), text };
  } catch (cause) {
    const fault = describe(bytes);
    const told = /JSON/.test(fault) ? fault : `is not JSON: it ${fault}`;
    throw new CliError('CLI_CONFIG', `the ${what} ${file} ${told}`, {}, { cause });
  }
}
