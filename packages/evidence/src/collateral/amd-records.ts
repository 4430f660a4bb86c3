/** Records of AMD chips: the certificate of one chip at one TCB, its authorities, and their list of revoked ones. */
import {
  type AmdProduct,
  type AttestCrypto,
  amdProducts,
  MalformedError,
  readCertificate,
  readCrl,
  type SnpCertificates,
  type SnpTcb,
  type VcekNeed,
  verifySnp,
} from '@bombyx/attest';
import { EvidenceError } from '../errors.ts';
import { blankReport } from './blank-report.ts';
import { type RecordKind, refusal } from './record.ts';

export interface ChipRecord {
  readonly need: VcekNeed;
  readonly certificates: SnpCertificates & { readonly crl: Uint8Array };
}

export interface AmdOptions {
  readonly crypto: AttestCrypto;
  /** DER of ARKs to trust in place of the pinned ones. */
  readonly roots?: readonly Uint8Array[];
}

const products: readonly string[] = amdProducts;

export function amdRecords({ crypto, roots }: AmdOptions): RecordKind<VcekNeed, ChipRecord> {
  return {
    name: 'amd',
    keyOf: ({ product, chipId, tcb }) => `${product.toLowerCase()}-${chipId}-${tcbText(tcb)}`,
    encode({ need, certificates: { vcek, chain, crl } }) {
      const texts = { vcek: base64(vcek), chain: chain.map(base64), crl: base64(crl) };
      const { product, chipId, tcb } = need;
      return `${JSON.stringify({ product, chipId, tcb, ...texts }, undefined, 1)}\n`;
    },
    decode: (text) => readChipRecord(JSON.parse(text)),
    needOf: ({ need }) => need,
    judge({ certificates }, need, atMs) {
      const { from, untilMs, crlIssuedAtMs } = datesOf(certificates);
      // a report that nobody signed: what else is wrong is the certificates' own
      const options = { atMs: atMs ?? from, crypto, ...(roots && { roots }) };
      const verdict = verifySnp(blankReport(need), certificates, options);
      const failures = verdict.ok ? [] : verdict.failures.filter(({ code }) => code !== 'SNP_SIGNATURE');
      if (failures.length > 0) throw refusal(failures, options.atMs < from);
      return { ages: [crlIssuedAtMs], issuedAtMs: crlIssuedAtMs, expiresAtMs: untilMs };
    },
  };
}

/** In the order and under the names of the key service. */
export function tcbText({ fmc, bootLoader, tee, snp, microcode }: SnpTcb): string {
  return [fmc, bootLoader, tee, snp, microcode].filter((part) => part !== undefined).join('.');
}

function datesOf({ vcek, chain, crl }: ChipRecord['certificates']) {
  try {
    const certificates = [vcek, ...chain].map(readCertificate);
    const { thisUpdateMs, nextUpdateMs } = readCrl(crl);
    return {
      from: Math.max(thisUpdateMs, ...certificates.map(({ notBeforeMs }) => notBeforeMs)),
      untilMs: Math.min(nextUpdateMs, ...certificates.map(({ notAfterMs }) => notAfterMs)),
      crlIssuedAtMs: thisUpdateMs,
    };
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new EvidenceError('COLLATERAL_REFUSED', `certificates of a chip: ${cause.message}`, {}, { cause });
  }
}

/** @throws {EvidenceError} `COLLATERAL_REFUSED` */
export function readChipRecord(value: unknown): ChipRecord {
  const { product, chipId, tcb, vcek, chain, crl, ...rest } = (value ?? {}) as Record<string, unknown>;
  const named = typeof product === 'string' && products.includes(product);
  const hex = typeof chipId === 'string' && /^[0-9a-f]{128}$/.test(chipId);
  const complete = named && hex && isTcb(tcb) && Array.isArray(chain) && Object.keys(rest).length === 0;
  if (!complete) throw new EvidenceError('COLLATERAL_REFUSED', 'not the record of a chip');
  return {
    need: { product: product as AmdProduct, chipId, tcb }, // one of the list
    certificates: { vcek: bytes(vcek), chain: chain.map(bytes), crl: bytes(crl) },
  };
}

function isTcb(value: unknown): value is SnpTcb {
  if (typeof value !== 'object' || value === null) return false;
  const parts = Object.entries(value);
  const known = ['fmc', 'bootLoader', 'tee', 'snp', 'microcode'];
  const sound = parts.every(([name, svn]) => known.includes(name) && Number.isInteger(svn) && svn >= 0 && svn <= 255);
  return sound && known.slice(1).every((name) => name in value);
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64');
}

function bytes(value: unknown): Uint8Array {
  if (typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    return Uint8Array.from(Buffer.from(value, 'base64'));
  }
  throw new EvidenceError('COLLATERAL_REFUSED', 'not base64');
}
