/**
 * One {@link Codec} for every object, made once from its declaration. The declarations contain no cycle, so how deep an
 * object nests is bounded by the schema and not by the peer.
 */
import { paddedSize, type Reader, type Writer } from './bytes.ts';
import { type BasicType, type Declaration, declarations, type FieldType } from './declarations.ts';
import { WireError } from './errors.ts';

/** Most items of one vector, read or written. More would let 16 MiB of bytes become many times that in objects. */
export const MAX_VECTOR_ITEMS = 65_536;

/** How to read, measure and write the values of one type. */
export interface Codec<T> {
  /** Bytes that the shortest value takes. */
  readonly minSize: number;
  /** Bytes that `value` takes beyond {@link Codec.minSize}; `undefined` where it is always none. */
  readonly extraSize: ((value: T) => number) | undefined;
  readonly read: (from: Reader) => T;
  readonly write: (value: T, to: Writer) => void;
}
/** An object of the protocol, as code sees it that does not know which. */
export type Value = { readonly kind: string } & Readonly<Record<string, unknown>>;
// biome-ignore format: a table
const basic = {
  '#': fixed(4, (from) => from.flags(), (value: number, to) => to.flags(value)),
  int: fixed(4, (from) => from.int32(), (value: number, to) => to.int32(value)),
  long: fixed(8, (from) => from.int64(), (value: bigint, to) => to.int64(value)),
  double: fixed(8, (from) => from.double(), (value: number, to) => to.double(value)),
  int128: fixed(16, (from) => from.raw(16), (value: Buffer, to) => to.raw(value, 16)),
  int256: fixed(32, (from) => from.raw(32), (value: Buffer, to) => to.raw(value, 32)),
  Bool: fixed(4, readBool, (value: boolean, to) => to.uint32(value ? 0x997275b5 : 0xbc799737)),
  bytes: padded((value: Buffer) => value.length, (from) => from.data(), (value, to) => to.data(value)),
  string: padded(textLength, (from) => from.string(), (value, to) => to.string(value)),
} satisfies { [type in BasicType]: unknown };

function fixed<T>(minSize: number, read: Codec<T>['read'], write: Codec<T>['write']): Codec<T> {
  return { minSize, extraSize: undefined, read, write };
}

function padded<T>(length: (value: T) => number, read: Codec<T>['read'], write: Codec<T>['write']): Codec<T> {
  return { minSize: 4, extraSize: (value) => paddedSize(length(value)) - 4, read, write };
}

function readBool(from: Reader): boolean {
  const tag = from.uint32();
  if (tag === 0x997275b5) return true;
  if (tag === 0xbc799737) return false;
  throw new WireError('WIRE_UNKNOWN_TAG', 'neither boolTrue nor boolFalse', { tag });
}

function textLength(text: string): number {
  if (!text.isWellFormed()) throw new TypeError('a string with half a surrogate pair has no UTF-8');
  return Buffer.byteLength(text);
}

/** Codecs of bare objects by constructor name, filled in the order in which they are needed. */
const bare = new Map<string, Codec<Value>>();

function bareCodec(name: string): Codec<Value> {
  let codec = bare.get(name);
  if (codec === undefined) {
    const declaration = declarations.get(name);
    if (declaration === undefined) throw new TypeError(`the schema has no ${name}`);
    codec = objectCodec(declaration);
    bare.set(name, codec);
  }
  return codec;
}

