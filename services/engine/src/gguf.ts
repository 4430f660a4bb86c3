/**
 * Reader of GGUF files, versions 2 and 3, little-endian: header, metadata and tensor directory.
 * Layout: magic "GGUF" | u32 version | u64 tensors | u64 pairs | pairs | tensor infos | padding | tensor data.
 * Source: ggml's docs/gguf.md. Counts and lengths are judged against the bytes left before anything is allocated.
 */
import { EngineError } from './errors.ts';

export type GgufScalar = number | bigint | boolean | string;
export type GgufValue = GgufScalar | readonly GgufValue[];

/** How the numbers of a tensor are stored; values are ggml's type ids. */
export const TensorType = { f32: 0, f16: 1, q8_0: 8 } as const;
export type TensorType = (typeof TensorType)[keyof typeof TensorType];

export interface Tensor {
  readonly name: string;
  /** Innermost dimension first, as in the file: `[columns, rows]` for a matrix. */
  readonly dims: readonly number[];
  readonly type: TensorType;
  /** A view into the file's bytes. */
  readonly bytes: Uint8Array;
}

/** Numbers in one Q8_0 block: an f16 scale, then this many int8. */
export const Q8_BLOCK = 32;
export const Q8_BLOCK_BYTES = 34;

const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  8: 8,
  10: 8,
  11: 8,
  12: 8,
};
const TYPE_STRING = 8;
const TYPE_ARRAY = 9;
const MAX_ARRAY_DEPTH = 4;
const MAX_DIMS = 4;

