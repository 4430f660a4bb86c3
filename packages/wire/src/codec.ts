/** What codecs are made of besides basic values: objects, objects behind their ids, vectors, fields that may be absent. */
import type { Reader, Writer } from './bytes.ts';
import { WireError } from './errors.ts';

/** Most items of one vector, read or written. More would let 16 MiB of bytes become many times that in objects. */
export const MAX_VECTOR_ITEMS = 65_536;

/** How to measure, read and write the values of one type. */
export interface Codec<T> {
  /** Bytes that {@link Codec.write} will take. */
  size(value: T): number;
  read(from: Reader): T;
  /** @throws {TypeError} for a value of another type, {RangeError} for a number that its type cannot hold */
  write(value: T, to: Writer): void;
}

/** The codec of one constructor or function, bare: without its id in front. */
export interface ObjectCodec<T> extends Codec<T> {
  readonly kind: string;
  /** Unsigned 32-bit. */
  readonly id: number;
  /** The boxed type it belongs to; `undefined` for a function. */
  readonly type: string | undefined;
}

/** Objects behind their ids. */
export interface BoxedCodec<T> extends Codec<T> {
  /** The codec of what follows the id. @throws {TypeError} for an object that is not of this type */
  of(value: T): ObjectCodec<T>;
}

/** Bytes that an id takes. */
export const ID_SIZE = 4;

/** Objects behind their ids: these, and no others. */
export function boxed<T extends { readonly kind: string }>(members: readonly ObjectCodec<T>[]): BoxedCodec<T> {
  const byId = new Map(members.map((codec) => [codec.id | 0, codec])); // signed: what V8 keeps without a heap object
  const byKind = new Map(members.map((codec) => [codec.kind, codec]));
  const of = (value: T): ObjectCodec<T> => {
    const codec = byKind.get(value.kind);
    if (codec === undefined) throw new TypeError(`a ${value.kind} is not allowed here`);
    return codec;
  };
  return {
    of,
    size: (value) => ID_SIZE + of(value).size(value),
    read(from) {
      const tag = from.int32();
      const codec = byId.get(tag);
      if (codec === undefined) throw unknownTag(tag >>> 0);
      return codec.read(from);
    },
    write(value, to) {
      const codec = of(value);
      to.uint32(codec.id);
      codec.write(value, to);
    },
  };
}

function unknownTag(tag: number): WireError {
  return new WireError('WIRE_UNKNOWN_TAG', `no object 0x${tag.toString(16)} here`, { tag });
}

/** @returns bytes of a vector, given those of an item */
export function vectorSize<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  let size = 4;
  for (const value of values) size += sizeOf(value);
  return size;
}

/** @param minSize bytes of the shortest item: a count that cannot be true is refused before anything is allocated */
export function readVector<T>(from: Reader, minSize: number, read: (from: Reader) => T): T[] {
  const count = from.uint32();
  if (count * minSize > from.left) {
    throw new WireError('WIRE_TRUNCATED', `a vector of ${count} items in ${from.left} bytes`, { count });
  }
  if (count > MAX_VECTOR_ITEMS) throw new WireError('WIRE_BAD_VALUE', `a vector of ${count} items`, { count });
  const values: T[] = [];
  for (let i = 0; i < count; i++) values.push(read(from));
  return values;
}

export function writeVector<T>(values: readonly T[], to: Writer, write: (value: T, to: Writer) => void): void {
  if (values.length > MAX_VECTOR_ITEMS) throw new RangeError(`a vector of ${values.length} items`);
  to.int32(values.length);
  for (const value of values) write(value, to);
}

/** Whether an optional field is to be written. @throws {TypeError} when `flags` say one thing and the field another */
export function present<T>(bit: number, value: T | undefined, field: string): value is T {
  if ((bit !== 0) !== (value !== undefined)) {
    throw new TypeError(`${field} is ${bit === 0 ? 'there but not in flags' : 'missing'}`);
  }
  return bit !== 0;
}

export function wrongKind(value: { readonly kind: string }, wanted: string): TypeError {
  return new TypeError(`a ${value.kind} where ${wanted} is wanted`);
}
