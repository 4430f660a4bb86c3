/**
 * Reads SEV-SNP attestation reports, versions 2 to 5: 1184 bytes, little-endian.
 * Source: attestation.md §18.4; AMD SEV-SNP firmware ABI (56860), "ATTESTATION_REPORT".
 */
import { allZero, ByteReader, concat } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

export const SNP_REPORT_BYTES = 1184;
const SIGNED_BYTES = 672;
/** r and s each take 72 bytes, of which a P-384 number fills 48. */
const NUMBER_BYTES = 72;
const WIDTH = 48;
const ECDSA_P384_SHA384 = 1;

/** Versions whose layout is known. */
const versions: ReadonlySet<number> = new Set([2, 3, 4, 5]);

/** Guest policy: what the guest's owner lets the host do. Bit numbers are those of the ABI. */
export interface SnpPolicy {
  readonly bits: bigint;
  readonly abiMajor: number;
  readonly abiMinor: number;
  readonly smt: boolean;
  readonly migrationAgent: boolean;
  readonly debug: boolean;
  readonly singleSocket: boolean;
  readonly cxl: boolean;
}

/** Who signed: a key of the chip (VCEK), or one that a cloud loaded (VLEK). */
export type SnpSigner = 'vcek' | 'vlek' | 'none' | 'unknown';

const signers: Readonly<Record<number, SnpSigner>> = { 0: 'vcek', 1: 'vlek', 7: 'none' };

/** What a report says. Bytes are views of it; a TCB is its 8 bytes as they stand, to be read by `tcb.ts`. */
export interface SnpReport {
  readonly version: number;
  readonly guestSvn: number;
  readonly policy: SnpPolicy;
  readonly familyId: Uint8Array;
  readonly imageId: Uint8Array;
  readonly vmpl: number;
  readonly signatureAlgorithm: number;
  readonly currentTcb: Uint8Array;
  readonly platformInfo: bigint;
  readonly signer: SnpSigner;
  /** The chip's number is left out of the report; such a report belongs to no certificate. */
  readonly chipMasked: boolean;
  readonly reportData: Uint8Array;
  readonly measurement: Uint8Array;
  readonly hostData: Uint8Array;
  readonly idKeyDigest: Uint8Array;
  readonly authorKeyDigest: Uint8Array;
  readonly reportId: Uint8Array;
  readonly reportedTcb: Uint8Array;
  /** Family and model with their extensions, as CPUID combines them; not in version 2. */
  readonly cpu: { readonly family: number; readonly model: number; readonly stepping: number } | undefined;
  readonly chipId: Uint8Array;
  readonly committedTcb: Uint8Array;
  readonly launchTcb: Uint8Array;
  readonly signed: Uint8Array;
  /** r ‖ s, big-endian, 96 bytes. */
  readonly signature: Uint8Array;
}

/** @throws {MalformedError} another size, version or signature algorithm, or something in reserved bytes of the signature */
export function readSnpReport(bytes: Uint8Array): SnpReport {
  if (bytes.length !== SNP_REPORT_BYTES) throw new MalformedError(`report of ${bytes.length} bytes`);
  const from = new ByteReader(bytes);
  const version = from.uint32();
  if (!versions.has(version)) throw new MalformedError(`report version ${version}`);
  const guestSvn = from.uint32();
  const policy = readPolicy(from.uint64());
  const familyId = from.take(16);
  const imageId = from.take(16);
  const vmpl = from.uint32();
  const signatureAlgorithm = from.uint32();
  if (signatureAlgorithm !== ECDSA_P384_SHA384) throw new MalformedError(`signature algorithm ${signatureAlgorithm}`);
  const currentTcb = from.take(8);
  const platformInfo = from.uint64();
  const flags = from.uint32();
  from.take(4);
  const reportData = from.take(64);
  const measurement = from.take(48);
  const hostData = from.take(32);
  const idKeyDigest = from.take(48);
  const authorKeyDigest = from.take(48);
  const reportId = from.take(32);
  from.take(32); // report id of the migration agent
  const reportedTcb = from.take(8);
  const [family, model, stepping] = from.take(24) as unknown as [number, number, number];
  const chipId = from.take(64);
  const committedTcb = from.take(8);
  from.take(8); // firmware builds, current and committed
  const launchTcb = from.take(8);
  from.take(SIGNED_BYTES - from.at);
  const [r, s] = [from.take(NUMBER_BYTES), from.take(NUMBER_BYTES)];
  if (!allZero(from.take(from.left))) throw new MalformedError('bytes after the signature');
  return {
    version,
    guestSvn,
    policy,
    familyId,
    imageId,
    vmpl,
    signatureAlgorithm,
    currentTcb,
    platformInfo,
    signer: signers[(flags >> 2) & 7] ?? 'unknown',
    chipMasked: (flags & 2) !== 0,
    reportData,
    measurement,
    hostData,
    idKeyDigest,
    authorKeyDigest,
    reportId,
    reportedTcb,
    cpu: version >= 3 ? { family, model, stepping } : undefined,
    chipId,
    committedTcb,
    launchTcb,
    signed: bytes.subarray(0, SIGNED_BYTES),
    signature: concat(bigEndian(r), bigEndian(s)),
  };
}

function bigEndian(number: Uint8Array): Uint8Array {
  if (!allZero(number.subarray(WIDTH))) throw new MalformedError('signature number too large');
  return number.slice(0, WIDTH).reverse();
}

function readPolicy(bits: bigint): SnpPolicy {
  const bit = (at: bigint) => ((bits >> at) & 1n) === 1n;
  return {
    bits,
    abiMinor: Number(bits & 0xffn),
    abiMajor: Number((bits >> 8n) & 0xffn),
    smt: bit(16n),
    migrationAgent: bit(18n),
    debug: bit(19n),
    singleSocket: bit(20n),
    cxl: bit(21n),
  };
}

/** Facts that the vendor's rules do not judge, and a policy must. */
export type SnpFinding =
  /** The host may read the guest's memory. */
  | 'DEBUG'
  /** A migration agent may take the guest elsewhere. */
  | 'MIGRATION_AGENT'
  /** Asked for by something that is not the most privileged level of the guest. */
  | 'VMPL'
  /** Memory may lie on CXL devices, outside the socket. */
  | 'CXL'
  /** Policy bits that are not defined, or bit 17 not set, which always is. */
  | 'POLICY_RESERVED';

/** Bits 0–25 have a meaning; 17 must be one. */
const DEFINED_BITS = 0x3ff_ffffn;

export function snpFindings({ policy, vmpl }: SnpReport): SnpFinding[] {
  const found: [boolean, SnpFinding][] = [
    [policy.debug, 'DEBUG'],
    [policy.migrationAgent, 'MIGRATION_AGENT'],
    [vmpl !== 0, 'VMPL'],
    [policy.cxl, 'CXL'],
    [(policy.bits & ~DEFINED_BITS) !== 0n || ((policy.bits >> 17n) & 1n) === 0n, 'POLICY_RESERVED'],
  ];
  return found.filter(([holds]) => holds).map(([, finding]) => finding);
}
