import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rememberingCrypto } from '../../testing/devices-crypto.ts';
import {
  authority,
  extension,
  makeCertificate,
  makeSigner,
  octets,
  oid,
  pem,
  sequence,
} from '../../testing/devices-pki.ts';
import { makeRim, makeRimMaker, type RimValue } from '../../testing/devices-rim.ts';
import {
  caseName,
  type GpuCase,
  gpuCase,
  gpuCases,
  gpuInput,
  readText,
  turnedBits,
} from '../../testing/devices-vectors.ts';
import { concat, fromHex, toHex } from '../bytes.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { readDeviceChain, readIdentity } from './certificates.ts';
import { readGpuEvidence } from './evidence.ts';
import { rimIdsOf } from './rim-id.ts';
import { type GpuInput, type GpuOptions, type GpuVerdict, verifyGpu } from './verify-gpu.ts';

const crypto = rememberingCrypto();
const atMs = Date.parse('2025-01-15T00:00:00Z');
const device: GpuOptions = { atMs, crypto, rims: 'not judged' };
const codes = (verdict: GpuVerdict) => (verdict.ok ? [] : [...new Set(verdict.failures.map(({ code }) => code))]);

for (const expected of gpuCases) {
  const input = gpuInput(expected);
  const nonce = fromHex(expected.nonce);

  it(`judges ${caseName(expected)} as it must`, () => {
    const verdict = verifyGpu(input, { ...device, crypto: nodeCrypto, nonce });
    const wanted = [
      ...(expected.rootPinned ? [] : ['GPU_ROOT']),
      ...(expected.chain ? [] : ['GPU_CHAIN']),
      ...(expected.signature ? [] : ['GPU_SIGNATURE']),
      ...(expected.fwidMatches === false ? ['GPU_FWID'] : []),
    ];
    assert.deepEqual(codes(verdict), wanted);
    const seen = verdict.ok ? verdict : verdict.seen;
    assert.ok(seen);
    assert.equal(seen.serial, expected.leafSerial);
    assert.equal(seen.driver, expected.driverVersion);
    assert.equal(seen.fwid && toHex(seen.fwid), expected.fwidInReport);
    assert.equal(seen.mode, modeOf(expected));
    const findings = [...(expected.fwidMatches === null ? ['NO_FWID'] : []), 'NO_REFERENCE_VALUES'];
    assert.deepEqual(seen.policyFindings, findings);
    assert.equal(seen.revocation, 'not given');
  });

  if (!expected.signature) continue;

  it(`refuses ${caseName(expected)} for another nonce, and calls it stale without one`, () => {
    assert.deepEqual(codes(verifyGpu(input, { ...device, nonce: nonce.with(0, 1) })), ['GPU_NONCE']);
    assert.deepEqual(codes(verifyGpu(input, { ...device, nonce: new Uint8Array(0) })), ['GPU_NONCE']);
    const verdict = verifyGpu(input, device);
    assert.ok(verdict.ok && verdict.policyFindings.includes('NOT_FRESH'));
  });

  it(`refuses ${caseName(expected)} with any one bit turned`, () => {
    for (const { bit, copy } of turnedBits(input.evidence, [[0, input.evidence.length]], 1_000)) {
      const verdict = verifyGpu({ ...input, evidence: copy }, device);
      assert.equal(verdict.ok, false, `bit ${bit}`);
    }
  });
}

function modeOf({ ppcie, featureFlag }: GpuCase) {
  if (featureFlag === '0200' || ppcie === 'aa') return 'protected-pcie';
  return ppcie === '55' ? 'single' : undefined;
}

it('refuses one bit turned in the certificates', () => {
  const { evidence, certificates } = gpuInput(gpuCase('blackwell-575.32.bin'));
  const ders = readDeviceChain(certificates).map(({ der }) => der);
  const whole = concat(...ders);
  for (const { bit, copy } of turnedBits(whole, [[0, whole.length]], 1_000)) {
    const chain = ders.map(({ length }, i) => {
      const start = ders.slice(0, i).reduce((sum, before) => sum + before.length, 0);
      return pem(copy.subarray(start, start + length));
    });
    const verdict = verifyGpu({ evidence, certificates: chain.join('') }, device);
    assert.equal(verdict.ok, false, `bit ${bit}`);
  }
});

