/**
 * Writes src/codec.generated.ts from schema.ts: for every object straight-line code that the engine compiles to fixed
 * offsets. One reader that walks over declarations would look every field up by name, and `new Function` at load is what
 * content security policies forbid. Run it after a change of the schema: `node packages/wire/generate.ts`.
 */
import { writeFileSync } from 'node:fs';
import { type Declaration, declarations, type Field, type FieldType } from './src/declarations.ts';

/** How a type is measured, read and written; `it` is an expression of the value. */
interface Texts {
  /** Bytes of the shortest value. */
  readonly min: number;
  /** An expression; `undefined` where every value takes `min` bytes. */
  readonly size: ((it: string) => string) | undefined;
  readonly read: string;
  readonly write: (it: string) => string;
}

const all = [...declarations.values()];
const padded = (size: (it: string) => string, method: string): Texts => ({ min: 4, size, ...through(method) });
const fixed = (min: number, method: string, ...more: number[]): Texts => ({
  min,
  size: undefined,
  ...through(method, more),
});
const through = (method: string, more: readonly number[] = []) => ({
  read: `from.${method}(${more})`,
  write: (it: string) => `to.${method}(${[it, ...more].join(', ')})`,
});
const basic = {
  '#': fixed(4, 'flags'),
  int: fixed(4, 'int32'),
  long: fixed(8, 'int64'),
  double: fixed(8, 'double'),
  int128: fixed(16, 'raw', 16),
  int256: fixed(32, 'raw', 32),
  Bool: fixed(4, 'bool'),
  bytes: padded((it) => `paddedSize(${it}.length)`, 'data'),
  string: padded((it) => `textSize(${it})`, 'string'),
} as const;

/** As an identifier: `bombyx_answerPart`, `proxy_SignedPayment`. */
const identifier = (name: string) => name.replaceAll('.', '_');
const membersOf = (type: string) => all.filter((it) => it.role === 'constructor' && it.result === type);

function textsOf(type: FieldType): Texts {
  switch (type.is) {
    case 'basic':
      return basic[type.type];
    case 'bare':
      return named(type.name, minSize(declarations.get(type.name)!));
    case 'boxed':
      return named(type.result, 4 + Math.min(...membersOf(type.result).map(minSize)));
    case 'vector':
      return vector(type.of);
  }
}

function named(name: string, min: number): Texts {
  const codec = identifier(name);
  return {
    min,
    size: (it) => `${codec}.size(${it})`,
    read: `${codec}.read(from)`,
    write: (it) => `${codec}.write(${it}, to)`,
  };
}

function vector(of: FieldType): Texts {
  const { min, size, read, write } = textsOf(of);
  return {
    min: 4,
    size: size ? (it) => `vectorSize(${it}, (item) => ${size('item')})` : (it) => `4 + ${it}.length * ${min}`,
    read: `readVector(from, ${min}, (from) => ${read})`,
    write: (it) => `writeVector(${it}, to, (item, to) => ${write('item')})`,
  };
}

function minSize({ fields }: Declaration): number {
  return fields.reduce((sum, { type, bit }) => (bit === undefined ? sum + textsOf(type).min : sum), 0);
}

function objectText({ name, id, role, result, fields }: Declaration): string {
  const required = fields.filter(({ bit }) => bit === undefined);
  const optional = fields.slice(required.length);
  if (optional.some(({ bit }) => bit === undefined)) throw new TypeError(`${name}: an optional field before others`);
  const literal = [`kind: '${name}'`, ...required.map((field) => `${field.name}: ${textsOf(field.type).read}`)];
  const type = role === 'constructor' ? `'${result}'` : 'undefined';
  return `export const ${identifier(name)}: ObjectCodec<Tl<'${name}'>> = {
  kind: '${name}', id: 0x${id.toString(16).padStart(8, '0')}, type: ${type},
  size: (${fields.some(sized) ? 'it' : ''}) => ${sizeText(required, optional)},
  read(${fields.length > 0 ? 'from' : ''}) {${
    optional.length === 0
      ? `
    return { ${literal.join(', ')} };`
      : `
    const it: Mutable<Tl<'${name}'>> = { ${literal.join(', ')} };
${optional.map(({ name, type, bit }) => `    if (it.flags & ${1 << bit!}) it.${name} = ${textsOf(type).read};`).join('\n')}
    return it;`
  }
  },
  write(it${fields.length > 0 ? ', to' : ''}) {
    if (it.kind !== '${name}') throw wrongKind(it, '${name}');
${fields.map((field) => `    ${writeText(name, field)}\n`).join('')}  },
};
`;
}

function sized({ type, bit }: Field): boolean {
  return bit !== undefined || textsOf(type).size !== undefined;
}

function sizeText(required: readonly Field[], optional: readonly Field[]): string {
  const constant = required.filter((it) => !sized(it)).reduce((sum, { type }) => sum + textsOf(type).min, 0);
  const terms = required.filter(sized).map(({ name, type }) => textsOf(type).size!(`it.${name}`));
  const maybe = optional.map(({ name, type }) => {
    const { min, size } = textsOf(type);
    return `(it.${name} === undefined ? 0 : ${size?.(`it.${name}`) ?? min})`;
  });
  return [...(constant > 0 || sizedNothing(terms, maybe) ? [constant] : []), ...terms, ...maybe].join(' + ');
}

function sizedNothing(...terms: readonly string[][]): boolean {
  return terms.every(({ length }) => length === 0);
}

function writeText(object: string, { name, type, bit }: Field): string {
  const write = `${textsOf(type).write(`it.${name}`)};`;
  return bit === undefined ? write : `if (present(it.flags & ${1 << bit}, it.${name}, '${object}.${name}')) ${write}`;
}

function boxedText(type: string): string {
  const members = membersOf(type).map(({ name }) => identifier(name));
  return `const ${identifier(type)} = boxed<TlOfType<'${type}'>>([${members.join(', ')}]);\n`;
}

/** The whole of codec.generated.ts. */
export function codecText(): string {
  const embedded = new Set(all.flatMap(({ fields }) => fields.flatMap(({ type }) => boxedIn(type))));
  return `// biome-ignore-all format: written by a program
/** The codec of every object. Written by generate.ts from schema.ts; a test compares them. */
import { paddedSize, textSize } from './bytes.ts';
import { boxed, type ObjectCodec, present, readVector, vectorSize, writeVector, wrongKind } from './codec.ts';
import type { Tl, TlObject, TlOfType } from './value.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

${all.map(objectText).join('\n')}
${[...embedded].map(boxedText).join('')}
/** In the order of the schema. */
export const codecs: readonly ObjectCodec<TlObject>[] = [
${all.map(({ name }) => `  ${identifier(name)},\n`).join('')}];
`;
}

function boxedIn(type: FieldType): readonly string[] {
  if (type.is === 'vector') return boxedIn(type.of);
  return type.is === 'boxed' ? [type.result] : [];
}

if (import.meta.main) writeFileSync(new URL('src/codec.generated.ts', import.meta.url), codecText());
