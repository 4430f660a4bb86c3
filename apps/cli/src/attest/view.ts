/** What a person and a program are told of evidence: rows of words for the one, an object for the other. */
import { MalformedError } from '@bombyx/attest';
import { plain } from '../table.ts';

/** A label and its value, or a heading. */
export type Row = readonly [label: string, value: string] | string;

export interface View {
  /** What it is, in one line. */
  readonly title: string;
  readonly rows: readonly Row[];
  /** The same in the words of the data: bytes in hex, instants in ISO 8601. */
  readonly json: Readonly<Record<string, unknown>>;
}

const MIN_WIDTH = 14;

/** Lines for a terminal: nothing a stranger wrote can steer it. */
export function linesOf(rows: readonly Row[]): string[] {
  const width = Math.max(MIN_WIDTH, ...rows.map((row) => (typeof row === 'string' ? 0 : row[0].length))) + 2;
  return rows.map((row) => {
    if (typeof row === 'string') return `\n${plain(row)}`;
    return `  ${plain(row[0]).padEnd(width)}${plain(row[1])}`.trimEnd();
  });
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Without milliseconds, as vendors write instants; undefined for one that no calendar has. */
export function instant(ms: number | undefined): string | undefined {
  if (ms === undefined || !(Math.abs(ms) <= 8.64e15)) return undefined;
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** A register that is all zero says more in one word. */
export function register(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0) ? '0' : hex(bytes);
}

/** Rows whose value is there. */
export function present(rows: readonly (readonly [string, string | number | boolean | undefined] | string)[]): Row[] {
  return rows.flatMap((row): Row[] => {
    if (typeof row === 'string') return [row];
    const [label, value] = row;
    return value === undefined ? [] : [[label, String(value)]];
  });
}

/** What there is to see of damaged evidence: nothing but that it is damaged. */
export function readable(view: () => View, title: string): View {
  try {
    return view();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { title, json: {}, rows: [] };
  }
}
