/** What a SEV-SNP report says, believed by nobody yet. */
import { productOf, readSnpReport, readTcb, type SnpReport, snpFindings } from '@bombyx/attest';
import { hex, present, register, type View } from './view.ts';

/** @throws {MalformedError} not a report */
export function viewSnp(bytes: Uint8Array): View {
  const report = readSnpReport(bytes);
  const findings = snpFindings(report);
  const product = productOf(report);
  return {
    title: `SEV-SNP report, version ${report.version}${product === undefined ? '' : `, of a ${product} processor`}`,
    json: { ...snpWords(report), product: product ?? null, policyFindings: findings },
    rows: present([
      ['measurement', hex(report.measurement)],
      ['report data', register(report.reportData)],
      ['host data', register(report.hostData)],
      ['chip', report.chipMasked ? 'hidden' : hex(report.chipId)],
      ['reported TCB', tcbText(report, product)],
      ['guest policy', `0x${report.policy.bits.toString(16)}${report.policy.smt ? ', SMT allowed' : ''}`],
      ['VMPL', report.vmpl],
      ['guest SVN', report.guestSvn],
      ['signed by', report.signer],
      ['findings', findings.length === 0 ? 'none' : findings.join(', ')],
    ]),
  };
}

function tcbText({ reportedTcb }: SnpReport, product: ReturnType<typeof productOf>): string {
  if (product === undefined) return hex(reportedTcb);
  const parts = Object.entries(readTcb(reportedTcb, product)).map(([part, version]) => `${part} ${version}`);
  return parts.join(', ');
}

/** In the words of the test data. */
function snpWords(report: SnpReport): Record<string, unknown> {
  const { policy } = report;
  return {
    version: report.version,
    guestSvn: report.guestSvn,
    policy: `0x${policy.bits.toString(16)}`,
    debugAllowed: policy.debug,
    migrationAgentAllowed: policy.migrationAgent,
    smtAllowed: policy.smt,
    vmpl: report.vmpl,
    signatureAlgo: report.signatureAlgorithm,
    currentTcb: hex(report.currentTcb),
    platformInfo: `0x${report.platformInfo.toString(16)}`,
    reportData: hex(report.reportData),
    measurement: hex(report.measurement),
    hostData: hex(report.hostData),
    reportedTcb: hex(report.reportedTcb),
    chipId: hex(report.chipId),
    committedTcb: hex(report.committedTcb),
    launchTcb: hex(report.launchTcb),
  };
}
