/** A SEV-SNP report under a policy. Source: attestation.md §8.3, §18.4. */
import { readSnpReport, type SnpFinding, type SnpReport, snpFindings } from '../amd/report.ts';
import { type AmdProduct, claimedProduct, productOf, type SnpTcb } from '../amd/tcb.ts';
import { verifySnp } from '../amd/verify.ts';
import { attempt } from '../attempt.ts';
import { concat, toHex } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { SevSnpPolicy } from '../policy/policy.ts';
import { imageFaults, platformFaults } from '../policy/rules.ts';
import type { Failure } from '../verdict.ts';
import type { JudgedMachine, Machine } from './machine.ts';
import type { JudgeOptions, Trust } from './trust.ts';

export function judgeSnp(data: Uint8Array, policy: SevSnpPolicy, trust: Trust, options: JudgeOptions): JudgedMachine {
  const { amd } = trust;
  if (amd === undefined) return { failures: withoutCertificates(data, policy) };
  const verdict = verifySnp(data, amd, { ...options, ...(amd.roots && { roots: amd.roots }) });
  const { report } = verdict;
  if (report === undefined) return { failures: verdict.ok ? [] : verdict.failures };
  const failures: Failure[] = verdict.ok ? [] : [...verdict.failures];
  const platform = options.crypto.hash('sha256', report.chipId);
  const imageHash = snpImageHash(report.measurement, options.crypto);
  const machine: Machine = {
    tier: 'sev-snp',
    attestation: 'sev-snp',
    genuine: verdict.ok,
    imageHash,
    measurements: { measurement: toHex(report.measurement), hostData: toHex(report.hostData) },
    advisories: [],
    platform,
    reportData: report.reportData,
    expiresAtMs: verdict.ok ? verdict.expiresAtMs : options.atMs,
  };
  failures.push(...productFaults(verdict.ok ? verdict.product : productOf(report), policy.products));
  failures.push(...findingFaults(report));
  if (verdict.ok) {
    failures.push(...tcbFaults(verdict.tcb, policy.minTcb));
    if (verdict.revocation === 'not given') failures.push(revocationUnknown(verdict.product));
  }
  failures.push(...imageFaults(policy.measurements, imageHash));
  failures.push(...platformFaults(policy.platforms, platform, options.platformPeers));
  return { machine, failures };
}

/** Certificates of a product that is not admitted are fetched by nobody: that is what is wrong, not that they are missing. */
function withoutCertificates(data: Uint8Array, { products }: SevSnpPolicy): Failure[] {
  const report = attempt(() => readSnpReport(data));
  if (report instanceof MalformedError) return [{ code: 'SNP_FORMAT', message: report.message }];
  const faults = [...productFaults(claimedProduct(report), products)];
  return faults.length > 0 ? faults : [certificatesMissing];
}

const certificatesMissing: Failure = {
  code: 'SNP_CERTIFICATES_MISSING',
  message: 'no certificates for this chip',
  fix: `name a key service of AMD that answers ("kds"), or give "bombyx attest verify" the certificate of the chip with --vcek FILE and those of its authorities with --chain FILE`,
};

function* productFaults(product: AmdProduct | undefined, products: readonly AmdProduct[]): Generator<Failure> {
  if (product === undefined || products.includes(product)) return;
  const listed = products.join(', ');
  yield {
    code: 'POLICY_PRODUCT',
    message: `the report is of a ${product} processor; the policy admits ${listed}`,
    fix: `run the peer on a processor of ${listed}; list ${product} in "products" only if forged reports of it do no harm: keys of Milan are taken out by software alone`,
  };
}

function revocationUnknown(product: AmdProduct): Failure {
  const list = `https://kdsintf.amd.com/vcek/v1/${product}/crl`;
  return {
    code: 'SNP_CRL_MISSING',
    message: 'no list of revoked certificates was given',
    fix: `download ${list} and give it to "bombyx attest verify" with --crl FILE; parts of a network ask their "kds" for it`,
  };
}

const meaning: Readonly<Record<SnpFinding, string>> = {
  DEBUG: 'the guest may be debugged: its host can read its memory',
  MIGRATION_AGENT: 'a migration agent may take the guest to another machine',
  VMPL: 'the report was not asked for at privilege level 0',
  CXL: "the guest's memory may lie outside the socket",
  POLICY_RESERVED: 'the guest policy has bits that nobody knows',
};

function* findingFaults(report: SnpReport): Generator<Failure> {
  for (const finding of snpFindings(report)) {
    yield {
      code: `POLICY_SNP_${finding}`,
      message: meaning[finding],
      fix: 'launch the guest with the policy of the release: no debugging, no migration agent, VMPL 0',
    };
  }
}

function* tcbFaults(tcb: SnpTcb, least: SevSnpPolicy['minTcb']): Generator<Failure> {
  for (const part of ['bootLoader', 'tee', 'snp', 'microcode', 'fmc'] as const) {
    const wanted = least?.[part];
    const has = tcb[part];
    if (wanted === undefined || (has !== undefined && has >= wanted)) continue;
    yield {
      code: 'POLICY_SNP_TCB',
      message: `security version of ${part} is ${has ?? 'not reported'}; the policy asks for ${wanted}`,
      fix: 'update the firmware of the machine',
    };
  }
}

/** As §8.1 does it for SGX: SHA-256 of the measurement and 64 zero bytes in the place of report data. 32 bytes. */
export function snpImageHash(measurement: Uint8Array, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', concat(measurement, new Uint8Array(64)));
}
