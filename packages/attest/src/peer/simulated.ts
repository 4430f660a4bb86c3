/**
 * Evidence of a machine that only plays to be confidential. It has the shape of the real ones (a platform key, a root
 * that endorses it, a signature over measurement and REPORTDATA), so that everything around it is exercised, and an
 * anchor of its own: it proves that somebody holds a key which a local root endorsed, and nothing about an enclave.
 */
import { attempt } from '../attempt.ts';
import { concat, equalBytes, fromHex, toHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { decodeCanonical, encodeCanonical, Fields } from './cbor.ts';

export type SimulatedReason = 'SIMULATED_FORMAT' | 'SIMULATED_ROOT' | 'SIMULATED_ENDORSEMENT' | 'SIMULATED_SIGNATURE';

/** A platform as its root endorsed it. */
export interface SimulatedPlatform {
  /** Ed25519, 32 bytes each. */
  readonly root: Uint8Array;
  readonly platformKey: Uint8Array;
  /** Root's signature over {@link endorsementOf}. */
  readonly endorsement: Uint8Array;
}

export interface SimulatedReport extends SimulatedPlatform {
  /** 48 bytes, in the place of MRTD. */
  readonly measurement: Uint8Array;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  readonly signature: Uint8Array;
}

export type SimulatedVerdict =
  | { readonly ok: true; readonly report: SimulatedReport }
  | {
      readonly ok: false;
      readonly failures: readonly Failure<SimulatedReason>[];
      readonly report?: SimulatedReport;
    };

/** Bytes that a root signs to endorse a platform. */
export function endorsementOf(platformKey: Uint8Array): Uint8Array {
  return concat(utf8('bombyx-simulated-platform-v1'), platformKey);
}

/** @param sign Ed25519 with the platform's key */
export function writeSimulated(
  platform: SimulatedPlatform,
  measurement: Uint8Array,
  reportData: Uint8Array,
  sign: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const { root, platformKey, endorsement } = platform;
  const signature = sign(signedBytes({ measurement, reportData }));
  const bytes = encodeCanonical({ root, platformKey, endorsement, measurement, reportData, signature });
  readSimulated(bytes); // wrong sizes are noticed here, not by a peer
  return bytes;
}

/** Inverse of {@link writeSimulated}; believes nothing. @throws {MalformedError} */
export function readSimulated(bytes: Uint8Array): SimulatedReport {
  const fields = new Fields(decodeCanonical(bytes, 1_024, 16), 'simulated evidence');
  const report = {
    root: fields.bytes('root', 32),
    platformKey: fields.bytes('platformKey', 32),
    endorsement: fields.bytes('endorsement', 64),
    measurement: fields.bytes('measurement', 48),
    reportData: fields.bytes('reportData', 64),
    signature: fields.bytes('signature', 64),
  };
  fields.end();
  return report;
}

/** @param roots Ed25519 keys in hex, as a policy lists them */
export function verifySimulated(bytes: Uint8Array, roots: readonly string[], crypto: AttestCrypto): SimulatedVerdict {
  const report = attempt(() => readSimulated(bytes));
  if (report instanceof MalformedError)
    return { ok: false, failures: [{ code: 'SIMULATED_FORMAT', message: report.message }] };
  const failures = [...faults(report, roots, crypto)];
  return failures.length === 0 ? { ok: true, report } : { ok: false, failures, report };
}

function* faults(report: SimulatedReport, roots: readonly string[], crypto: AttestCrypto) {
  const { root, platformKey, endorsement, signature } = report;
  const rootHex = toHex(root);
  const signedBy = (key: Uint8Array, message: Uint8Array, by: Uint8Array) =>
    crypto.importKey({ kind: 'ed25519', bytes: key })?.verify('ed25519', message, by) === true;
  if (!roots.some((listed) => equalBytes(fromHex(listed), root))) {
    yield {
      code: 'SIMULATED_ROOT',
      message: `the platform belongs to the root ${rootHex}, which the policy does not list`,
      fix: 'join the network this machine was made for, or list that root in "roots" if it is yours',
    } as const;
  }
  if (!signedBy(root, endorsementOf(platformKey), endorsement))
    yield { code: 'SIMULATED_ENDORSEMENT', message: 'the root did not endorse this platform' } as const;
  if (!signedBy(platformKey, signedBytes(report), signature))
    yield { code: 'SIMULATED_SIGNATURE', message: 'the platform did not sign this report' } as const;
}

function signedBytes({ measurement, reportData }: Pick<SimulatedReport, 'measurement' | 'reportData'>): Uint8Array {
  return concat(utf8('bombyx-simulated-report-v1'), measurement, reportData);
}

/** What stands for the image hash: never equal to that of a real machine. 32 bytes. */
export function simulatedImageHash(measurement: Uint8Array, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', concat(utf8('bombyx-simulated-image-v1'), measurement));
}
