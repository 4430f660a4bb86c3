import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import fc from 'fast-check';
import { fromHex, toHex } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { type Claims, decodeClaims, encodeClaims, MAX_CLAIMS_BYTES, MAX_GPUS } from './claims.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anyClaims: fc.Arbitrary<Claims> = fc.record(
  {
    version: fc.constant(2 as const),
    role: fc.constantFrom('client', 'proxy', 'worker'),
    publicKey: hash,
    notBeforeSec: fc.maxSafeNat(),
    notAfterSec: fc.maxSafeNat(),
    imageVersion: fc.string({ unit: 'grapheme', maxLength: 20 }),
    specHash: hash,
    model: fc.string({ minLength: 1, maxLength: 100 }),
    gpuDigests: fc.uniqueArray(hash, { maxLength: MAX_GPUS, selector: toHex }),
    gpuNonce: hash,
    promptKey: hash,
    owner: fc.string({ maxLength: 48 }),
    platform: hash,
  },
  {
    requiredKeys: [
      'version',
      'role',
      'publicKey',
      'notBeforeSec',
      'notAfterSec',
      'imageVersion',
      'gpuDigests',
      'owner',
    ],
  },
);

const some = {
  version: 2,
  role: 'worker',
  publicKey: new Uint8Array(32).fill(1),
  notBeforeSec: 1_000,
  notAfterSec: 2_000,
  imageVersion: '1',
  gpuDigests: [],
  owner: '',
} as const satisfies Claims;
const written = (value: unknown) => encode(value, rfc8949EncodeOptions);
const isMalformed = (error: unknown) => error instanceof MalformedError;

it('gives back any claims it wrote, with the GPUs in their one order', () => {
  fc.assert(
    fc.property(anyClaims, (claims) => {
      const gpuDigests = claims.gpuDigests.toSorted((a, b) => Buffer.compare(a, b));
      assert.deepEqual(decodeClaims(encodeClaims(claims)), { ...claims, gpuDigests });
      assert.deepEqual(encodeClaims({ ...claims, gpuDigests: claims.gpuDigests.toReversed() }), encodeClaims(claims));
    }),
  );
});

it('writes the same bytes as ever: peers hash them', () => {
  const expected =
    'a864726f6c6566776f726b6572656f776e6572606776657273696f6e02697075626c69634b657958200101010101010101010101' +
    '0101010101010101010101010101010101010101016a677075446967657374738' +
    '06b6e6f7441667465725365631907d06c696d61676556657273696f6e61316c6e6f744265666f72655365631903e8';
  assert.equal(toHex(encodeClaims(some)), expected);
});

it('reads no byte string in two ways: what it accepts, it would have written', () => {
  fc.assert(
    fc.property(anyClaims, fc.nat(), fc.integer({ min: 1, max: 255 }), (claims, at, flip) => {
      const bytes = encodeClaims(claims);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      try {
        assert.deepEqual(encodeClaims(decodeClaims(bytes)), bytes);
      } catch (error) {
        assert.ok(isMalformed(error), String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});

it('answers hostile bytes with MalformedError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => assert.throws(() => decodeClaims(bytes), isMalformed)),
  );
});

const hex = toHex(encodeClaims(some));
const refused: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['a map of indefinite length', fromHex(`bf${hex.slice(2)}ff`)],
  ['a number with more bytes than it needs', fromHex(hex.replace('1907d0', '1a000007d0'))],
  ['a length with more bytes than it needs', fromHex(hex.replace('5820', '590020'))],
  ['a key that comes twice', fromHex(`a9${hex.slice(2)}6776657273696f6e02`)],
  ['keys in another order', fromHex(`a8${hex.slice(2 + 24)}${hex.slice(2, 2 + 24)}`)],
  ['a key that nobody knows', written({ ...some, debug: 1 })],
  ['a key named __proto__', written(JSON.parse(`{"__proto__":{},"version":2}`))],
  ['bytes behind', fromHex(`${hex}00`)],
  ['a float for a number', fromHex(hex.replace('1907d0', 'fb409f400000000000'))],
  ['a fraction for a number', written({ ...some, notAfterSec: 1.5 })],
  ['a negative number', written({ ...some, notBeforeSec: -1 })],
  ['a number beyond 2^53', written({ ...some, notAfterSec: 2n ** 60n })],
  ['a tag', written({ ...some, notAfterSec: new Tagged(1, 2_000) })],
  ['null for an absent field', written({ ...some, model: null })],
  ['an empty model', written({ ...some, model: '' })],
  ['text that is no UTF-8', fromHex(hex.replace('6131', '61ff'))],
  ['a short key', written({ ...some, publicKey: new Uint8Array(31) })],
  ['a key as text', written({ ...some, publicKey: 'key' })],
  ['version 1', written({ ...some, version: 1 })],
  ['version 3', written({ ...some, version: 3 })],
  ['another role', written({ ...some, role: 'router' })],
  ['a missing field', written({ ...some, owner: undefined })],
  ['a list in place of the map', written([some])],
  ['null in place of the map', written(null)],
  ['bytes in place of the map', written(new Uint8Array(4))],
  [
    'GPU digests in descending order',
    written({ ...some, gpuDigests: [new Uint8Array(32).fill(2), new Uint8Array(32)] }),
  ],
  ['a GPU digest twice', written({ ...some, gpuDigests: [new Uint8Array(32), new Uint8Array(32)] })],
  ['a GPU digest of 31 bytes', written({ ...some, gpuDigests: [new Uint8Array(31)] })],
  ['a GPU digest that is text', written({ ...some, gpuDigests: ['digest'] })],
  [
    'more GPUs than a machine has',
    written({ ...some, gpuDigests: Array.from({ length: MAX_GPUS + 1 }, (_, i) => new Uint8Array(32).fill(i)) }),
  ],
  ['a model without end', written({ ...some, model: 'm'.repeat(513) })],
  ['more bytes than claims have', written({ ...some, owner: 'o'.repeat(MAX_CLAIMS_BYTES) })],
  ['a bomb of nested lists', new Uint8Array(MAX_CLAIMS_BYTES).fill(0x81)],
  ['a list that says it has 2^32 entries', fromHex('9affffffff')],
  ['text that says it has 2^53 bytes', fromHex('7b0020000000000000')],
];
for (const [name, bytes] of refused) {
  it(`refuses claims with ${name}`, () => assert.throws(() => decodeClaims(bytes), isMalformed));
}
it('counts values before it builds them, so that no small message makes many', () => {
  const list = Array.from({ length: 50 }, (_, i) => i);
  const bytes = encodeCanonical(list);
  assert.deepEqual(decodeCanonical(bytes, 1_000, 51), list);
  assert.throws(() => decodeCanonical(bytes, 1_000, 50), /too many/);
});

it('refuses to write what nobody would read', () => {
  assert.throws(() => encodeClaims({ ...some, publicKey: new Uint8Array(33) }), isMalformed);
  assert.throws(() => encodeClaims({ ...some, notAfterSec: 1.5 }), isMalformed);
});
