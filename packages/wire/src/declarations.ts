/** The declarations of schema.ts as data: what generate.ts writes codecs from, and tests their values. */
import { crc32 } from 'node:zlib';
import { constructors, functions } from './schema.ts';

const basicTypes = ['#', 'int', 'long', 'double', 'string', 'bytes', 'int128', 'int256', 'Bool'] as const;
export type BasicType = (typeof basicTypes)[number];

export type FieldType =
  | { readonly is: 'basic'; readonly type: BasicType }
  | { readonly is: 'vector'; readonly of: FieldType }
  | { readonly is: 'bare'; readonly name: string } // one constructor, no id in front
  | { readonly is: 'boxed'; readonly result: string }; // any constructor of a type, behind its id

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Bit of `flags` that says whether the field is there; `undefined` for a field that always is. */
  readonly bit: number | undefined;
}

export interface Declaration {
  readonly name: string;
  readonly role: 'constructor' | 'function';
  /** Unsigned 32-bit id, sent little-endian. */
  readonly id: number;
  readonly fields: readonly Field[];
  /** The boxed type it belongs to, or for a function the type of its answer. */
  readonly result: string;
}

/** Every constructor and function, by name. */
export const declarations: ReadonlyMap<string, Declaration> = new Map(
  [...parse(constructors, 'constructor'), ...parse(functions, 'function')].map((it) => [it.name, it]),
);

function parse(texts: readonly string[], role: Declaration['role']): Declaration[] {
  const lines = texts.flatMap((text) => text.split(';')).map((line) => line.trim().replace(/\s+/g, ' '));
  return lines.map((line) => parseLine(line, role));
}

function parseLine(line: string, role: Declaration['role']): Declaration {
  const match = /^([\w.]+)(?:#([0-9a-f]{8}))?((?: [\w]+:(?:\(vector [\w.]+\)|[\w.?#]+))*) = ([\w.]+)$/.exec(line);
  if (!match) throw new TypeError(`not a declaration: ${line}`);
  const [, name = '', id, fields = '', result = ''] = match;
  return {
    name,
    role,
    id: id === undefined ? crc32(line.replace(/[()]/g, '')) : Number.parseInt(id, 16),
    fields: Array.from(
      fields.matchAll(/(\w+):(?:flags\.(\d+)\?)?(\(vector [^)]*\)|\S+)/g),
      ([, field = '', bit, type = '']) => ({
        name: field,
        type: parseType(type),
        bit: bit === undefined ? undefined : Number(bit),
      }),
    ),
    result,
  };
}

function parseType(text: string): FieldType {
  const item = /^\(vector (.*)\)$/.exec(text)?.[1];
  if (item !== undefined) return { is: 'vector', of: parseType(item) };
  const basic = basicTypes.find((type) => type === text);
  if (basic !== undefined) return { is: 'basic', type: basic };
  return /^(?:.*\.)?[A-Z]\w*$/.test(text) ? { is: 'boxed', result: text } : { is: 'bare', name: text };
}
