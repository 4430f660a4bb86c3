/** How a verdict is told: one object for programs, lines for people, and an exit code that says the same. */
import type { Failure } from '@bombyx/attest';
import { plain } from '../table.ts';
import { instant, linesOf, type Row } from './view.ts';

/** A piece of evidence after it was judged. No failures: it is verified. */
export interface Outcome {
  /** What was judged, in a few words. */
  readonly title: string;
  /** By whose rules. */
  readonly rules: string;
  /** Every failed check, in the order they are made. */
  readonly failures: readonly Failure[];
  /** The vendor's rules hold, whatever a policy says: the evidence is what it claims to be. */
  readonly genuine: boolean;
  /** In the words of the test data; believed only when it is genuine. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly rows: readonly Row[];
}

/** @returns the exit code */
export function tell({ title, rules, failures, genuine, facts, rows }: Outcome, atMs: number, json: boolean): number {
  const verdict = failures.length === 0 ? 'verified' : 'rejected';
  if (json) {
    const [first] = failures;
    const reason = first === undefined ? {} : { reason: first.code };
    console.log(JSON.stringify({ verdict, ...reason, at: instant(atMs), failures, ...facts }));
  } else {
    console.log(`${verdict.toUpperCase()}: ${plain(title)}`);
    const judged: Row = ['judged', `by ${rules}, at ${instant(atMs)}`];
    for (const line of linesOf(failures.length === 0 ? [judged, ...rows] : [judged])) console.log(line);
    if (failures.length > 0) tellFailures(failures, genuine, rows);
  }
  return failures.length === 0 ? 0 : 1;
}

function tellFailures(failures: readonly Failure[], genuine: boolean, rows: readonly Row[]): void {
  console.log(failures.length === 1 ? '\n1 check failed:' : `\n${failures.length} checks failed:`);
  for (const { code, message, fix } of failures) {
    console.log(`  ${code}: ${plain(message)}`);
    if (fix !== undefined) console.log(`    fix: ${plain(fix)}`);
  }
  if (rows.length === 0) return;
  console.log(genuine ? '\nWhat it proves all the same:' : '\nWhat it says, with no reason to believe it:');
  for (const line of linesOf(rows)) console.log(line);
}

/** Failures of one of several pieces. */
export function among<F extends Failure>(failures: readonly F[], what: string): Failure[] {
  return failures.map((failure) => ({ ...failure, message: `${what}: ${failure.message}` }));
}

/**
 * A policy of the same kind repeats what the vendor's rules find, and one without collateral says again that there is none:
 * each is told once, in the place it has by the vendor's rules, so that the first failure is theirs under every policy.
 */
export function vendorFirst(vendor: readonly Failure[], policy: readonly Failure[]): Failure[] {
  const told = new Set(
    vendor.flatMap(({ code, message }) => (/_MISSING$/.test(code) ? [code] : [`${code} ${message}`])),
  );
  return [...vendor, ...policy.filter(({ code, message }) => !told.has(code) && !told.has(`${code} ${message}`))];
}