function objectCodec({ name: kind, fields: declared }: Declaration): Codec<Value> {
  const fields = declared.map(({ name, type, bit }) => ({
    name,
    codec: codecOf(type),
    bit: bit === undefined ? 0 : 1 << bit,
  }));
  const sized = fields.filter(({ codec, bit }) => bit !== 0 || codec.extraSize !== undefined);
  const minSize = fields.reduce((sum, { codec, bit }) => (bit === 0 ? sum + codec.minSize : sum), 0);
  return {
    minSize,
    extraSize(value) {
      let size = 0;
      for (const { name, codec, bit } of sized) {
        const field = value[name];
        if (bit === 0) size += codec.extraSize!(field);
        else if (field !== undefined) size += codec.minSize + (codec.extraSize?.(field) ?? 0);
      }
      return size;
    },
    read(from) {
      const value: Record<string, unknown> = { kind };
      for (const { name, codec, bit } of fields) {
        if (bit === 0 || (value['flags'] as number) & bit) value[name] = codec.read(from);
      }
      return value as Value;
    },
    write(value, to) {
      if (value.kind !== kind) throw new TypeError(`a ${value.kind} where ${kind} is wanted`);
      for (const { name, codec, bit } of fields) {
        const field = value[name];
        const present = bit === 0 || ((value['flags'] as number) & bit) !== 0;
        if (present !== (field !== undefined)) {
          throw new TypeError(`${kind}.${name} is ${present ? 'missing' : 'there but not in flags'}`);
        }
        if (present) codec.write(field, to);
      }
    },
  };
}

function codecOf(type: FieldType): Codec<unknown> {
  switch (type.is) {
    case 'basic':
      return basic[type.type] as Codec<unknown>;
    case 'bare':
      return bareCodec(type.name) as Codec<unknown>;
    case 'boxed':
      return boxedCodec((it) => it.role === 'constructor' && it.result === type.result) as Codec<unknown>;
    case 'vector':
      return vectorCodec(codecOf(type.of)) as Codec<unknown>;
  }
}

function vectorCodec(item: Codec<unknown>): Codec<readonly unknown[]> {
  return {
    minSize: 4,
    extraSize(values) {
      let size = values.length * item.minSize;
      if (item.extraSize) for (const value of values) size += item.extraSize(value);
      return size;
    },
    read(from) {
      const count = from.uint32();
      if (count * item.minSize > from.left) {
        throw new WireError('WIRE_TRUNCATED', `a vector of ${count} items in ${from.left} bytes`, { count });
      }
      if (count > MAX_VECTOR_ITEMS) throw new WireError('WIRE_BAD_VALUE', `a vector of ${count} items`, { count });
      const values: unknown[] = [];
      for (let i = 0; i < count; i++) values.push(item.read(from));
      return values;
    },
    write(values, to) {
      if (values.length > MAX_VECTOR_ITEMS) throw new RangeError(`a vector of ${values.length} items`);
      to.int32(values.length);
      for (const value of values) item.write(value, to);
    },
  };
}

/** Objects behind their ids: those that `belongs` picks, and no others. */
export function boxedCodec(belongs: (declaration: Declaration) => boolean): Codec<Value> {
  const members = [...declarations.values()]
    .filter(belongs)
    .map(({ name, id }) => ({ id, name, codec: bareCodec(name) }));
  if (members.length === 0) throw new TypeError('a boxed type without constructors');
  const byId = new Map(members.map((member) => [member.id, member.codec]));
  const byName = new Map(members.map((member) => [member.name, member]));
  const memberOf = (value: Value) => {
    const member = byName.get(value.kind);
    if (member === undefined) throw new TypeError(`a ${value.kind} is not allowed here`);
    return member;
  };
  const least = Math.min(...members.map(({ codec }) => codec.minSize));
  return {
    minSize: 4 + least,
    extraSize(value) {
      const { codec } = memberOf(value);
      return codec.minSize - least + (codec.extraSize?.(value) ?? 0);
    },
    read(from) {
      const tag = from.uint32();
      const codec = byId.get(tag);
      if (codec === undefined) throw new WireError('WIRE_UNKNOWN_TAG', `no object 0x${tag.toString(16)} here`, { tag });
      return codec.read(from);
    },
    write(value, to) {
      const member = memberOf(value);
      to.uint32(member.id);
      member.codec.write(value, to);
    },
  };
}