it('sees four GPUs that answer one nonce as four', () => {
  const four = gpuCases.filter(({ file }) => file.includes('h100x4'));
  assert.equal(four.length, 4);
  const verdicts = four.map((entry) =>
    verifyGpu(gpuInput(entry), { ...device, nonce: fromHex(entry.nonceField ?? '') }),
  );
  const serials = verdicts.map((verdict) => (verdict.ok && verdict.mode === 'protected-pcie' ? verdict.serial : ''));
  assert.equal(new Set(serials).size, 4);
  assert.ok(!serials.includes(''));
});

it('takes the first firmware digest of a Blackwell certificate, where the last 48 bytes are none', () => {
  const [leaf] = readDeviceChain(gpuInput(gpuCase('blackwell-575.32.bin')).certificates);
  const [first, second, ...rest] = readIdentity(leaf).firmware;
  assert.deepEqual(second, new Uint8Array(48));
  assert.notDeepEqual(first, second);
  assert.deepEqual(rest, []);
});

it('refuses evidence with the certificates of another device, although both are genuine', () => {
  const { evidence } = gpuInput(gpuCase('h100-535.86.09.bin'));
  const { certificates } = gpuInput(gpuCase('h100-550.90.07.bin'));
  assert.deepEqual(codes(verifyGpu({ evidence, certificates }, device)), ['GPU_SIGNATURE']);
});

it('refuses chains that are short, long, in another order, of another root or no PEM', () => {
  const { evidence, certificates } = gpuInput(gpuCase('h100-550.90.07.bin'));
  const parts = readDeviceChain(certificates).map(({ der }) => pem(der));
  const judge = (chain: readonly (string | undefined)[]) =>
    codes(verifyGpu({ evidence, certificates: chain.join('') }, device));
  assert.deepEqual(judge(parts), []);
  assert.deepEqual(judge(parts.slice(0, 4)), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge([...parts, parts[4]]), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge([]), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge(['<html>busy</html>']), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge(['x'.repeat(100_000)]), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge([parts[0], parts[2], parts[1], parts[3], parts[4]]), ['GPU_CHAIN']);
  assert.deepEqual(judge([parts[1], parts[0], parts[2], parts[3], parts[4]]), ['GPU_CERT_FORMAT']);
  const rimRoot = readText('nvidia/roots/nvidia-rim-root.pem');
  assert.deepEqual(judge([...parts.slice(0, 4), rimRoot]), ['GPU_ROOT', 'GPU_CHAIN']);
  const [leaf] = readDeviceChain(certificates);
  assert.deepEqual(codes(verifyGpu({ evidence, certificates }, { ...device, root: leaf.der })), ['GPU_ROOT']);
  assert.deepEqual(codes(verifyGpu({ evidence, certificates }, { ...device, atMs: 0 })), ['GPU_VALIDITY']);
});

