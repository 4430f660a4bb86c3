/** Records of Intel platforms: one for each TEE, FMSPC and CA, nine texts as a PCCS gives them. */
import {
  type AttestCrypto,
  COLLATERAL_FIELDS,
  type Collateral,
  type CollateralNeed,
  commonName,
  judgeCollateral,
  type OpenedCollateral,
  openCollateral,
} from '@bombyx/attest';
import { EvidenceError } from '../errors.ts';
import { type RecordKind, refusal, type Standing } from './record.ts';

export interface IntelOptions {
  readonly crypto: AttestCrypto;
  /** DER of a root to believe in place of Intel's. */
  readonly root?: Uint8Array;
}

export function intelRecords({ crypto, root }: IntelOptions): RecordKind<CollateralNeed, Collateral> {
  const open = (collateral: Collateral) => openCollateral(collateral, { crypto, root });
  return {
    name: 'intel',
    keyOf({ tee, fmspc, ca }) {
      if (!/^[0-9a-f]{12}$/.test(fmspc)) throw new EvidenceError('COLLATERAL_UNKNOWN', 'an FMSPC is 12 hex digits');
      return `${tee}-${fmspc}-${ca}`;
    },
    encode: (collateral) => `${JSON.stringify(collateral, [...COLLATERAL_FIELDS], 1)}\n`,
    decode: (text) => readCollateral(JSON.parse(text)),
    needOf: (collateral) => needOf(open(collateral)),
    judge(collateral, need, atMs) {
      const opened = open(collateral);
      const failures = judgeCollateral(opened, atMs ?? issuedAtMs(opened));
      if (failures.length > 0) throw refusal(failures, atMs !== undefined && atMs < issuedAtMs(opened));
      const is = needOf(opened);
      if (is.tee !== need.tee || is.fmspc !== need.fmspc || is.ca !== need.ca) {
        const message = `collateral of ${is.tee} ${is.fmspc} ${is.ca} instead of ${need.tee} ${need.fmspc} ${need.ca}`;
        throw new EvidenceError('COLLATERAL_REFUSED', message);
      }
      return standingOf(opened);
    },
  };
}

/** Exactly the nine fields, all texts. @throws {EvidenceError} `COLLATERAL_REFUSED` */
export function readCollateral(value: unknown): Collateral {
  if (typeof value === 'object' && value !== null) {
    const texts = value as Record<string, unknown>;
    const complete = COLLATERAL_FIELDS.every((field) => typeof texts[field] === 'string');
    if (complete && Object.keys(texts).length === COLLATERAL_FIELDS.length) return texts as unknown as Collateral; // checked here
  }
  throw new EvidenceError('COLLATERAL_REFUSED', 'collateral has nine texts, by the names that a PCCS gives them');
}

function needOf({ tcbInfo, pckCa }: OpenedCollateral): CollateralNeed {
  const { id = '', fmspc = '' } = tcbInfo.value ?? {};
  const tee = { TDX: 'tdx', SGX: 'sgx' } as const;
  const subject = pckCa.authority?.certificate.subject;
  const name = (subject && commonName(subject)) ?? '';
  const ca = { 'Intel SGX PCK Platform CA': 'platform', 'Intel SGX PCK Processor CA': 'processor' } as const;
  if (id in tee && name in ca) {
    return { tee: tee[id as keyof typeof tee], fmspc, ca: ca[name as keyof typeof ca] }; // just looked up
  }
  throw new EvidenceError('COLLATERAL_REFUSED', 'collateral that names no TEE or no CA');
}

/** All parts can be read, or `judgeCollateral` had complained. */
function standingOf(opened: OpenedCollateral): Standing {
  const { tcbInfo, qeIdentity, pckCrl, rootCrl, expiresAtMs } = opened;
  const dates = [tcbInfo.value?.issuedAtMs, qeIdentity.value?.issuedAtMs, pckCrl.crl?.thisUpdateMs];
  const numbers = [tcbInfo.value?.evaluationNumber, qeIdentity.value?.evaluationNumber];
  const ages = [...dates, rootCrl.crl?.thisUpdateMs, ...numbers].map((age) => age ?? 0);
  return { ages, issuedAtMs: issuedAtMs(opened), expiresAtMs };
}

/** When the newest of the parts that are made each month was issued; the CRL of the root is made once a year. */
function issuedAtMs({ tcbInfo, qeIdentity, pckCrl, rootCrl }: OpenedCollateral): number {
  const dates = [tcbInfo.value?.issuedAtMs, qeIdentity.value?.issuedAtMs];
  const lists = [pckCrl.crl?.thisUpdateMs, rootCrl.crl?.thisUpdateMs];
  return Math.max(...[...dates, ...lists].map((date) => date ?? 0));
}
