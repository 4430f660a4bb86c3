/**
 * Judges the evidence of an NVIDIA GPU or NVSwitch: measurements ← leaf ← … ← NVIDIA's root, and the measurements against
 * reference values that NVIDIA signed. Source: attestation.md §14.
 */
import { attempt } from '../attempt.ts';
import { equalBytes, toHex } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { judgePath } from '../x509/path.ts';
import { type DeviceIdentity, type DeviceKind, readDeviceChain, readIdentity } from './certificates.ts';
import { type GpuEvidence, type GpuMode, readGpuEvidence } from './evidence.ts';
import { judgeMeasurements, type MatchedRim, type MeasurementReason } from './measurements.ts';
import { judgeRevocation, type OcspGiven, type RevocationReason } from './revocation.ts';
import { DEVICE_ROOT_SHA256 } from './roots.ts';

export type GpuReason =
  | 'GPU_FORMAT'
  | 'GPU_CERT_FORMAT'
  | 'GPU_ROOT'
  | 'GPU_CHAIN'
  | 'GPU_VALIDITY'
  | 'GPU_NONCE'
  | 'GPU_SIGNATURE'
  | 'GPU_FWID'
  | 'GPU_MODE'
  | RevocationReason
  | MeasurementReason;

/** Facts that the vendor's rules do not judge, and a policy must. */
export type GpuFinding =
  /** The evidence names no firmware that could be compared with the certificate's: drivers before about 550. */
  | 'NO_FWID'
  /** Nobody asked for a nonce: the evidence may be old, and another's. */
  | 'NOT_FRESH'
  /** Measurements were compared with nothing. */
  | 'NO_REFERENCE_VALUES';

export interface GpuInput {
  readonly evidence: Uint8Array;
  /** PEM, leaf first. */
  readonly certificates: string;
}

export interface GpuOptions {
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  /** 32 bytes that the evidence must carry. Without, a verdict says NOT_FRESH. */
  readonly nonce?: Uint8Array;
  /**
   * Reference values, XML, of this device and others. A GPU needs those of its driver and of its VBIOS, an NVSwitch those
   * of its VBIOS, or it is refused. In so many words `'not judged'`: the device alone is judged, and the verdict says
   * NO_REFERENCE_VALUES.
   */
  readonly rims: readonly string[] | 'not judged';
  /** What the OCSP responder of NVIDIA said. Without, a verdict says so: a policy may insist. */
  readonly ocsp?: OcspGiven;
  /** DER of roots to trust instead of NVIDIA's. */
  readonly root?: Uint8Array;
  readonly rimRoot?: Uint8Array;
}

/** A device as its evidence describes it. */
export interface GpuDevice {
  readonly kind: DeviceKind;
  /** "GH100". */
  readonly chip: string;
  /** Of the leaf certificate, hexadecimal: seen under two machines, one of them borrowed it. */
  readonly serial: string;
  /** Undefined for an NVSwitch. */
  readonly driver: string | undefined;
  readonly vbios: string | undefined;
  /** Undefined where the device does not say. */
  readonly mode: GpuMode | undefined;
  /** Digest of the firmware; undefined where only the certificate names one. */
  readonly fwid: Uint8Array | undefined;
  readonly nonce: Uint8Array;
  /** Reference values compared with. */
  readonly rims: readonly MatchedRim[];
  readonly policyFindings: readonly GpuFinding[];
  /** NVIDIA's certificates never end: only OCSP takes them back. */
  readonly revocation: 'good' | 'not given' | 'bad';
  readonly expiresAtMs: number;
}

export type GpuVerdict =
  | ({ readonly ok: true } & GpuDevice)
  | {
      readonly ok: false;
      readonly failures: readonly Failure<GpuReason>[];
      /** What it says, without a reason to believe it. */
      readonly seen?: GpuDevice;
    };

/**
 * Never throws.
 * @returns every check that failed, in this order: form, certificates, nonce, signature, firmware, mode, revocation, and
 *   for a genuine device its reference values
 */
