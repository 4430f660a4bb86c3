/** Records of NVIDIA's reference values: what one driver or VBIOS measures to, as the XML that NVIDIA signed. */
import { type AttestCrypto, MalformedError, readCertificate, readRim, verifyRim } from '@bombyx/attest';
import { EvidenceError } from '../errors.ts';
import { type RecordKind, refusal } from './record.ts';

export interface RimNeed {
  /** Such as `NV_GPU_DRIVER_GH100_550.144.03`. */
  readonly id: string;
  /** Chip that they must be for, such as `GH100`; undefined: where the name does not tell, nobody asks. */
  readonly product?: string;
}

export interface RimRecord {
  readonly id: string;
  readonly xml: string;
}

export interface RimOptions {
  readonly crypto: AttestCrypto;
  /** DER of a root to trust in place of NVIDIA's. */
  readonly root?: Uint8Array;
}

const ID = /^NV_[A-Za-z0-9_.]{1,125}$/;

export function rimRecords({ crypto, root }: RimOptions): RecordKind<RimNeed, RimRecord> {
  return {
    name: 'nvidia',
    keyOf({ id }) {
      if (!ID.test(id)) throw new EvidenceError('COLLATERAL_UNKNOWN', 'no name of reference values');
      return id.toLowerCase();
    },
    encode: ({ id, xml }) => `${JSON.stringify({ id, rim: xml }, undefined, 1)}\n`,
    decode: (text) => readRimRecord(JSON.parse(text)),
    needOf: ({ id }) => ({ id }),
    judge({ xml }, { id, product }, atMs) {
      const { version, chip, fromMs } = factsOf(xml);
      const verdict = verifyRim(xml, { atMs: atMs ?? fromMs, crypto, ...(root && { root }) });
      if (!verdict.ok) throw refusal(verdict.failures, atMs !== undefined && atMs < fromMs);
      if (!id.endsWith(`_${version}`) && !id.endsWith(`_${version.replaceAll('.', '').toUpperCase()}`)) {
        throw new EvidenceError('COLLATERAL_REFUSED', `reference values of version ${version} instead of ${id}`);
      }
      for (const wanted of [product, chipNamedBy(id)]) {
        if (wanted === undefined || wanted === chip) continue;
        throw new EvidenceError('COLLATERAL_REFUSED', `reference values of ${chip} instead of ${wanted} for ${id}`);
      }
      const { expiresAtMs } = verdict;
      return { ages: [expiresAtMs], issuedAtMs: fromMs, expiresAtMs }; // signed anew, it ends later
    },
  };
}

/** Drivers are named with their chip. */
function chipNamedBy(id: string): string | undefined {
  return /^NV_GPU_(?:CC_)?DRIVER_(.+)_[^_]+$/.exec(id)?.[1];
}

/** @throws {EvidenceError} `COLLATERAL_REFUSED` */
export function readRimRecord(value: unknown): RimRecord {
  const { id, rim, ...rest } = (value ?? {}) as Record<string, unknown>;
  if (typeof id === 'string' && typeof rim === 'string' && ID.test(id) && Object.keys(rest).length === 0) {
    return { id, xml: rim };
  }
  throw new EvidenceError('COLLATERAL_REFUSED', 'not a record of reference values');
}

function factsOf(xml: string): { readonly version: string; readonly chip: string; readonly fromMs: number } {
  try {
    const { version, product, signature } = readRim(xml);
    const dates = signature.certificates.map((der) => readCertificate(der).notBeforeMs);
    return { version, chip: product, fromMs: Math.max(...dates) };
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new EvidenceError('COLLATERAL_REFUSED', `reference values: ${cause.message}`, {}, { cause });
  }
}
