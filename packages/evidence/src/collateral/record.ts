/** What all kinds of records have in common: where they come from, and how one is told from an older one. */

import type { Failure } from '@bombyx/attest';
import { EvidenceError } from '../errors.ts';

/** Somebody who can be asked for records of one kind. */
export interface Source<Need, Value> extends AsyncDisposable {
  /** For people and logs. */
  readonly host: string;
  /** Whatever it says, not believed yet. @throws {EvidenceError} `COLLATERAL_…`; the reason of `signal` */
  fetch(need: Need, signal: AbortSignal): Promise<Value>;
}

/** What a good record says of its own age. */
export interface Standing {
  /** Issue dates and evaluation numbers, in a fixed order: none of them may ever go back. */
  readonly ages: readonly number[];
  /** When the last of its parts was issued, and when the first of them ends. Milliseconds. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface RecordKind<Need, Value> {
  /** For people, logs, and the folder of its files. */
  readonly name: string;
  /** Fit for the name of a file: `[a-z0-9._-]`. */
  keyOf(need: Need): string;
  encode(value: Value): string;
  /** Inverse of `encode`. @throws anything for another text */
  decode(text: string): Value;
  /** What the record is for, by its own words. @throws {EvidenceError} `COLLATERAL_REFUSED` */
  needOf(value: Value): Need;
  /**
   * Everything that can be judged without a quote: signatures to the root, and that it is what was needed.
   * @param atMs undefined: at a time when all of it was valid, for what was judged before and may have ended
   * @throws {EvidenceError} `COLLATERAL_REFUSED`, `COLLATERAL_EXPIRED`, `COLLATERAL_FUTURE`
   */
  judge(value: Value, need: Need, atMs: number | undefined): Standing;
}

/** Time is the reason only where nothing else is wrong. @param future of all that is wrong with time: it has not begun */
export function refusal(failures: readonly Failure[], future: boolean): EvidenceError {
  const timely = failures.every(({ code }) => /_(?:EXPIRED|FUTURE|VALIDITY)$/.test(code));
  const code = !timely ? 'COLLATERAL_REFUSED' : future ? 'COLLATERAL_FUTURE' : 'COLLATERAL_EXPIRED';
  const message = failures.map((failure) => `${failure.code}: ${failure.message}`).join('; ');
  return new EvidenceError(code, message, { reason: failures[0]?.code ?? '' });
}

export type Order = 'newer' | 'same' | 'older';

/** @returns `older` as soon as one part went back, whatever the others do */
export function compareStanding(next: Standing, kept: Standing): Order {
  if (next.ages.some((age, i) => age < (kept.ages[i] ?? 0))) return 'older';
  return next.ages.some((age, i) => age > (kept.ages[i] ?? 0)) ? 'newer' : 'same';
}
