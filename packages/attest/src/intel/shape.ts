/** Reads signed JSON field by field: a field that is missing or of another type is malformed, others are left alone. */
import { fromHex } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Longest text read, in characters. */
const MAX_TEXT = 256 * 1024;

/** @throws {MalformedError} not one JSON object */
export function parseFields(text: string): Fields {
  if (text.length > MAX_TEXT) throw new MalformedError(`text of ${text.length} characters, more than ${MAX_TEXT}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedError('not JSON');
  }
  return fieldsOf(value, 'text');
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedError(`${what}: no object`);
  return value as Fields; // a plain object of JSON.parse, its values still unknown
}

export function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new MalformedError(`${name}: no text`);
  return value;
}

export function integerIn(fields: Fields, name: string, most: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    throw new MalformedError(`${name}: no integer of 0…${most}`);
  return value;
}

/** At least one item. */
export function listIn(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.length === 0) throw new MalformedError(`${name}: no list`);
  return value;
}

export function hexIn(fields: Fields, name: string, size: number): Uint8Array {
  return fromHex(textIn(fields, name), size);
}

/** RFC 3339 in UTC and whole seconds, as Intel writes it. @returns ms since the epoch */
export function instantIn(fields: Fields, name: string): number {
  const text = textIn(fields, name);
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text.replace('Z', '.000Z'))
    throw new MalformedError(`${name}: no time`);
  return ms;
}

/** @param optional names: absent or text of the given form */
export function textsIn(fields: Fields, name: string): readonly string[] {
  const value = fields[name];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new MalformedError(`${name}: no list of texts`);
  return value;
}

export function oneOf<Name extends string>(fields: Fields, name: string, names: readonly Name[]): Name {
  const value = textIn(fields, name);
  const known = names.find((candidate) => candidate === value);
  if (known === undefined) throw new MalformedError(`${name}: unknown value`);
  return known;
}
