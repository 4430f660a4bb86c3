/**
 * Judges a SEV-SNP report: signed by a chip that AMD made, at the security versions it names. What the guest allows its
 * host (DEBUG and the like) is reported, and left to policy. Source: attestation.md §18.4.
 */
import { attempt } from '../attempt.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { type ChipReason, type SnpCertificates, type SnpOptions, verifyChip } from './chip.ts';
import { readSnpReport, type SnpFinding, type SnpReport, snpFindings } from './report.ts';
import { type AmdProduct, productOf, readTcb, type SnpTcb } from './tcb.ts';

export type { SnpCertificates, SnpOptions } from './chip.ts';

export type SnpReason = 'SNP_FORMAT' | ChipReason | 'SNP_SIGNER' | 'SNP_SIGNATURE';

export type SnpVerdict =
  | {
      readonly ok: true;
      readonly report: SnpReport;
      readonly product: AmdProduct;
      /** The reported TCB, which the VCEK is made from. */
      readonly tcb: SnpTcb;
      readonly chipId: Uint8Array;
      readonly measurement: Uint8Array;
      readonly policyFindings: readonly SnpFinding[];
      /** Whether a list of revoked certificates was consulted: a policy may insist. */
      readonly revocation: 'good' | 'not given';
      readonly expiresAtMs: number;
    }
  | {
      readonly ok: false;
      readonly failures: readonly Failure<SnpReason>[];
      /** What it says, without any reason to believe it. */
      readonly report?: SnpReport;
      readonly policyFindings: readonly SnpFinding[];
    };

/**
 * Never throws.
 * @param bytes 1184
 * @returns every check that failed: form, certificates of the chip, kind of key, signature
 */
export function verifySnp(bytes: Uint8Array, certificates: SnpCertificates, options: SnpOptions): SnpVerdict {
  const report = attempt(() => readSnpReport(bytes));
  if (report instanceof MalformedError)
    return { ok: false, failures: [{ code: 'SNP_FORMAT', message: report.message }], policyFindings: [] };
  const { chipId, reportedTcb, signer, signed, signature, measurement } = report;
  const product = productOf(report);
  const tcbOf = (certified: AmdProduct) => readTcb(reportedTcb, certified);
  const chip = verifyChip(certificates, { product, chipId, tcbOf }, options);
  const failures: Failure<SnpReason>[] = chip.ok ? [] : [...chip.failures];
  const fail = (code: SnpReason, message: string) => failures.push({ code, message });
  // version 2 does not name its processor; later ones do, and what they name must be known
  if (product === undefined && report.cpu !== undefined) fail('SNP_PRODUCT', 'the report is of an unknown processor');
  if (report.chipMasked) fail('SNP_CHIP_ID', 'the report hides its chip');
  if (signer !== 'vcek') fail('SNP_SIGNER', `signed by a key of kind ${signer}, not by the chip's own`);
  // without a certificate to speak of, there is no key that could have signed or not
  const isSigned = chip.key?.kind === 'p384' && chip.key.verify('ecdsa-sha384', signed, signature);
  if (!isSigned && (chip.ok || chip.key !== undefined))
    fail('SNP_SIGNATURE', 'the report is not signed by the key of its certificate');
  const policyFindings = snpFindings(report);
  if (!chip.ok || failures.length > 0) return { ok: false, failures, report, policyFindings };
  const { tcb, revocation, expiresAtMs } = chip;
  return { ok: true, report, product: chip.product, tcb, chipId, measurement, policyFindings, revocation, expiresAtMs };
}
