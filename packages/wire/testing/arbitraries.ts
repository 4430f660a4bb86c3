/** Any value of any declaration, derived from the schema: a new message is tested once it is declared. */
import fc from 'fast-check';
import { type BasicType, type Declaration, declarations, type FieldType } from '../src/declarations.ts';
import type { TlObject } from '../src/index.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((it) => Buffer.from(it));
/** Sizes around the change of the length prefix come up often. */
const size = fc.oneof({ weight: 6, arbitrary: fc.nat(40) }, fc.constantFrom(252, 253, 254, 255, 256));
const basic: { readonly [type in BasicType]: fc.Arbitrary<unknown> } = {
  '#': fc.nat(0x7fff_ffff),
  int: fc.integer(),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  double: fc.double({ noNaN: true }),
  string: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    size.map((length) => 'x'.repeat(length)),
  ),
  bytes: size.chain(bytes),
  int128: bytes(16),
  int256: bytes(32),
  Bool: fc.boolean(),
};

function anyValue(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.is) {
    case 'basic':
      return basic[type.type];
    case 'vector':
      return fc.array(anyValue(type.of), { maxLength: 4 });
    case 'bare':
      return anyFields(declarations.get(type.name)!);
    case 'boxed': {
      const members = [...declarations.values()].filter((it) => it.role === 'constructor' && it.result === type.result);
      return fc.oneof(...members.map(anyFields));
    }
  }
}

/** Optional fields follow the bits of `flags`, whose other bits are any. */
function anyFields({ name, fields }: Declaration): fc.Arbitrary<unknown> {
  const all = fc.record(Object.fromEntries(fields.map((field) => [field.name, anyValue(field.type)])));
  return all.map((values: Record<string, unknown>) => {
    const flags = Number(values['flags'] ?? 0);
    const present = fields.filter(({ bit }) => bit === undefined || (flags & (1 << bit)) !== 0);
    return { kind: name, ...Object.fromEntries(present.map((field) => [field.name, values[field.name]])) };
  });
}

/** Values of the constructor or function `name`. */
export function anyOf(name: string): fc.Arbitrary<TlObject> {
  const declaration = declarations.get(name);
  if (declaration === undefined) throw new TypeError(`the schema has no ${name}`);
  return anyFields(declaration) as fc.Arbitrary<TlObject>;
}

/** Values of the whole schema. */
export const anyObject: fc.Arbitrary<TlObject> = fc.oneof(...[...declarations.keys()].map(anyOf));
