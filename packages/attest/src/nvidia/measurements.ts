/** Finds the reference values of a device among those given, judges them, and compares. Source: attestation.md §14.3. */
import { attempt } from '../attempt.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import type { DeviceIdentity } from './certificates.ts';
import type { GpuEvidence } from './evidence.ts';
import { matchRim, type Rim, type RimMatch, readRim } from './rim.ts';
import { rimProductOf } from './rim-id.ts';
import { type RimReason, verifyRim } from './verify-rim.ts';

export type MeasurementReason =
  | RimReason
  | 'GPU_DRIVER_RIM_MISSING'
  | 'GPU_VBIOS_RIM_MISSING'
  | 'GPU_DRIVER_MEASUREMENTS'
  | 'GPU_VBIOS_MEASUREMENTS'
  | 'GPU_RIM_CONFLICT';

/** What reference values are of. */
export type RimSubject = 'driver' | 'vbios';

export interface MatchedRim extends RimMatch {
  readonly subject: RimSubject;
  readonly version: string;
}

export interface MeasurementOptions {
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  readonly rims: readonly string[] | 'not judged';
  readonly rimRoot?: Uint8Array;
}

interface JudgedMeasurements {
  readonly failures: readonly Failure<MeasurementReason>[];
  readonly rims: readonly MatchedRim[];
  readonly untilMs: number;
}

/** Most files looked at: each is read whole before anything else is known about it. */
const MAX_RIMS = 64;

export function judgeMeasurements(
  evidence: GpuEvidence,
  identity: DeviceIdentity,
  { atMs, crypto, rims, rimRoot }: MeasurementOptions,
): JudgedMeasurements {
  if (rims === 'not judged') return { failures: [], rims: [], untilMs: Number.POSITIVE_INFINITY };
  const failures: Failure<MeasurementReason>[] = [];
  const matched: MatchedRim[] = [];
  const subjects: readonly (readonly [RimSubject, string | undefined])[] =
    identity.kind === 'gpu'
      ? [
          ['driver', evidence.driverVersion],
          ['vbios', evidence.vbiosVersion],
        ]
      : [['vbios', evidence.vbiosVersion]];
  const product = rimProductOf(evidence, identity);
  const opened = rims.slice(0, MAX_RIMS).flatMap((xml) => {
    const rim = attempt(() => readRim(xml));
    if (!(rim instanceof MalformedError)) return [{ xml, rim }];
    failures.push({ code: 'RIM_FORMAT', message: rim.message });
    return [];
  });
  let untilMs = Number.POSITIVE_INFINITY;
  const used: Rim[] = [];
  for (const [subject, version] of subjects) {
    const candidates = opened.filter(({ rim }) => rim.version === version && rim.product === product);
    const verdicts = candidates.map(({ xml }) => verifyRim(xml, { atMs, crypto, ...(rimRoot && { root: rimRoot }) }));
    // the same values may be given twice, signed anew: one good signature is enough
    const good = verdicts.find((verdict) => verdict.ok);
    const found = good ?? verdicts[0];
    if (found?.rim === undefined) {
      failures.push(missing(subject, version));
      continue;
    }
    if (found.ok) untilMs = Math.min(untilMs, found.expiresAtMs);
    else failures.push(...found.failures);
    const match = matchRim(evidence, found.rim);
    matched.push({ subject, version: found.rim.version, ...match });
    used.push(found.rim);
    if (match.mismatched.length > 0 || match.matched === 0) failures.push(differs(subject, match));
  }
  const [first, second] = used;
  const both = [...(first?.measurements.keys() ?? [])].filter((index) => second?.measurements.has(index));
  if (both.length > 0)
    failures.push({ code: 'GPU_RIM_CONFLICT', message: `driver and VBIOS both claim measurements ${both.join(', ')}` });
  return { failures, rims: matched, untilMs };
}

const name = { driver: 'driver', vbios: 'VBIOS' } as const;

function missing(subject: RimSubject, version: string | undefined): Failure<MeasurementReason> {
  return {
    code: subject === 'driver' ? 'GPU_DRIVER_RIM_MISSING' : 'GPU_VBIOS_RIM_MISSING',
    message: `no reference values for ${name[subject]} ${version ?? 'without a version'}`,
    fix: "fetch them from NVIDIA's service of reference values",
  };
}

function differs(subject: RimSubject, { matched, mismatched }: RimMatch): Failure<MeasurementReason> {
  return {
    code: subject === 'driver' ? 'GPU_DRIVER_MEASUREMENTS' : 'GPU_VBIOS_MEASUREMENTS',
    message: `${matched} measurements of the ${name[subject]} are as they should be, not those at ${mismatched.join(', ')}`,
    fix: `install a ${name[subject]} that NVIDIA has published`,
  };
}
