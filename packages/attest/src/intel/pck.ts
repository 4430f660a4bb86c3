/** Certificates of one CPU inside a quote: leaf, intermediate, root. Source: attestation.md §6, rules 3 to 9. */
import { equalBytes } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { type Certificate, commonName, readCertificate } from '../x509/certificate.ts';
import { readPemCertificates } from '../x509/pem.ts';
import { type Quote, type QuotePlatform, readQuote } from './quote.ts';
import { readSgxExtension, type SgxExtension } from './sgx-extension.ts';

/** Certification data that holds the three certificates. */
export const PCK_CHAIN_TYPE = 5;
export const PCK_NAME = 'Intel SGX PCK Certificate';
export const CA_NAMES = { 'Intel SGX PCK Platform CA': 'platform', 'Intel SGX PCK Processor CA': 'processor' } as const;

export type PckCa = (typeof CA_NAMES)[keyof typeof CA_NAMES];

export interface PckChain {
  readonly leaf: Certificate;
  readonly intermediate: Certificate;
  readonly root: Certificate;
  readonly extension: SgxExtension;
  /** Common name of the leaf. */
  readonly name: string | undefined;
  /** Undefined when the intermediate has a name that is none of Intel's two. */
  readonly ca: PckCa | undefined;
}

/**
 * @param known certificates read before, as CA and root come with every quote
 * @throws {MalformedError} not exactly three certificates in the one PEM form that Intel writes, or no SGX extension
 */
export function readPckChain({ certificationData }: QuotePlatform, known: readonly Certificate[] = []): PckChain {
  const text = new TextDecoder('latin1').decode(certificationData);
  if (!isCanonical(text)) throw new MalformedError('not PEM as Intel writes it');
  const ders = readPemCertificates(text, 3);
  const [leaf, intermediate, root] = ders.map(
    (der) => known.find((before) => equalBytes(before.der, der)) ?? readCertificate(der),
  );
  if (leaf === undefined || intermediate === undefined || root === undefined)
    throw new MalformedError(`${ders.length} certificates, not three`);
  const caName = commonName(intermediate.subject);
  const ca = caName === undefined ? undefined : Object.entries(CA_NAMES).find(([known]) => known === caName)?.[1];
  return { leaf, intermediate, root, extension: readSgxExtension(leaf), name: commonName(leaf.subject), ca };
}

const PEM_TEXT = /^(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----[\r\n]*)+\0?$/;

const LAST_QUANTUM = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)$/;

/** Base64 with no white space but line ends and no unused bits set: a quote must not have many forms. */
function isCanonical(text: string): boolean {
  if (!PEM_TEXT.test(text)) return false;
  const bodies = text
    .replace(/[\r\n]/g, '')
    .split('-----END')
    .slice(0, -1);
  return bodies.every((body) => LAST_QUANTUM.test(body.slice(-4)));
}

/** Which collateral a quote needs. */
export interface CollateralNeed {
  readonly tee: 'tdx' | 'sgx';
  /** 12 lower-case hex digits. */
  readonly fmspc: string;
  readonly ca: PckCa;
}

/** Reads, and judges nothing: do not fetch for a stranger what you would not fetch anyway. @returns undefined for no such quote */
export function collateralNeed(quote: Quote | Uint8Array): CollateralNeed | undefined {
  try {
    const { tee, platform } = quote instanceof Uint8Array ? readQuote(quote) : quote;
    if (platform.certificationType !== PCK_CHAIN_TYPE) return undefined;
    const { ca, extension } = readPckChain(platform);
    return ca && { tee, fmspc: extension.fmspc, ca };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
