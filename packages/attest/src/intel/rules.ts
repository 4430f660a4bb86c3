/** The rules, in the order of attestation.md §6. What does not depend on time or quote was judged when things were opened. */
import { equalBytes, fromHex } from '../bytes.ts';
import { instant } from '../instant.ts';
import type { Certificate } from '../x509/certificate.ts';
import { includes, type Period, periodOf } from '../x509/chain.ts';
import type { OpenedCollateral, OpenedCrl, SignedDocument } from './collateral.ts';
import type { Platform } from './platform.ts';
import type { Quote } from './quote.ts';
import { failure, type IntelFailure, type IntelReason } from './reasons.ts';
import type { SgxExtension } from './sgx-extension.ts';
import type { Signer } from './signer.ts';
import type { QeIdentity, TcbInfo } from './tcb-info.ts';
import { judgeLevel, type LevelVerdict } from './tcb-level.ts';

const INTEL_QE_VENDOR = fromHex('939a7233f79c4ca9940a0db3957f0607');

export interface Judgement {
  readonly failures: IntelFailure[];
  /** Undefined when something it needs is missing or not genuine. */
  readonly level: LevelVerdict | undefined;
}

export function judgeQuote(quote: Quote, platform: Platform, collateral: OpenedCollateral, atMs: number): Judgement {
  const { chain, attestationKey } = platform;
  const { tcbInfo, qeIdentity } = collateral;
  const mismatches = [...judgeTcbInfo(quote, chain?.extension, tcbInfo), ...judgeQeIdentity(quote, qeIdentity)];
  const report = [...platform.report, ...judgeQeReport(quote, qeIdentity.value)];
  const signed = attestationKey?.verify('ecdsa-sha256', quote.signed, quote.signature) === true;
  const believed = tcbInfo.genuine && qeIdentity.genuine && mismatches.length === 0;
  const level =
    believed && chain && tcbInfo.value && qeIdentity.value
      ? judgeLevel(quote, chain.extension, tcbInfo.value, qeIdentity.value)
      : undefined;
  const failures = [
    ...(equalBytes(quote.qeVendor, INTEL_QE_VENDOR)
      ? []
      : [failure('QE_VENDOR', 'the quoting enclave is not made by Intel')]),
    ...platform.format,
    ...judgeCrls(collateral, platform, atMs),
    ...platform.certification,
    ...(chain ? judgeDates('PCK_VALIDITY', { PCK: chain.leaf, CA: chain.intermediate, root: chain.root }, atMs) : []),
    ...platform.revocation,
    ...judgeSigners(collateral, atMs),
    ...judgeDocuments(collateral, atMs),
    ...mismatches,
    ...report,
    ...(signed ? [] : [failure('QUOTE_SIGNATURE', 'the quote is not signed by its attestation key')]),
    ...(level === undefined || level.ok ? [] : level.failures),
  ];
  return { failures, level };
}

/** What a store must know before it keeps collateral: everything that can be judged without a quote. */
export function judgeCollateral(collateral: OpenedCollateral, atMs: number): IntelFailure[] {
  return [
    ...judgeCrls(collateral, undefined, atMs),
    ...judgeSigners(collateral, atMs),
    ...judgeDocuments(collateral, atMs),
    ...unreadable('TCB_INFO_MISMATCH', 'the TCB info', collateral.tcbInfo),
    ...unreadable('QE_IDENTITY_MISMATCH', 'the QE identity', collateral.qeIdentity),
  ];
}

