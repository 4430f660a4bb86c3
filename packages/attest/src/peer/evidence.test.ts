import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { nodeCrypto } from '../crypto/node.ts';
import { MalformedError } from '../malformed.ts';
import {
  decodeEvidence,
  encodeEvidence,
  evidenceDigest,
  MAX_EVIDENCE_BYTES,
  MAX_EVIDENCE_ITEMS,
  type PeerEvidence,
} from './evidence.ts';

const anyBytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength });
const anyEvidence: fc.Arbitrary<PeerEvidence> = fc.record(
  {
    claims: anyBytes(300),
    items: fc.array(
      fc.record(
        {
          kind: fc.constantFrom('tdx', 'sgx', 'sev-snp', 'simulated', 'nvidia-gpu', 'event-log'),
          data: anyBytes(500),
          certificates: fc.oneof(fc.string({ minLength: 1 }), anyBytes(100)),
        },
        { requiredKeys: ['kind', 'data'], noNullPrototype: true },
      ),
      { maxLength: MAX_EVIDENCE_ITEMS },
    ),
  },
  { noNullPrototype: true },
);
const isMalformed = (error: unknown) => error instanceof MalformedError;
const written = (value: unknown) => encode(value, rfc8949EncodeOptions);
const item = { kind: 'tdx', data: new Uint8Array(4) } as const;
const claims = new Uint8Array(10);

it('gives back any evidence it wrote', () => {
  fc.assert(
    fc.property(anyEvidence, (evidence) => assert.deepEqual(decodeEvidence(encodeEvidence(evidence)), evidence)),
  );
});

it('reads no bundle in two ways: what it accepts, it would have written', () => {
  fc.assert(
    fc.property(anyEvidence, fc.nat(), fc.integer({ min: 1, max: 255 }), (evidence, at, flip) => {
      const bytes = encodeEvidence(evidence);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      try {
        assert.deepEqual(encodeEvidence(decodeEvidence(bytes)), bytes);
      } catch (error) {
        assert.ok(isMalformed(error), String(error));
      }
    }),
    { numRuns: 500 },
  );
});

it('answers hostile bytes with MalformedError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => assert.throws(() => decodeEvidence(bytes), isMalformed)),
  );
});

const refused: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['more items than allowed', written({ claims, items: Array(MAX_EVIDENCE_ITEMS + 1).fill(item) })],
  ['more than a mebibyte', written({ claims, items: [{ ...item, data: new Uint8Array(MAX_EVIDENCE_BYTES) }] })],
  ['an item of an unknown kind', written({ claims, items: [{ ...item, kind: 'sev' }] })],
  ['an item named like a method', written({ claims, items: [{ ...item, kind: 'includes' }] })],
  ['an item without data', written({ claims, items: [{ kind: 'tdx' }] })],
  ['an item with empty data', written({ claims, items: [{ ...item, data: new Uint8Array(0) }] })],
  ['an item with a key that nobody knows', written({ claims, items: [{ ...item, note: '' }] })],
  ['certificates that are a list', written({ claims, items: [{ ...item, certificates: [] }] })],
  ['an item that is no map', written({ claims, items: ['tdx'] })],
  ['no claims', written({ items: [] })],
  ['empty claims', written({ claims: new Uint8Array(0), items: [] })],
  ['claims that are not encoded', written({ claims: {}, items: [] })],
  ['a key that nobody knows', written({ claims, items: [], more: [] })],
  ['a mebibyte of nested lists', new Uint8Array(MAX_EVIDENCE_BYTES).fill(0x81)],
  ['a mebibyte of empty lists', new Uint8Array(MAX_EVIDENCE_BYTES).fill(0x80, 5).fill(0x9a, 0, 1).fill(0, 1, 5)],
  [
    'two bundles, one behind the other',
    new Uint8Array([...written({ claims, items: [] }), ...written({ claims, items: [] })]),
  ],
];
for (const [name, bytes] of refused) {
  it(`refuses evidence with ${name}`, () => assert.throws(() => decodeEvidence(bytes), isMalformed));
}

it('refuses to write more than it reads', () => {
  assert.throws(() => encodeEvidence({ claims, items: Array(MAX_EVIDENCE_ITEMS + 1).fill(item) }), isMalformed);
  assert.throws(
    () => encodeEvidence({ claims, items: [{ kind: 'tdx', data: new Uint8Array(MAX_EVIDENCE_BYTES) }] }),
    isMalformed,
  );
});

it('reads a bundle out of a larger buffer without looking at the rest', () => {
  const bytes = encodeEvidence({ claims, items: [item] });
  const around = Buffer.alloc(bytes.length + 20, 0xff);
  around.set(bytes, 10);
  assert.deepEqual(decodeEvidence(around.subarray(10, 10 + bytes.length)), { claims, items: [item] });
});

it('names a bundle by its bytes', () => {
  const one = evidenceDigest({ claims, items: [item] }, nodeCrypto);
  assert.deepEqual(one, evidenceDigest(decodeEvidence(encodeEvidence({ claims, items: [item] })), nodeCrypto));
  assert.notDeepEqual(one, evidenceDigest({ claims, items: [item, item] }, nodeCrypto));
});
