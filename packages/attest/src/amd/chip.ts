/**
 * Judges the certificates of one AMD chip: VCEK ← ASK ← ARK, the last one pinned by product, and whether they are those of
 * the chip and of the security versions asked for. Source: attestation.md §18.4; AMD KDS (57230).
 */
import { attempt } from '../attempt.ts';
import { allZero, equalBytes, toHex } from '../bytes.ts';
import type { AttestCrypto, VerifyKey } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { type Certificate, commonName, readCertificate } from '../x509/certificate.ts';
import { type Authority, hasSignatureOf, isNamedBy } from '../x509/chain.ts';
import { readCrl } from '../x509/crl.ts';
import { judgePath } from '../x509/path.ts';
import { type AmdProduct, readVcek, type SnpTcb, sameTcb, type VcekFacts } from './tcb.ts';

/**
 * SHA-256 of the DER of AMD's roots, each in its edition for VCEKs and VLEKs alike. Milan: attestation.md §6; the others:
 * the roots that google/go-sev-guest is built with.
 */
export const ARK_SHA256: Readonly<Record<AmdProduct, string>> = {
  Milan: '69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd',
  Genoa: '4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1',
  Turin: '1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a',
};

export type ChipReason =
  | 'SNP_CERT_FORMAT'
  | 'SNP_PRODUCT'
  | 'SNP_ROOT'
  | 'SNP_CHAIN'
  | 'SNP_VALIDITY'
  | 'SNP_CRL_FORMAT'
  | 'SNP_CRL_SIGNATURE'
  | 'SNP_CRL_FUTURE'
  | 'SNP_CRL_EXPIRED'
  | 'SNP_REVOKED'
  | 'SNP_CHIP_ID'
  | 'SNP_TCB';

/** What AMD's key service answers for a chip and TCB. */
export interface SnpCertificates {
  /** DER. */
  readonly vcek: Uint8Array;
  /** ASK and ARK, DER. */
  readonly chain: readonly Uint8Array[];
  /** DER, of the ARK. */
  readonly crl?: Uint8Array;
}

export interface SnpOptions {
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  /** DER of ARKs to trust instead of the pinned ones. */
  readonly roots?: readonly Uint8Array[];
}

/** The chip that certificates must be of. */
export interface ChipClaim {
  /** Undefined where nothing but the certificate says it. */
  readonly product: AmdProduct | undefined;
  /** 64 bytes, as reports have it: Turin's 8 bytes and zeros. */
  readonly chipId: Uint8Array;
  /** Its security versions, by the layout of the product. */
  readonly tcbOf: (product: AmdProduct) => SnpTcb;
}

export type ChipVerdict =
  | {
      readonly ok: true;
      readonly product: AmdProduct;
      readonly tcb: SnpTcb;
      /** Whether a list of revoked certificates was consulted: a policy may insist. */
      readonly revocation: 'good' | 'not given';
      readonly expiresAtMs: number;
      readonly key: VerifyKey | undefined;
    }
  | {
      readonly ok: false;
      readonly failures: readonly Failure<ChipReason>[];
      /** Of the VCEK, believed or not; undefined where there is none to be read. */
      readonly key: VerifyKey | undefined;
    };

/** @returns every check that failed: form, product, chain from the root on, revocation, chip, TCB. Never throws */
export function verifyChip(certificates: SnpCertificates, claim: ChipClaim, options: SnpOptions): ChipVerdict {
  const read = attempt(() => {
    const chain = readChain(certificates);
    return { chain, facts: readVcek(chain[0]) };
  });
  if (read instanceof MalformedError)
    return { ok: false, failures: [{ code: 'SNP_CERT_FORMAT', message: read.message }], key: undefined };
  const { chain, facts } = read;
  const { product } = facts;
  const path = judgeChain(chain, product, options);
  const list = judgeCrl(certificates.crl, path.links, options.atMs);
  const failures = [
    ...judgeProduct(chain, product, claim),
    ...path.failures,
    ...list.failures,
    ...judgeIdentity(facts, claim),
  ];
  const key = path.links[0]?.key;
  if (failures.length > 0 || product === undefined) return { ok: false, failures, key };
  return {
    ok: true,
    product,
    tcb: claim.tcbOf(product),
    revocation: certificates.crl === undefined ? 'not given' : 'good',
    expiresAtMs: Math.min(path.untilMs, list.untilMs),
    key,
  };
}

