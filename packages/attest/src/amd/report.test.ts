import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { snpCases, snpInput } from '../../testing/devices-vectors.ts';
import { toHex } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { readSnpReport, SNP_REPORT_BYTES, snpFindings } from './report.ts';
import { readTcb } from './tcb.ts';

for (const expected of snpCases) {
  it(`reads every field of ${expected.file}`, () => {
    const { report: bytes } = snpInput(expected);
    assert.equal(bytes.length, expected.bytes);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), expected.sha256);
    const report = readSnpReport(bytes);
    assert.equal(report.version, expected.version);
    assert.equal(report.guestSvn, expected.guestSvn);
    assert.equal(`0x${report.policy.bits.toString(16)}`, expected.policy);
    assert.equal(report.policy.debug, expected.debugAllowed);
    assert.equal(report.policy.migrationAgent, expected.migrationAgentAllowed);
    assert.equal(report.policy.smt, expected.smtAllowed);
    assert.equal(report.vmpl, expected.vmpl);
    assert.equal(report.signatureAlgorithm, expected.signatureAlgo);
    assert.equal(toHex(report.currentTcb), expected.currentTcb);
    assert.equal(`0x${report.platformInfo.toString(16)}`, expected.platformInfo);
    assert.equal(toHex(report.reportData), expected.reportData);
    assert.equal(toHex(report.measurement), expected.measurement);
    assert.equal(toHex(report.hostData), expected.hostData);
    assert.equal(toHex(report.reportedTcb), expected.reportedTcb);
    assert.equal(toHex(report.chipId), expected.chipId);
    assert.equal(toHex(report.committedTcb), expected.committedTcb);
    assert.equal(toHex(report.launchTcb), expected.launchTcb);
    assert.equal(report.signer, 'vcek');
    assert.equal(report.chipMasked, false);
    assert.deepEqual(snpFindings(report), expected.policyFindings);
  });
}

it('finds the bytes of a TCB where each product has them', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const old = { bootLoader: 1, tee: 2, snp: 7, microcode: 8 };
  assert.deepEqual(readTcb(bytes, 'Milan'), old);
  assert.deepEqual(readTcb(bytes, 'Genoa'), old);
  assert.deepEqual(readTcb(bytes, 'Turin'), { fmc: 1, bootLoader: 2, tee: 3, snp: 4, microcode: 8 });
});

it('refuses another size, version or algorithm, and bytes hidden in the unused part of the signature', () => {
  const [first] = snpCases;
  const { report } = snpInput(first as NonNullable<typeof first>);
  const edited = (offset: number, value: number) => report.with(offset, value);
  const bad = [
    new Uint8Array(0),
    report.subarray(1),
    new Uint8Array([...report, 0]),
    edited(0, 1),
    edited(0, 6),
    edited(3, 1),
    edited(52, 2),
    edited(672 + 48, 1),
    edited(672 + 72 + 71, 1),
    edited(672 + 144, 1),
    edited(SNP_REPORT_BYTES - 1, 1),
  ];
  for (const bytes of bad) assert.throws(() => readSnpReport(bytes), MalformedError);
});

it('reads the kind of key that signed, and whether the chip is hidden', () => {
  const { report } = snpInput(snpCases[0] as NonNullable<(typeof snpCases)[0]>);
  const signerOf = (flags: number) => readSnpReport(report.with(72, flags)).signer;
  assert.deepEqual([0, 1, 4, 8, 24, 28].map(signerOf), ['vcek', 'vcek', 'vlek', 'unknown', 'unknown', 'none']);
  assert.equal(readSnpReport(report.with(72, 2)).chipMasked, true);
});

it('tells each way in which a guest lets its host in', () => {
  const { report } = snpInput(snpCases[0] as NonNullable<(typeof snpCases)[0]>);
  const findings = (offset: number, value: number) => snpFindings(readSnpReport(report.with(offset, value)));
  assert.deepEqual(findings(10, 0x0b), ['DEBUG']);
  assert.deepEqual(findings(10, 0x07), ['MIGRATION_AGENT']);
  assert.deepEqual(findings(10, 0x23), ['CXL']);
  assert.deepEqual(findings(10, 0x01), ['POLICY_RESERVED'], 'bit 17 is always one');
  assert.deepEqual(findings(15, 0x80), ['POLICY_RESERVED'], 'nobody knows bit 63');
  assert.deepEqual(findings(48, 3), ['VMPL']);
});

it('answers hostile bytes with MalformedError and nothing else', () => {
  const bytes = fc.uint8Array({ minLength: SNP_REPORT_BYTES - 1, maxLength: SNP_REPORT_BYTES + 1 });
  fc.assert(
    fc.property(bytes, fc.boolean(), (some, plausible) => {
      if (plausible) some.set([2, 0, 0, 0], 0);
      try {
        readSnpReport(some);
      } catch (error) {
        assert.ok(error instanceof MalformedError);
      }
    }),
  );
});