it('refuses certificates that name no firmware, two, or a device of another kind', () => {
  const { evidence } = gpuInput(gpuCase('h100-550.90.07.bin'));
  const dates = { fromMs: Date.parse('2024-01-01T00:00:00Z'), untilMs: Date.parse('2026-01-01T00:00:00Z') };
  const above = ['Device', 'Provisioner', 'Family', 'Root'].map((common) => makeSigner(common, 'p384'));
  const chain = above.map((subject, i) =>
    makeCertificate({ subject, issuer: above[i + 1] ?? subject, serial: i, extensions: [authority], ...dates }),
  );
  const digest = sequence(oid('2.16.840.1.101.3.4.2.2'), octets(new Uint8Array(48)));
  const composite = extension('2.23.133.5.4.1', sequence(Uint8Array.of(2, 1, 0), sequence(), digest));
  const info = extension('2.23.133.5.4.1.1', sequence(concat(Uint8Array.of(0xa6, digest.length), digest)));
  const judge = (common: string, extensions: readonly Uint8Array[]) => {
    const [issuer] = above as [(typeof above)[0]];
    const leaf = makeCertificate({ subject: makeSigner(common, 'p384'), issuer, serial: 9, extensions, ...dates });
    const certificates = [leaf, ...chain].map(pem).join('');
    return codes(verifyGpu({ evidence, certificates }, { ...device, root: chain[3] as Uint8Array }));
  };
  const others = ['GPU_SIGNATURE', 'GPU_FWID'];
  assert.deepEqual(judge('GH100 A01 GSP FMC LF', [composite]), others, 'read as it should be');
  assert.deepEqual(judge('GH100 A01 GSP FMC LF', [info]), others, 'read as it should be');
  assert.deepEqual(judge('GH100 A01 GSP FMC LF', []), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge('GH100 A01 GSP FMC LF', [composite, info]), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge('ConnectX-7', [composite]), ['GPU_CERT_FORMAT']);
  assert.deepEqual(judge('GH100X', [composite]), ['GPU_CERT_FORMAT']);
});

// reference values: of NVIDIA where there are some, and of a maker of our own

const vbiosRim = readText('nvidia/rim/vbios-1010_0200_882_96005E0001.xml');
const driverRim = readText('nvidia/rim/driver-545.00-test.xml');

it('compares with the reference values of this VBIOS, and refuses for want of those of the driver', () => {
  const input = gpuInput(gpuCase('h100-535.86.09.bin'));
  const verdict = verifyGpu(input, { ...device, rims: [driverRim, vbiosRim] });
  assert.deepEqual(codes(verdict), ['GPU_DRIVER_RIM_MISSING']);
  assert.ok(!verdict.ok);
  assert.deepEqual(verdict.seen?.rims, [{ subject: 'vbios', version: '96.00.5E.00.01', matched: 12, mismatched: [] }]);
  assert.deepEqual(codes(verifyGpu(input, { ...device, rims: [] })), [
    'GPU_DRIVER_RIM_MISSING',
    'GPU_VBIOS_RIM_MISSING',
  ]);
});

it('refuses reference values that are out of date or edited, of the right version', () => {
  const input = gpuInput(gpuCase('h100-535.86.09.bin'));
  const bad = readText('nvidia/rim/bad-edited-driver-535.86.09.xml');
  const late = { ...device, atMs: Date.parse('2025-07-01T00:00:00Z'), rims: [bad, vbiosRim] };
  assert.deepEqual(codes(verifyGpu(input, late)), ['RIM_DIGEST', 'GPU_DRIVER_MEASUREMENTS', 'RIM_VALIDITY']);
  assert.deepEqual(codes(verifyGpu(input, { ...device, rims: ['<a', vbiosRim] })), [
    'RIM_FORMAT',
    'GPU_DRIVER_RIM_MISSING',
  ]);
});

const maker = makeRimMaker(Date.parse('2025-01-01T00:00:00Z'), Date.parse('2025-06-01T00:00:00Z'));
const input: GpuInput = gpuInput(gpuCase('h100-550.90.07.bin'));
const measured = readGpuEvidence(input.evidence).measurements;
const value = (index: number): RimValue => ({ index, hashes: [toHex(measured.get(index + 1) ?? new Uint8Array())] });
const wrong = (index: number): RimValue => ({ index, hashes: ['00'.repeat(47).padEnd(96, 'f')] });
const driver = (...values: readonly RimValue[]) => makeRim({ version: '550.90.07', values }, maker);
const vbios = (...values: readonly RimValue[]) => makeRim({ version: '96.00.9F.00.01', values }, maker);
const against = (...rims: readonly string[]) => verifyGpu(input, { ...device, rims, rimRoot: maker.root });

