/**
 * Dense arithmetic in plain loops. Weights are unpacked once into Float32Array: with V8, int8 products need twice the
 * instructions of float ones, and 3 M parameters take only 12 MB (llama.bench.ts measures).
 */
import { Q8_BLOCK, Q8_BLOCK_BYTES, type Tensor, TensorType } from './gguf.ts';

/** The numbers of a tensor as f32, in file order (row after row). The result is a copy, owned by the caller. */
export function unpack({ bytes, type }: Tensor): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case TensorType.f32:
      return unpackEach(bytes.length / 4, (i) => view.getFloat32(i * 4, true));
    case TensorType.f16:
      return unpackEach(bytes.length / 2, (i) => fromF16(view.getUint16(i * 2, true)));
    case TensorType.q8_0:
      return unpackQ8(view);
  }
}

function unpackEach(count: number, read: (index: number) => number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = read(i);
  return out;
}

/** Q8_0: blocks of an f16 scale and 32 int8; number = scale * int8. */
function unpackQ8(view: DataView): Float32Array {
  const blocks = view.byteLength / Q8_BLOCK_BYTES;
  const out = new Float32Array(blocks * Q8_BLOCK);
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += Q8_BLOCK_BYTES) {
    const scale = fromF16(view.getUint16(at, true));
    for (let i = 0; i < Q8_BLOCK; i++) out[to++] = scale * view.getInt8(at + 2 + i);
  }
  return out;
}

/** IEEE 754 binary16 bits to a number. */
export function fromF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * out = matrix · x, for a row-major matrix of out.length rows and x.length (even) columns. Four rows and two columns a
 * step: every x is loaded once for four products, and eight sums keep the CPU's adders busy.
 */
export function multiply(out: Float32Array, matrix: Float32Array, x: Float32Array): void {
  const columns = x.length;
  const rows = out.length;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const r0 = row * columns;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    let a0 = 0,
      a1 = 0,
      b0 = 0,
      b1 = 0,
      c0 = 0,
      c1 = 0,
      d0 = 0,
      d1 = 0;
    for (let i = 0; i < columns; i += 2) {
      const x0 = x[i]!;
      const x1 = x[i + 1]!;
      a0 += matrix[r0 + i]! * x0;
      a1 += matrix[r0 + i + 1]! * x1;
      b0 += matrix[r1 + i]! * x0;
      b1 += matrix[r1 + i + 1]! * x1;
      c0 += matrix[r2 + i]! * x0;
      c1 += matrix[r2 + i + 1]! * x1;
      d0 += matrix[r3 + i]! * x0;
      d1 += matrix[r3 + i + 1]! * x1;
    }
    out[row] = a0 + a1;
    out[row + 1] = b0 + b1;
    out[row + 2] = c0 + c1;
    out[row + 3] = d0 + d1;
  }
  for (; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += matrix[row * columns + i]! * x[i]!;
    out[row] = sum;
  }
}

/** out = x / rms(x) * weight, with `epsilon` under the root. `out` may be `x`. */
export function rmsNorm(out: Float32Array, x: Float32Array, weight: Float32Array, epsilon: number): void {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i]! * x[i]!;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  for (let i = 0; i < x.length; i++) out[i] = x[i]! * scale * weight[i]!;
}

/** x += y */
export function add(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i]! += y[i]!;
}

/** Turns the first `length` numbers of `x` into probabilities, in place. */
export function softmax(x: Float32Array, length: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) most = Math.max(most, x[i]!);
  let sum = 0;
  for (let i = 0; i < length; i++) sum += x[i] = Math.exp(x[i]! - most);
  for (let i = 0; i < length; i++) x[i]! /= sum;
}
