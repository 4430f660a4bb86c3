/** What is counted, and how counts are added up. Pure. */
import { DiaryError } from './errors.ts';

/** Adjusted tokens by kind; `total` is what is billed. */
export interface CountedTokens {
  readonly prompt: bigint;
  readonly cached: bigint;
  readonly completion: bigint;
  readonly reasoning: bigint;
  readonly total: bigint;
}

/** One request that was billed. */
export interface DiaryEntry {
  readonly model: string;
  /** Who paid or was paid: the name of an API key, or a proxy contract. */
  readonly party: string;
  readonly tokens: CountedTokens;
  readonly nanoTon: bigint;
}

export const MEASURES = ['requests', 'prompt', 'cached', 'completion', 'reasoning', 'total', 'nanoTon'] as const;
/** Sums over requests. Exact at any size: a stranger's counts may add up to more than 64 bits. */
export type Usage = Readonly<Record<(typeof MEASURES)[number], bigint>>;

/** What the diary tells apart; a report groups by some of them, in this order. */
export const DIMENSIONS = ['day', 'model', 'party'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** One line of the diary. */
export interface Group {
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string;
  readonly model: string;
  readonly party: string;
}

/** One line of a report; it has the dimensions that were asked for. */
export type Row = Partial<Group> & Usage;

export interface Query {
  /** First and last day that count, UTC, `YYYY-MM-DD`; absent: all there are. */
  readonly fromDay?: string | undefined;
  readonly toDay?: string | undefined;
  /** Empty: one row over everything. */
  readonly by: readonly Dimension[];
}

export function usageOf({ tokens, nanoTon }: DiaryEntry): Usage {
  const { prompt, cached, completion, reasoning, total } = tokens;
  return { requests: 1n, prompt, cached, completion, reasoning, total, nanoTon };
}

export function sum(a: Usage, b: Usage): Usage {
  return {
    requests: a.requests + b.requests,
    prompt: a.prompt + b.prompt,
    cached: a.cached + b.cached,
    completion: a.completion + b.completion,
    reasoning: a.reasoning + b.reasoning,
    total: a.total + b.total,
    nanoTon: a.nanoTon + b.nanoTon,
  };
}

/** Adds lines up into the rows that were asked for, sorted by what they are grouped by. @throws {DiaryError} `DIARY_DAY` */
export function report(lines: Iterable<Group & Usage>, { fromDay, toDay, by }: Query): Row[] {
  for (const day of [fromDay, toDay]) if (day !== undefined) checkDay(day);
  const dimensions = DIMENSIONS.filter((dimension) => by.includes(dimension));
  const rows = new Map<string, Row>();
  for (const line of lines) {
    if ((fromDay !== undefined && line.day < fromDay) || (toDay !== undefined && line.day > toDay)) continue;
    const key = JSON.stringify(dimensions.map((dimension) => line[dimension]));
    const row = rows.get(key);
    rows.set(key, row ? { ...row, ...sum(row, line) } : { ...pick(line, dimensions), ...pick(line, MEASURES) });
  }
  const before = (a: Row, b: Row) => {
    for (const dimension of dimensions) {
      if (a[dimension]! !== b[dimension]!) return a[dimension]! < b[dimension]! ? -1 : 1;
    }
    return 0;
  };
  return [...rows.values()].sort(before);
}

/** @param ms Unix milliseconds */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** @throws {DiaryError} `DIARY_DAY` for a text that is no day of the calendar */
export function checkDay(text: string): void {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || dayOf(ms) !== text) {
    throw new DiaryError('DIARY_DAY', `"${text.slice(0, 40)}" is no day, such as 2026-01-31`);
  }
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>; // exactly the keys that were asked for
}