/** Rules 6 and 7. @param platform undefined to judge the collateral alone */
function judgeCrls(collateral: OpenedCollateral, platform: Platform | undefined, atMs: number): IntelFailure[] {
  const { rootCrl, pckCrl, pckCa } = collateral;
  const ca = pckCa.wrong.map((what) => `the chain of the PCK revocation list: ${what}`);
  if (platform?.sharesCa !== true) {
    ca.push(...pckCa.link.map((what) => `the CA of the PCK revocation list ${what}`));
    if (pckCa.revoked) ca.push('the CA of the PCK revocation list is revoked');
    const late = pckCa.certificates.filter((certificate) => !includes(periodOf(certificate), atMs));
    if (late.length > 0) ca.push('the chain of the PCK revocation list is not valid at this time');
  }
  const issuer = [...ca.map((what) => failure('PCK_CRL_ISSUER', what)), ...(platform?.crlIssuer ?? [])];
  return [...judgeCrl('ROOT', rootCrl, [], atMs), ...judgeCrl('PCK', pckCrl, issuer, atMs)];
}

function judgeCrl(name: 'ROOT' | 'PCK', opened: OpenedCrl, issuer: IntelFailure[], atMs: number): IntelFailure[] {
  const { crl, unreadable, named, signed } = opened;
  const who = name === 'ROOT' ? 'root' : 'PCK';
  if (crl === undefined)
    return [failure(`${name}_CRL_FORMAT`, `the ${who} revocation list cannot be read: ${unreadable}`), ...issuer];
  const failures: IntelFailure[] = [];
  if (!named) failures.push(failure(`${name}_CRL_ISSUER`, `the ${who} revocation list is one of another authority`));
  failures.push(...issuer);
  if (!signed)
    failures.push(failure(`${name}_CRL_SIGNATURE`, `the ${who} revocation list is not signed by its authority`));
  const period = { fromMs: crl.thisUpdateMs, untilMs: crl.nextUpdateMs };
  return [...failures, ...judgePeriod(`${name}_CRL`, `the ${who} revocation list`, period, atMs)];
}

type Dated = 'ROOT_CRL' | 'PCK_CRL' | 'TCB_INFO' | 'QE_IDENTITY';

/** A time that is no number is both too early and too late. */
function judgePeriod(name: Dated, what: string, { fromMs, untilMs }: Period, atMs: number): IntelFailure[] {
  const failures: IntelFailure[] = [];
  const told = (end: string, ms: number) => `${what} ${end} ${instant(ms)}, judged at ${instant(atMs)}`;
  if (!(atMs >= fromMs)) failures.push(failure(`${name}_FUTURE`, told('begins', fromMs)));
  if (!(atMs <= untilMs)) failures.push(failure(`${name}_EXPIRED`, told('ended', untilMs)));
  return failures;
}

function judgeDates(
  code: IntelReason,
  certificates: Readonly<Record<string, Certificate>>,
  atMs: number,
): IntelFailure[] {
  return Object.entries(certificates)
    .filter(([, certificate]) => !includes(periodOf(certificate), atMs))
    .map(([what, { notBeforeMs, notAfterMs }]) => {
      const period = `${instant(notBeforeMs)} to ${instant(notAfterMs)}`;
      return failure(code, `the ${what} certificate is valid from ${period}, judged at ${instant(atMs)}`);
    });
}

/** Rule 10. */
function judgeSigners({ tcbSigner, qeSigner }: OpenedCollateral, atMs: number): IntelFailure[] {
  return [
    ...judgeSigner('TCB_SIGN', 'the chain of the TCB info', tcbSigner, atMs),
    ...judgeSigner('QEID_SIGN', 'the chain of the QE identity', qeSigner, atMs),
  ];
}

function judgeSigner(name: 'TCB_SIGN' | 'QEID_SIGN', what: string, signer: Signer, atMs: number): IntelFailure[] {
  const failures = signer.wrong.map((wrong) => failure(`${name}_CHAIN`, `${what}: ${wrong}`));
  failures.push(...signer.link.map((wrong) => failure(`${name}_CHAIN`, `${what}: its signer ${wrong}`)));
  const [leaf, root] = signer.certificates;
  if (leaf && root) failures.push(...judgeDates(`${name}_VALIDITY`, { signing: leaf, root }, atMs));
  if (signer.revoked) failures.push(failure(`${name}_REVOKED`, `${what}: its signer is revoked`));
  return failures;
}

