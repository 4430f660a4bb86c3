/**
 * One machine as its quotes show it: PCK certificates, QE report and attestation key, the same in every quote until the
 * quoting enclave makes a new key. Judged as far as time does not matter, so that it can be remembered.
 */
import { allZero, concat, equalBytes } from '../bytes.ts';
import type { VerifyKey } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { judgeLink, openAuthority } from '../x509/chain.ts';
import type { OpenedCollateral } from './collateral.ts';
import { PCK_CHAIN_TYPE, PCK_NAME, type PckChain, readPckChain } from './pck.ts';
import type { QuotePlatform } from './quote.ts';
import { failure, type IntelFailure } from './reasons.ts';
import { SGX_EXTENSION } from './sgx-extension.ts';

export interface Platform {
  /** Nothing below failed. */
  readonly genuine: boolean;
  /** Undefined when the certificates cannot be read. */
  readonly chain: PckChain | undefined;
  /** Undefined when the bytes are no key. */
  readonly attestationKey: VerifyKey | undefined;
  /** SHA-256 of the PPID. */
  readonly id: Uint8Array | undefined;
  /** Rules 3 to 5. */
  readonly format: readonly IntelFailure[];
  /** The CA certificate of this chain is the one that came with the CRL: what it deserves is told once. */
  readonly sharesCa: boolean;
  /** Rule 7: the CRL is one of the CA in this chain. */
  readonly crlIssuer: readonly IntelFailure[];
  /** Rules 8 and 9, without validity. */
  readonly certification: readonly IntelFailure[];
  readonly revocation: readonly IntelFailure[];
  /** Rules 15 and 16. */
  readonly report: readonly IntelFailure[];
}

const understood: ReadonlySet<string> = new Set([SGX_EXTENSION]);

export function openPlatform(of: QuotePlatform, collateral: OpenedCollateral): Platform {
  const { crypto } = collateral;
  const format: IntelFailure[] = [];
  const chain = readChain(of, collateral, format);
  const judged = chain && judgeChain(chain, of, collateral);
  const bound = crypto.hash('sha256', concat(of.attestationKey, of.qeAuthData));
  const { reportData } = of.qeReport;
  const report = judged?.unsigned ?? [];
  if (!equalBytes(reportData.subarray(0, 32), bound) || !allZero(reportData.subarray(32)))
    report.push(failure('QE_REPORT_DATA', 'the QE report is about another attestation key'));
  const { crlIssuer = [], certification = [], revocation = [] } = judged ?? {};
  const all = [format, crlIssuer, certification, revocation, report];
  return {
    genuine: chain !== undefined && all.every((failures) => failures.length === 0),
    chain,
    attestationKey: crypto.importKey({ kind: 'p256', point: of.attestationKey.slice() }),
    id: chain && crypto.hash('sha256', chain.extension.ppid),
    format,
    sharesCa: judged?.same ?? false,
    crlIssuer,
    certification,
    revocation,
    report,
  };
}

function readChain(
  of: QuotePlatform,
  { root, pckCa }: OpenedCollateral,
  failures: IntelFailure[],
): PckChain | undefined {
  if (of.certificationType !== PCK_CHAIN_TYPE) {
    failures.push(failure('CERT_TYPE', `certification data of type ${of.certificationType}, without certificates`));
    return undefined;
  }
  try {
    const known = [pckCa.authority, root].flatMap((authority) => authority?.certificate ?? []);
    const chain = readPckChain(of, known);
    if (chain.ca === undefined) failures.push(failure('PCK_CHAIN', 'the second certificate is not one of a PCK CA'));
    return chain;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    failures.push(failure('PCK_FORMAT', `the PCK certificates cannot be read: ${error.message}`));
    return undefined;
  }
}

function judgeChain({ leaf, intermediate, root, name }: PckChain, of: QuotePlatform, collateral: OpenedCollateral) {
  const { crypto, pckCa, pckCrl, rootCrl } = collateral;
  const certification: IntelFailure[] = [];
  const wrong = (what: string) => certification.push(failure('PCK_CHAIN', what));
  const trusted = collateral.root;
  if (trusted === undefined || !equalBytes(root.der, trusted.certificate.der))
    wrong('the PCK certificates do not end in the trusted root');
  // The CA of the CRL is the same certificate as a rule, and has been judged.
  const published = pckCa.authority;
  const same = published !== undefined && equalBytes(published.certificate.der, intermediate.der);
  const ca = same ? published : openAuthority(intermediate, crypto);
  const link = same ? pckCa.link : trusted === undefined ? [] : judgeLink(intermediate, trusted, 0);
  for (const what of link) wrong(`the CA certificate ${what}`);
  for (const what of judgeLink(leaf, ca, undefined, understood)) wrong(`the PCK certificate ${what}`);
  if (name !== PCK_NAME) wrong(`the first certificate is not named ${PCK_NAME}`);

  const revocation: IntelFailure[] = [];
  if (rootCrl.crl?.revokes(intermediate.serial))
    revocation.push(failure('PCK_REVOKED', 'the CA certificate of the PCK is revoked'));
  if (pckCrl.crl?.revokes(leaf.serial)) revocation.push(failure('PCK_REVOKED', 'the PCK certificate is revoked'));

  const sameCa =
    published !== undefined &&
    equalBytes(published.certificate.subject, intermediate.subject) &&
    equalBytes(published.certificate.spki, intermediate.spki);
  const crlIssuer = sameCa ? [] : [failure('PCK_CRL_ISSUER', 'the PCK revocation list is one of another CA')];

  const { key } = openAuthority(leaf, crypto);
  const signed = key?.verify('ecdsa-sha256', of.qeReportBytes, of.qeReportSignature) === true;
  const unsigned = signed ? [] : [failure('QE_REPORT_SIGNATURE', 'the QE report is not signed by the PCK')];
  return { same, certification, revocation, crlIssuer, unsigned };
}