export function verifyGpu({ evidence: bytes, certificates }: GpuInput, options: GpuOptions): GpuVerdict {
  const evidence = attempt(() => readGpuEvidence(bytes));
  if (evidence instanceof MalformedError) return refused('GPU_FORMAT', evidence);
  const chain = attempt(() => readDeviceChain(certificates));
  if (chain instanceof MalformedError) return refused('GPU_CERT_FORMAT', chain);
  const identity = attempt(() => readIdentity(chain[0]));
  if (identity instanceof MalformedError) return refused('GPU_CERT_FORMAT', identity);

  const { atMs, crypto, nonce, root } = options;
  const isRoot = (der: Uint8Array) =>
    root === undefined ? toHex(crypto.hash('sha256', der)) === DEVICE_ROOT_SHA256 : equalBytes(der, root);
  const path = judgePath(chain, { isRoot, atMs, crypto });
  const reasonOf = { root: 'GPU_ROOT', chain: 'GPU_CHAIN', validity: 'GPU_VALIDITY' } as const;
  const failures: Failure<GpuReason>[] = path.faults.map(({ problem, message }) => ({
    code: reasonOf[problem],
    message,
  }));
  if (nonce !== undefined && !equalBytes(evidence.nonce, nonce))
    failures.push({ code: 'GPU_NONCE', message: 'the evidence answers another nonce', fix: 'ask the device again' });
  const key = path.links[0]?.key;
  const isSigned = key?.kind === 'p384' && key.verify('ecdsa-sha384', evidence.signed, evidence.signature);
  if (!isSigned)
    failures.push({ code: 'GPU_SIGNATURE', message: 'the evidence is not signed by the key of the device' });
  failures.push(...judgeFirmware(evidence, identity), ...judgeMode(evidence));
  const asked = options.ocsp && judgeRevocation(options.ocsp, path.links, options);
  failures.push(...(asked?.failures ?? []));
  // what no device measured is compared with nothing: reading reference values costs more than all the rest
  const isGenuine = isSigned && path.faults.length === 0;
  const measured = judgeMeasurements(evidence, identity, isGenuine ? options : { ...options, rims: 'not judged' });
  failures.push(...measured.failures);

  const device: GpuDevice = {
    kind: identity.kind,
    chip: identity.chip,
    serial: identity.serial,
    driver: evidence.driverVersion,
    vbios: evidence.vbiosVersion,
    mode: modeOf(evidence),
    fwid: evidence.fwid,
    nonce: evidence.nonce,
    rims: measured.rims,
    policyFindings: findings(evidence, options),
    revocation: asked === undefined ? 'not given' : asked.failures.length === 0 ? 'good' : 'bad',
    expiresAtMs: Math.min(path.untilMs, measured.untilMs, asked?.untilMs ?? Number.POSITIVE_INFINITY),
  };
  return failures.length > 0 ? { ok: false, failures, seen: device } : { ok: true, ...device };
}

function refused(code: GpuReason, { message }: MalformedError): GpuVerdict {
  return { ok: false, failures: [{ code, message }] };
}

/** The firmware that answers is the one the certificate was made for. "The last 48 bytes" of it would be wrong on Blackwell. */
function judgeFirmware({ fwid }: GpuEvidence, { firmware: [certified] }: DeviceIdentity): Failure<GpuReason>[] {
  if (fwid === undefined || (certified !== undefined && equalBytes(fwid, certified))) return [];
  return [{ code: 'GPU_FWID', message: 'the firmware is not the one that the certificate is for' }];
}

/** Newer devices say it twice. */
function judgeMode({ mode, protectedPcie }: GpuEvidence): Failure<GpuReason>[] {
  if (mode === undefined || protectedPcie === undefined || (mode === 'protected-pcie') === protectedPcie) return [];
  return [{ code: 'GPU_MODE', message: 'the device contradicts itself about protected PCIe' }];
}

function modeOf({ mode, protectedPcie }: GpuEvidence): GpuMode | undefined {
  if (mode !== undefined || protectedPcie === undefined) return mode;
  return protectedPcie ? 'protected-pcie' : 'single';
}

function findings({ fwid }: GpuEvidence, { nonce, rims }: GpuOptions): GpuFinding[] {
  const found: [boolean, GpuFinding][] = [
    [fwid === undefined, 'NO_FWID'],
    [nonce === undefined, 'NOT_FRESH'],
    [rims === 'not judged', 'NO_REFERENCE_VALUES'],
  ];
  return found.filter(([holds]) => holds).map(([, finding]) => finding);
}
