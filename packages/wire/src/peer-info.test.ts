import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { toJson } from '../testing/json.ts';
import { loadVectors, type Refused } from '../testing/vectors.ts';
import { cutPeerInfo, decodePeerInfo, encodePeerInfo, imageHash, WireError } from './index.ts';

interface Accepted {
  readonly name: string;
  readonly hex: string;
  readonly imageHash: string;
  readonly info: object;
}
const vectors = loadVectors<{ accepted: Accepted[]; refused: Refused[]; fakeImageHash: { imageHash: string } }>(
  'peer-info',
);

for (const { name, hex, imageHash: hash, info } of vectors.accepted) {
  it(`reads and writes ${name}`, () => {
    const bytes = Buffer.from(hex, 'hex');
    const decoded = decodePeerInfo(bytes);
    assert.deepEqual(toJson(decoded), { attestation: undefined, ...info });
    assert.deepEqual(encodePeerInfo(decoded), bytes);
    assert.equal(imageHash(decoded.attestation).toString('hex'), hash);
  });
}

for (const { name, hex, code } of vectors.refused) {
  it(`refuses ${name}`, () => {
    assert.throws(() => decodePeerInfo(Buffer.from(hex, 'hex')), { code });
  });
}

it('gives a peer of the policy fake_tdx the image hash the C++ programs give it', () => {
  const body = Buffer.concat([Buffer.alloc(384), Buffer.alloc(64, 0xaa)]);
  assert.equal(imageHash({ kind: 'tdx', body }).toString('hex'), vectors.fakeImageHash.imageHash);
  assert.equal(body[447], 0xaa, 'the attestation itself is left as it is');
});

it('waits until the peer info is complete and leaves what follows it', () => {
  const bytes = Buffer.from(vectors.accepted[1]!.hex, 'hex');
  for (let size = 0; size < bytes.length; size++) assert.equal(cutPeerInfo(bytes.subarray(0, size)), undefined);
  const cut = cutPeerInfo(Buffer.concat([bytes, Buffer.from('packets')]));
  assert.deepEqual(cut, { info: decodePeerInfo(bytes), size: bytes.length });
});

it('answers hostile bytes with WireError, and writes back what it accepts', () => {
  const vector = fc.constantFrom(...vectors.accepted.map(({ hex }) => hex));
  const property = fc.property(vector, fc.nat(), fc.nat(255), (hex, at, to) => {
    const bytes = Buffer.from(hex, 'hex');
    bytes[at % bytes.length] = to;
    try {
      assert.deepEqual(encodePeerInfo(decodePeerInfo(bytes)), bytes);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  });
  fc.assert(property, { numRuns: 1_000 });
});

it('does not write what no peer would read', () => {
  const info = decodePeerInfo(Buffer.from(vectors.accepted[0]!.hex, 'hex'));
  assert.throws(() => encodePeerInfo({ ...info, sourceAddress: 'x'.repeat(17_000) }), RangeError);
  assert.throws(() => encodePeerInfo({ ...info, collateralRootHash: Buffer.alloc(47) }), RangeError);
  assert.throws(() => encodePeerInfo({ ...info, publicKey: Buffer.alloc(31) }), RangeError);
});