/** VCEK, ASK, ARK. */
type Chain = readonly [Certificate, Certificate, Certificate];

function readChain({ vcek, chain }: SnpCertificates): Chain {
  const [ask, ark] = chain;
  if (ask === undefined || ark === undefined || chain.length !== 2)
    throw new MalformedError(`${chain.length} certificates of authorities, not 2`);
  return [readCertificate(vcek), readCertificate(ask), readCertificate(ark)];
}

/** Claim, VCEK and the names of its authorities must speak of one product: each has its own root and layout of TCBs. */
function judgeProduct(chain: Chain, product: AmdProduct | undefined, claim: ChipClaim): Failure<ChipReason>[] {
  const fail = (message: string): Failure<ChipReason>[] => [{ code: 'SNP_PRODUCT', message }];
  if (product === undefined) return fail('the certificate names no product that is known here');
  if (claim.product !== undefined && claim.product !== product)
    return fail(`the certificate is of ${product}, and ${claim.product} is wanted`);
  const names = chain.map(({ subject }) => attempt(() => commonName(subject)));
  const wanted = ['SEV-VCEK', `SEV-${product}`, `ARK-${product}`];
  return names.every((name, i) => name === wanted[i]) ? [] : fail(`the certificates are not those of ${product}`);
}

const reasonOf = { root: 'SNP_ROOT', chain: 'SNP_CHAIN', validity: 'SNP_VALIDITY' } as const;

function judgeChain(chain: Chain, product: AmdProduct | undefined, { atMs, crypto, roots }: SnpOptions) {
  const pinned = product && ARK_SHA256[product];
  const isRoot = (der: Uint8Array) =>
    roots?.some((root) => equalBytes(root, der)) ??
    (pinned !== undefined && toHex(crypto.hash('sha256', der)) === pinned);
  const path = judgePath(chain, { isRoot, atMs, crypto });
  const failures = path.faults.map(
    ({ problem, message }): Failure<ChipReason> => ({ code: reasonOf[problem], message }),
  );
  return { ...path, failures };
}

/** The list of an ARK is about what the ARK issued: the ASK. AMD takes chips back by the ASK, or by their TCB. */
function judgeCrl(der: Uint8Array | undefined, [, ask, ark]: readonly Authority[], atMs: number) {
  const failures: Failure<ChipReason>[] = [];
  if (der === undefined) return { failures, untilMs: Number.POSITIVE_INFINITY };
  const fail = (code: ChipReason, message: string) => failures.push({ code, message, fix: "fetch AMD's list again" });
  const list = attempt(() => readCrl(der));
  if (list instanceof MalformedError) {
    fail('SNP_CRL_FORMAT', list.message);
    return { failures, untilMs: 0 };
  }
  if (ark === undefined || !isNamedBy(list, ark) || !hasSignatureOf(list, ark))
    fail('SNP_CRL_SIGNATURE', 'the list is not signed by the root');
  if (!(list.thisUpdateMs <= atMs)) fail('SNP_CRL_FUTURE', 'the list is not valid yet');
  if (!(atMs <= list.nextUpdateMs)) fail('SNP_CRL_EXPIRED', 'the list is out of date');
  if (ask === undefined || list.revokes(ask.certificate.serial))
    failures.push({ code: 'SNP_REVOKED', message: 'AMD revoked the authority that issued the certificate' });
  return { failures, untilMs: list.nextUpdateMs };
}

function judgeIdentity(facts: VcekFacts, { chipId, tcbOf }: ChipClaim): Failure<ChipReason>[] {
  const failures: Failure<ChipReason>[] = [];
  if (facts.chipId === undefined || !isChip(chipId, facts.chipId))
    failures.push({ code: 'SNP_CHIP_ID', message: 'the certificate is of another chip' });
  const { product, tcb } = facts;
  if (product !== undefined && (tcb === undefined || !sameTcb(tcb, tcbOf(product))))
    failures.push({ code: 'SNP_TCB', message: 'the certificate is of other security versions than reported' });
  return failures;
}

/** Turin's number has 8 bytes; reports fill it up with zeros. */
function isChip(inReport: Uint8Array, inCertificate: Uint8Array): boolean {
  const size = inCertificate.length;
  if ((size !== 64 && size !== 8) || allZero(inCertificate)) return false;
  return equalBytes(inReport.subarray(0, size), inCertificate) && allZero(inReport.subarray(size));
}