/** A parsed file. Tensors are views: keep the bytes unchanged while it lives. */
export class Gguf {
  readonly #metadata: ReadonlyMap<string, GgufValue>;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(metadata: ReadonlyMap<string, GgufValue>, tensors: ReadonlyMap<string, Tensor>) {
    this.#metadata = metadata;
    this.#tensors = tensors;
  }

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` if the key is absent and has no `fallback`, or is no number */
  number(key: string, fallback?: number): number {
    const value = this.#metadata.get(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw missing(`the number ${key}`);
    return value;
  }

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` if the key is absent or holds something else */
  string(key: string): string {
    const value = this.#metadata.get(key);
    if (typeof value !== 'string') throw missing(`the string ${key}`);
    return value;
  }

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` if the key is absent or holds something else */
  strings(key: string): readonly string[] {
    const value = this.#metadata.get(key);
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw missing(`the strings ${key}`);
    return value;
  }

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` if the key is absent or holds something else */
  numbers(key: string): readonly number[] {
    const value = this.#metadata.get(key);
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'number')) throw missing(`the numbers ${key}`);
    return value;
  }

  hasTensor(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` if absent or of another shape */
  tensor(name: string, dims: readonly number[]): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw missing(`the tensor ${name}`);
    if (tensor.dims.length !== dims.length || tensor.dims.some((size, i) => size !== dims[i])) {
      throw new EngineError(
        'ENGINE_MODEL_UNSUPPORTED',
        `the tensor ${name} is ${tensor.dims.join('x')}, expected ${dims.join('x')}`,
      );
    }
    return tensor;
  }
}

/** @throws {EngineError} `ENGINE_MODEL_FORMAT` for bytes that break the format, `ENGINE_MODEL_UNSUPPORTED` for a type we do not read */
export function parseGguf(bytes: Uint8Array): Gguf {
  const reader = new GgufReader(bytes);
  if (reader.uint32() !== 0x46554747) throw malformed('does not begin with "GGUF"');
  const version = reader.uint32();
  if (version !== 2 && version !== 3) {
    throw new EngineError('ENGINE_MODEL_UNSUPPORTED', `GGUF version ${version} is not supported`, { version });
  }
  const tensorCount = reader.count(24); // name length, dimension count, type, offset
  const pairCount = reader.count(13); // key length, type, a one-byte value
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairCount; i++) {
    const key = reader.string();
    if (metadata.has(key)) throw malformed('repeats a metadata key');
    metadata.set(key, reader.value(reader.uint32(), 0));
  }
  const infos = Array.from({ length: tensorCount }, () => readTensorInfo(reader));
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1)
    throw malformed('has a bad alignment');
  const dataStart = Math.ceil(reader.offset / alignment) * alignment;
  const tensors = new Map<string, Tensor>();
  for (const { name, dims, type, size, offset } of infos) {
    const start = dataStart + offset;
    if (offset % alignment !== 0 || start + size > bytes.length) throw malformed('places a tensor outside the file');
    if (tensors.has(name)) throw malformed('repeats a tensor name');
    tensors.set(name, { name, dims, type, bytes: bytes.subarray(start, start + size) });
  }
  return new Gguf(metadata, tensors);
}

function readTensorInfo(reader: GgufReader) {
  const name = reader.string();
  const dimCount = reader.uint32();
  if (dimCount < 1 || dimCount > MAX_DIMS) throw malformed(`gives a tensor ${dimCount} dimensions`);
  const dims = Array.from({ length: dimCount }, () => reader.uint64());
  const elements = dims.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(elements) || elements < 1) throw malformed('has a tensor of an impossible size');
  const type = reader.uint32();
  return { name, dims, ...storage(type, elements, dims[0] ?? 0), offset: reader.uint64() };
}

function storage(type: number, elements: number, columns: number): { type: TensorType; size: number } {
  switch (type) {
    case TensorType.f32:
      return { type, size: elements * 4 };
    case TensorType.f16:
      return { type, size: elements * 2 };
    case TensorType.q8_0:
      if (columns % Q8_BLOCK !== 0) throw malformed('has a Q8_0 row that is no multiple of 32');
      return { type, size: (elements / Q8_BLOCK) * Q8_BLOCK_BYTES };
    default:
      throw new EngineError('ENGINE_MODEL_UNSUPPORTED', `tensor type ${type} is not F32, F16 or Q8_0`, { type });
  }
}

class GgufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A u64 that must be a safe integer: sizes and offsets. */
  uint64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > Number.MAX_SAFE_INTEGER) throw malformed('has a size beyond 2^53');
    return Number(value);
  }

  /** A u64 count of things that take at least `leastBytes` each. */
  count(leastBytes: number): number {
    const count = this.uint64();
    if (count * leastBytes > this.#bytes.length - this.offset) throw malformed('counts more than it holds');
    return count;
  }

  string(): string {
    const length = this.count(1);
    const start = this.#take(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('utf8');
  }

  value(type: number, depth: number): GgufValue {
    const at = this.offset;
    switch (type) {
      case 0:
        return this.#view.getUint8(this.#take(1));
      case 1:
        return this.#view.getInt8(this.#take(1));
      case 2:
        return this.#view.getUint16(this.#take(2), true);
      case 3:
        return this.#view.getInt16(this.#take(2), true);
      case 4:
        return this.uint32();
      case 5:
        return this.#view.getInt32(this.#take(4), true);
      case 6:
        return this.#view.getFloat32(this.#take(4), true);
      case 7:
        return this.#view.getUint8(this.#take(1)) !== 0;
      case TYPE_STRING:
        return this.string();
      case TYPE_ARRAY:
        return this.#array(depth);
      case 10:
        return this.#view.getBigUint64(this.#take(8), true);
      case 11:
        return this.#view.getBigInt64(this.#take(8), true);
      case 12:
        return this.#view.getFloat64(this.#take(8), true);
      default:
        throw malformed(`has a value of unknown type ${type} at byte ${at}`);
    }
  }

  #array(depth: number): readonly GgufValue[] {
    if (depth === MAX_ARRAY_DEPTH) throw malformed('nests arrays too deeply');
    const type = this.uint32();
    const count = this.count(SCALAR_BYTES[type] ?? 12); // a nested array: type and count
    return Array.from({ length: count }, () => this.value(type, depth + 1));
  }

  #take(size: number): number {
    const start = this.offset;
    if (size > this.#bytes.length - start) throw malformed('ends too early');
    this.offset = start + size;
    return start;
  }
}

function malformed(what: string): EngineError {
  return new EngineError('ENGINE_MODEL_FORMAT', `the model file ${what}`);
}

function missing(what: string): EngineError {
  return new EngineError('ENGINE_MODEL_UNSUPPORTED', `the model file lacks ${what}`);
}
