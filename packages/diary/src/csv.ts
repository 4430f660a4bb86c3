/** Reports as CSV (RFC 4180), fit to be opened by a spreadsheet. */
import { formatTon } from '@bombyx/base';
import { DIMENSIONS, type Dimension, type Row } from './usage.ts';

const HEADINGS = [
  'requests',
  'prompt_tokens',
  'cached_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'total_tokens',
  'nanoton',
  'ton',
] as const;

/** @param by what `rows` are grouped by @returns lines that end with CR LF, the first of them the headings */
export function csvOf(rows: readonly Row[], by: readonly Dimension[]): string {
  const dimensions = DIMENSIONS.filter((dimension) => by.includes(dimension));
  const lines = rows.map((row) => [
    ...dimensions.map((dimension) => textCell(row[dimension] ?? '')),
    ...[row.requests, row.prompt, row.cached, row.completion, row.reasoning, row.total, row.nanoTon].map(String),
    formatTon(row.nanoTon),
  ]);
  return [[...dimensions, ...HEADINGS], ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/**
 * A name may be anybody's: one that a spreadsheet would run as a formula gets an apostrophe before it, which a spreadsheet
 * shows as text. Source: OWASP, "CSV Injection".
 */
function textCell(text: string): string {
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
