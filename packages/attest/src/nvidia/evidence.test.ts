import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { caseName, collectedIn, gpuCase, gpuCases, gpuInput } from '../../testing/devices-vectors.ts';
import { concat, toHex, utf8 } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { commonName } from '../x509/certificate.ts';
import { readDeviceChain, readIdentity } from './certificates.ts';
import { MAX_EVIDENCE_BYTES, readGpuEvidence } from './evidence.ts';

const asSwitch = (value: boolean | undefined) => (value === undefined ? undefined : value ? 'aa' : '55');

for (const expected of gpuCases) {
  it(`reads every field of ${caseName(expected)}`, () => {
    const { evidence: bytes, certificates } = gpuInput(expected);
    assert.equal(bytes.length, expected.bytes);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), expected.sha256);
    const evidence = readGpuEvidence(bytes);
    assert.equal(toHex(evidence.nonce), expected.nonce);
    assert.equal(evidence.slot, 0);
    assert.equal(evidence.measurements.size, expected.measurementBlocks);
    assert.deepEqual(
      [...evidence.measurements.keys()],
      Array.from({ length: expected.measurementBlocks }, (_, i) => i + 1),
    );
    const lines = [...evidence.measurements].map(([index, value]) => `${index}:${toHex(value)}`);
    assert.equal(createHash('sha384').update(lines.join('\n')).digest('hex'), expected.measurementsSha384);
    assert.deepEqual(
      [...evidence.opaque.keys()].sort((a, b) => a - b),
      expected.opaqueTypes,
    );
    assert.equal(evidence.driverVersion, expected.driverVersion);
    assert.equal(toHex(evidence.opaque.get(6) ?? new Uint8Array()), expected.vbiosOpaque);
    assert.equal(evidence.chipSku, expected.chipSku);
    assert.equal(evidence.project, expected.project);
    assert.equal(evidence.projectSku, expected.projectSku);
    assert.equal(asSwitch(evidence.nvdec0), expected.nvdec0);
    assert.equal(evidence.fwid && toHex(evidence.fwid), expected.fwidInReport);
    assert.equal(asSwitch(evidence.protectedPcie), expected.ppcie);
    assert.equal(evidence.mode, expected.featureFlag === '0200' ? 'protected-pcie' : undefined);
    const [opaqueVersion, featureFlag] = [34, 36].map((type) => evidence.opaque.get(type));
    assert.equal(opaqueVersion && toHex(opaqueVersion), expected.opaqueVersion);
    assert.equal(featureFlag && toHex(featureFlag), expected.featureFlag);

    const chain = readDeviceChain(certificates);
    const identity = readIdentity(chain[0]);
    assert.equal(commonName(chain[0].subject), expected.leafCn);
    assert.equal(identity.chip, expected.leafCn.split(' ')[0]);
    assert.equal(identity.kind, expected.leafCn.startsWith('LS') ? 'switch' : 'gpu');
    assert.equal(identity.serial, expected.leafSerial);
    assert.equal(new Date(chain[0].notBeforeMs).toISOString().slice(0, 10), expected.leafNotBefore);
    assert.deepEqual(identity.firmware.map(toHex), expected.fwidsInCertificate);
    if (expected.index !== undefined) {
      const collected = collectedIn(expected)[expected.index];
      assert.equal(collected?.nonce.replace(/^0x/, ''), expected.nonceField);
      assert.equal(collected?.arch, expected.arch);
    }
  });
}

it('prints VBIOS versions as reference values name them', () => {
  const versions = gpuCases.map((entry) => readGpuEvidence(gpuInput(entry).evidence).vbiosVersion);
  assert.deepEqual(versions.slice(0, 5), [
    '96.00.5E.00.01',
    '96.00.9F.00.01',
    '96.00.A5.00.01',
    '97.00.88.00.0F',
    '96.10.55.00.01',
  ]);
});

const { evidence: sample } = gpuInput(gpuCase('h100-550.90.07.bin'));
const opaqueAt = 45 + 3_520 + 32;

/** The sample with other opaque entries; its signature does not fit any more. */
function withOpaque(...entries: readonly Uint8Array[]): Uint8Array {
  const all = concat(...entries);
  const size = Uint8Array.of(all.length & 0xff, all.length >> 8);
  return concat(sample.subarray(0, opaqueAt), size, all, sample.subarray(-96));
}
const entry = (type: number, value: Uint8Array) =>
  concat(Uint8Array.of(type & 0xff, type >> 8, value.length & 0xff, value.length >> 8), value);

it('refuses evidence that is cut, longer, or made of other messages', () => {
  for (const length of [0, 1, 36, 37, 44, 45, 100, 3_565, 3_597, 4_021, sample.length - 1])
    assert.throws(() => readGpuEvidence(sample.subarray(0, length)), MalformedError, `${length} bytes`);
  assert.throws(() => readGpuEvidence(concat(sample, Uint8Array.of(0))), MalformedError);
  assert.throws(() => readGpuEvidence(new Uint8Array(MAX_EVIDENCE_BYTES + 1)), MalformedError);
  for (const [offset, value] of [
    [0, 0x12],
    [1, 0xe1],
    [37, 0x12],
    [38, 0x61],
    [41, 63],
    [41, 65],
    [42, 0xbf],
    [45, 0],
    [45, 2],
    [46, 2],
    [47, 0x32],
    [50, 0x2f],
    [50, 0x31],
  ] as const)
    assert.throws(() => readGpuEvidence(sample.with(offset, value)), MalformedError, `byte ${offset}`);
});

it('refuses an opaque entry that comes twice, is cut, or says what nobody can read', () => {
  assert.equal(readGpuEvidence(withOpaque(entry(3, utf8('1.2')))).driverVersion, '1.2');
  const bad = [
    [entry(3, utf8('1.2')), entry(3, utf8('1.3'))],
    [entry(3, utf8('1.2')).subarray(0, 5)],
    [entry(3, utf8('1.2 or 1.3'))],
    [entry(3, utf8('1\0.2'))],
    [entry(3, new Uint8Array(4))],
    [entry(3, new Uint8Array(300).fill(0x31))],
    [entry(11, Uint8Array.of(1))],
    [entry(21, Uint8Array.of(0xaa, 0xaa))],
    [entry(20, new Uint8Array(47))],
    [entry(36, Uint8Array.of(3, 0))],
    [entry(36, Uint8Array.of(2))],
  ];
  for (const entries of bad) assert.throws(() => readGpuEvidence(withOpaque(...entries)), MalformedError);
});

it('answers hostile bytes with MalformedError and nothing else', () => {
  const edits = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 20 });
  fc.assert(
    fc.property(edits, fc.nat(sample.length), (places, length) => {
      const copy = sample.slice(0, length);
      for (const [at, value] of places) if (at < length) copy[at] = value;
      try {
        readGpuEvidence(copy);
      } catch (error) {
        assert.ok(error instanceof MalformedError);
      }
    }),
  );
});
