/**
 * Image hash, the name of what was booted, as the root contract lists it. It says nothing about TD attributes, XFAM or the
 * TDX module: whoever compares it must judge those too. Source: attestation.md §8.1, §5.4.
 */
import { concat, equalBytes } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { type Quote, readQuote, type SgxBody, type TdBody } from '../intel/quote.ts';
import { MalformedError } from '../malformed.ts';
import { QUOTE_OID } from '../ra-tls.ts';
import type { Failure } from '../verdict.ts';
import { readCertificate } from '../x509/certificate.ts';
import { readPemCertificates } from '../x509/pem.ts';

type Measured = Pick<TdBody, 'mrTd' | 'mrConfigId' | 'mrOwner' | 'mrOwnerConfig' | 'rtmr'>;

/** In place of REPORTDATA, which differs from quote to quote. */
const NO_REPORT_DATA = new Uint8Array(64);
const REGISTER = 48;
/** Eight registers and REPORTDATA. */
const BODY_BYTES = 8 * REGISTER + NO_REPORT_DATA.length;
const TD_REPORT_BYTES = 1024;
/** Longest file that is looked at: a certificate with its quote in PEM stays below. */
const MAX_FILE_BYTES = 256 * 1024;

/** @returns 32 bytes */
export function imageHash(of: Pick<Quote, 'body'> | SgxBody | Measured, crypto: AttestCrypto): Uint8Array {
  if ('body' in of) return imageHash(of.body, crypto);
  if ('mrEnclave' in of) return crypto.hash('sha256', concat(of.mrEnclave, NO_REPORT_DATA));
  const { mrTd, mrConfigId, mrOwner, mrOwnerConfig, rtmr } = of;
  return crypto.hash('sha256', concat(mrTd, mrConfigId, mrOwner, mrOwnerConfig, ...rtmr, NO_REPORT_DATA));
}

export type ImageSource = 'quote' | 'certificate' | 'TDREPORT' | 'body';
export type ImageReason = 'IMAGE_MALFORMED' | 'IMAGE_NO_QUOTE';
export type ImageVerdict =
  | { readonly ok: true; readonly hash: Uint8Array; readonly source: ImageSource; readonly tee: Quote['tee'] }
  | { readonly ok: false; readonly failures: readonly Failure<ImageReason>[] };

/**
 * Image hash of whatever a person has at hand: a quote, a certificate with one (DER or PEM), a TDREPORT of 1024 bytes, or
 * the 448 bytes that are hashed. No signature is checked: the hash is what the file says.
 */
export function imageHashOf(file: Uint8Array, crypto: AttestCrypto): ImageVerdict {
  try {
    if (file.length > MAX_FILE_BYTES) throw new MalformedError(`file of ${file.length} bytes`);
    const { source, measured } = readMeasured(file, crypto);
    return { ok: true, hash: imageHash(measured, crypto), source, tee: 'mrEnclave' in measured ? 'sgx' : 'tdx' };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const code = error instanceof NoQuoteError ? 'IMAGE_NO_QUOTE' : 'IMAGE_MALFORMED';
    return {
      ok: false,
      failures: [{ code, message: error.message, fix: 'give a quote, or a certificate that has one' }],
    };
  }
}

class NoQuoteError extends MalformedError {}

function readMeasured(file: Uint8Array, crypto: AttestCrypto): { source: ImageSource; measured: SgxBody | Measured } {
  if (file.length === BODY_BYTES) return { source: 'body', measured: readRegisters(file) };
  if (file.length === TD_REPORT_BYTES && file[0] === 0x81) {
    return { source: 'TDREPORT', measured: readTdReport(file, crypto) };
  }
  const isPem = file[0] === 0x2d;
  if (!isPem && file[0] !== 0x30) return { source: 'quote', measured: readQuote(file).body };
  const der = isPem ? (readPemCertificates(new TextDecoder().decode(file), 1)[0] as Uint8Array) : file; // there is one
  const quote = readCertificate(der).extensions.get(QUOTE_OID);
  if (quote === undefined) throw new NoQuoteError('the certificate has no quote');
  if (quote.value.length === 64) throw new NoQuoteError('the certificate has a stand-in of 64 bytes, not a quote');
  return { source: 'certificate', measured: readQuote(quote.value).body };
}

/** @param bytes MRTD, MRCONFIGID, MROWNER, MROWNERCONFIG and RTMR0…3, and whatever follows */
function readRegisters(bytes: Uint8Array): Measured {
  const register = (n: number) => bytes.subarray(n * REGISTER, (n + 1) * REGISTER);
  return {
    mrTd: register(0),
    mrConfigId: register(1),
    mrOwner: register(2),
    mrOwnerConfig: register(3),
    rtmr: [register(4), register(5), register(6), register(7)],
  };
}

/** Its MAC only the machine can check; that the registers are those of the signed part, anybody can. */
function readTdReport(report: Uint8Array, crypto: AttestCrypto): Measured {
  const [, subtype, version, reserved] = report;
  if (subtype !== 0 || (version !== 0 && version !== 1) || reserved !== 0) {
    throw new MalformedError(`TDREPORT of subtype ${subtype} and version ${version}`);
  }
  if (!equalBytes(crypto.hash('sha384', report.subarray(512)), report.subarray(80, 128))) {
    throw new MalformedError('the registers of this TDREPORT are not those whose hash it carries');
  }
  return readRegisters(report.subarray(528));
}