/** Rules 11 and 12. */
function judgeDocuments({ tcbInfo, qeIdentity }: OpenedCollateral, atMs: number): IntelFailure[] {
  const failures: IntelFailure[] = [];
  if (!tcbInfo.genuine) failures.push(failure('TCB_INFO_SIGNATURE', 'the text of the TCB info is not what was signed'));
  if (!qeIdentity.genuine)
    failures.push(failure('QE_IDENTITY_SIGNATURE', 'the text of the QE identity is not what was signed'));
  if (tcbInfo.value) failures.push(...judgePeriod('TCB_INFO', 'the TCB info', documentPeriod(tcbInfo.value), atMs));
  if (qeIdentity.value)
    failures.push(...judgePeriod('QE_IDENTITY', 'the QE identity', documentPeriod(qeIdentity.value), atMs));
  return failures;
}

function documentPeriod({ issuedAtMs, expiresAtMs }: TcbInfo | QeIdentity): Period {
  return { fromMs: issuedAtMs, untilMs: expiresAtMs };
}

function unreadable(code: IntelReason, what: string, document: SignedDocument<unknown>): IntelFailure[] {
  return document.unreadable === undefined ? [] : [failure(code, `${what} cannot be read: ${document.unreadable}`)];
}

/** Rule 13. */
function judgeTcbInfo(
  { tee }: Quote,
  pck: SgxExtension | undefined,
  document: SignedDocument<TcbInfo>,
): IntelFailure[] {
  const { value } = document;
  if (value === undefined) return unreadable('TCB_INFO_MISMATCH', 'the TCB info', document);
  const failures: IntelFailure[] = [];
  const mismatch = (what: string) => failures.push(failure('TCB_INFO_MISMATCH', `the TCB info is ${what}`));
  if (value.version !== 3) mismatch(`of version ${value.version}, not 3`);
  if (value.id !== tee.toUpperCase()) mismatch(`for ${value.id}, the quote of ${tee.toUpperCase()}`);
  if (pck && value.fmspc !== pck.fmspc) mismatch(`for FMSPC ${value.fmspc}, the machine has ${pck.fmspc}`);
  if (pck && value.pceId !== pck.pceId) mismatch(`for PCE ${value.pceId}, the machine has ${pck.pceId}`);
  return failures;
}

/** Rule 14. */
function judgeQeIdentity({ tee }: Quote, document: SignedDocument<QeIdentity>): IntelFailure[] {
  const { value } = document;
  if (value === undefined) return unreadable('QE_IDENTITY_MISMATCH', 'the QE identity', document);
  const id = tee === 'tdx' ? 'TD_QE' : 'QE';
  if (value.version === 2 && value.id === id) return [];
  const what = `the QE identity is ${value.id} of version ${value.version}, not ${id} of version 2`;
  return [failure('QE_IDENTITY_MISMATCH', what)];
}

/** Rule 17. */
function judgeQeReport({ platform: { qeReport } }: Quote, identity: QeIdentity | undefined): IntelFailure[] {
  if (identity === undefined) return [];
  const wrong: string[] = [];
  if (!equalBytes(masked(qeReport.miscSelect, identity.miscSelectMask), identity.miscSelect)) wrong.push('MISCSELECT');
  if (!equalBytes(masked(qeReport.attributes, identity.attributesMask), identity.attributes)) wrong.push('ATTRIBUTES');
  if (!equalBytes(qeReport.mrSigner, identity.mrSigner)) wrong.push('MRSIGNER');
  if (qeReport.isvProdId !== identity.isvProdId) wrong.push('ISVPRODID');
  return wrong.map((field) => failure('QE_IDENTITY_MISMATCH', `the quoting enclave has another ${field}`));
}

function masked(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => byte & (mask[i] ?? 0));
}
