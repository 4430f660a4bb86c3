import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { fromF16, multiply, rmsNorm, softmax, unpack } from './tensor.ts';

for (const [bits, value] of [
  [0x0000, 0],
  [0x3c00, 1],
  [0xc000, -2],
  [0x7bff, 65504],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x3555, 0.333251953125],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
] as const) {
  it(`reads the half 0x${bits.toString(16)} as ${value}`, () => assert.equal(fromF16(bits), value));
}

it('unpacks a Q8_0 block as scale times int8', () => {
  const bytes = new Uint8Array(34);
  bytes.set([0x00, 0x38, 1, 0xff, 127, 0x81]); // scale 0.5
  const out = unpack({ name: 'w', dims: [32, 1], type: 8, bytes });
  assert.deepEqual([...out.subarray(0, 5)], [0.5, -0.5, 63.5, -63.5, 0]);
});

it('multiplies like the definition, for any number of rows', () => {
  const sizes = fc.record({
    rows: fc.integer({ min: 1, max: 11 }),
    pairs: fc.integer({ min: 1, max: 8 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(sizes, ({ rows, pairs, seed }) => {
      const columns = pairs * 2;
      const matrix = Float32Array.from({ length: rows * columns }, (_, i) => ((seed + i * 7) % 13) - 6);
      const x = Float32Array.from({ length: columns }, (_, i) => ((seed + i * 5) % 11) - 5);
      const out = new Float32Array(rows);
      multiply(out, matrix, x);
      const expected = Array.from(out, (_, row) =>
        x.reduce((sum, value, i) => sum + value * matrix[row * columns + i]!, 0),
      );
      assert.deepEqual(
        [...out],
        expected.map((value) => value + 0),
      ); // small whole numbers: exact in f32
    }),
  );
});

it('normalises to a root mean square of one', () => {
  const x = Float32Array.of(3, -4, 12, 0);
  rmsNorm(x, x, new Float32Array(4).fill(1), 0);
  assert.ok(Math.abs(Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / 4) - 1) < 1e-6);
});

it('turns large scores into probabilities without overflow, and leaves what lies behind', () => {
  const x = Float32Array.of(1000, 1000, 7);
  softmax(x, 2);
  assert.deepEqual([...x], [0.5, 0.5, 7]);
});
