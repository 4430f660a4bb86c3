/**
 * Boxed objects to bytes and back: an id, then the fields. There is one encoding of a value: `encode(decode(bytes))` gives
 * back `bytes` for all bytes that `decode` accepts.
 */
import { Reader, Writer } from './bytes.ts';
import { codecs } from './codec.generated.ts';
import { type BoxedCodec, boxed, ID_SIZE } from './codec.ts';
import { WireError } from './errors.ts';
import type { Tl, TlFunction, TlName, TlObject, TlOfType, TlTypeName } from './value.ts';

const anyObject = boxed(codecs);
const anyFunction = boxed(codecs.filter(({ type }) => type === undefined));
const narrowed = new Map<string, BoxedCodec<TlObject>>();

function narrowedCodec(name: string): BoxedCodec<TlObject> {
  let codec = narrowed.get(name);
  if (codec === undefined) {
    const members = codecs.filter(({ kind, type }) => kind === name || type === name);
    if (members.length === 0) throw new TypeError(`the schema has no ${name}`);
    codec = boxed(members);
    narrowed.set(name, codec);
  }
  return codec;
}

function readAll(codec: BoxedCodec<TlObject>, bytes: Uint8Array): TlObject {
  const from = new Reader(bytes);
  const value = codec.read(from);
  if (from.left !== 0) {
    throw new WireError('WIRE_TRAILING', `${from.left} bytes behind a ${value.kind}`, { left: from.left });
  }
  return value;
}

/** Bytes that {@link encode} gives for `value`. */
export function encodedSize(value: TlObject): number {
  return anyObject.size(value);
}

/** Writes `value` boxed into a buffer that has {@link encodedSize} bytes left. */
export function writeBoxed(value: TlObject, to: Writer): void {
  anyObject.write(value, to);
}

/**
 * The bytes of a boxed object: its id, then its fields.
 * @throws {TypeError} for an optional field that contradicts `flags`, {RangeError} for a number its type cannot hold
 */
export function encode(value: TlObject): Buffer {
  const codec = anyObject.of(value);
  const to = new Writer(Buffer.allocUnsafe(ID_SIZE + codec.size(value)));
  to.uint32(codec.id);
  codec.write(value, to);
  return to.bytes;
}

/**
 * Inverse of {@link encode}, for any object of the schema. Buffers of the result are views of `bytes`.
 * @throws {WireError} `WIRE_UNKNOWN_TAG`, `WIRE_TRUNCATED`, `WIRE_TRAILING`, `WIRE_BAD_VALUE`
 */
export function decode(bytes: Uint8Array): TlObject {
  return readAll(anyObject, bytes);
}

/** As {@link decode}, for a query: only functions are known. */
export function decodeFunction(bytes: Uint8Array): TlFunction {
  return readAll(anyFunction, bytes) as TlFunction;
}

/**
 * As {@link decode}, where only one type (`'http.Response'`) or one constructor or function (`'http.request'`) will do;
 * the id of any other is `WIRE_UNKNOWN_TAG`.
 */
export function decodeOf<T extends TlTypeName>(type: T, bytes: Uint8Array): TlOfType<T>;
export function decodeOf<N extends TlName>(name: N, bytes: Uint8Array): Tl<N>;
export function decodeOf(name: string, bytes: Uint8Array): unknown {
  return readAll(narrowedCodec(name), bytes);
}