it('believes a GPU whose driver and VBIOS measure as their makers say', () => {
  const verdict = against(
    driver(value(1), { ...value(2), hashes: ['00'.repeat(48), ...value(2).hashes] }),
    vbios(value(9)),
  );
  assert.ok(verdict.ok);
  assert.deepEqual(verdict.policyFindings, ['NOT_FRESH']);
  assert.equal(verdict.expiresAtMs, Date.parse('2025-06-01T00:00:00Z'), 'as long as the shortest certificate');
  assert.deepEqual(
    verdict.rims.map(({ subject, matched }) => [subject, matched]),
    [
      ['driver', 2],
      ['vbios', 1],
    ],
  );
});

it('refuses a measurement that differs, one the device does not have, and values that ask for nothing', () => {
  assert.deepEqual(codes(against(driver(value(1), wrong(2)), vbios(value(9)))), ['GPU_DRIVER_MEASUREMENTS']);
  assert.deepEqual(codes(against(driver(value(1)), vbios(wrong(9)))), ['GPU_VBIOS_MEASUREMENTS']);
  assert.deepEqual(codes(against(driver(value(1)), vbios({ index: 64, hashes: ['00'.repeat(48)] }))), [
    'GPU_VBIOS_MEASUREMENTS',
  ]);
  assert.deepEqual(codes(against(driver(value(1)), vbios({ index: 9, hashes: [] }))), ['GPU_VBIOS_MEASUREMENTS']);
  assert.deepEqual(codes(against(driver(value(1)), vbios())), ['GPU_VBIOS_MEASUREMENTS']);
  const inactive = { ...wrong(9), active: false };
  assert.deepEqual(codes(against(driver(value(1)), vbios(inactive, value(10)))), []);
});

it('asks nothing of the first video decoder while the device says that it is off', () => {
  assert.deepEqual(codes(against(driver(value(1), wrong(35)), vbios(value(9)))), []);
  assert.deepEqual(codes(against(driver(value(1), wrong(36)), vbios(value(9)))), ['GPU_DRIVER_MEASUREMENTS']);
});

it('refuses one measurement that driver and VBIOS both claim', () => {
  assert.deepEqual(codes(against(driver(value(1), value(9)), vbios(value(9)))), ['GPU_RIM_CONFLICT']);
});

it('takes no values of another chip for the same version', () => {
  const other = makeRim({ version: '550.90.07', product: 'GB100', values: [value(1)] }, maker);
  assert.deepEqual(codes(against(other, vbios(value(9)))), ['GPU_DRIVER_RIM_MISSING']);
});

it('is content with one good signature when the same values come twice', () => {
  const old = makeRimMaker(Date.parse('2023-01-01T00:00:00Z'), Date.parse('2024-06-01T00:00:00Z'));
  const outdated = makeRim({ version: '550.90.07', values: [value(1)] }, old);
  assert.deepEqual(codes(against(outdated, driver(value(1)), vbios(value(9)))), []);
});

it('reads no reference values for evidence that no device signed: garbage must stay cheap', () => {
  const garbage = { ...input, evidence: input.evidence.with(-1, 0) };
  const rims = { length: 0 } as unknown as readonly string[]; // whoever reads them fails
  assert.deepEqual(codes(verifyGpu(garbage, { ...device, rims })), ['GPU_SIGNATURE']);
});

it('names the reference values that a device needs as the service of NVIDIA does', () => {
  const ids = (file: string) => {
    const { evidence, certificates } = gpuInput(gpuCase(file));
    return rimIdsOf(readGpuEvidence(evidence), readIdentity(readDeviceChain(certificates)[0])).map(({ id }) => id);
  };
  assert.deepEqual(ids('h100-535.86.09.bin'), [
    'NV_GPU_DRIVER_GH100_535.86.09',
    'NV_GPU_VBIOS_1010_0200_882_96005E0001',
  ]);
  assert.deepEqual(ids('blackwell-575.32.bin'), [
    'NV_GPU_CC_DRIVER_GB100_575.32',
    'NV_GPU_VBIOS_G525_0220_886_970088000F',
  ]);
  assert.deepEqual(ids('switch-ls10.bin'), ['NV_SWITCH_BIOS_5612_0002_890_9610550001']);
});
