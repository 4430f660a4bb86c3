/** Numbers, sizes, times and addresses as people read them. */
import { type Html, html } from './html.ts';

const grouped = (least: number, most: number) =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: least, maximumFractionDigits: most });
const whole = grouped(0, 0);
const tenths = grouped(1, 1);
const hundredths = grouped(2, 2);
const thousandths = grouped(0, 3);

/** `12,345`. */
export function count(value: number): string {
  return whole.format(value);
}

/** Three figures are enough to judge by: `1,235`, `12.3`, `0.10`, `<0.01`; `0` and other small whole numbers as they are. */
export function decimal(value: number): string {
  const size = Math.abs(value);
  if (size > 0 && size < 0.005) return '<0.01';
  if (size >= 99.95 || Number.isInteger(value)) return whole.format(value);
  return (size >= 9.995 ? tenths : hundredths).format(value);
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `512 B`, `1.5 KiB`. */
export function bytes(value: number): string {
  if (value > 0 && value < 0.5) return '<1 B';
  const power = Math.min(SIZES.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${(power === 0 ? whole : tenths).format(value / 1024 ** power)} ${SIZES[power]}`;
}

/** `85 ms`, `1.25 s`, `3 min`, `2 h`, `5 d`: each up to twice the next larger unit. @param ms milliseconds */
export function duration(ms: number): string {
  if (ms < 999.5) return ms > 0 && ms < 0.5 ? '<1 ms' : `${whole.format(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 120) return `${decimal(seconds)} s`;
  if (seconds < 7_200) return `${whole.format(seconds / 60)} min`;
  return seconds < 172_800 ? `${whole.format(seconds / 3_600)} h` : `${whole.format(seconds / 86_400)} d`;
}

/** How long ago something was: `3 min ago`. A moment in the future, by another clock, was just now. */
export function age(ms: number): string {
  return ms < 1_000 ? 'just now' : `${duration(Math.floor(ms / 1_000) * 1_000)} ago`;
}

/** @param nanoTon 1 TON = 1,000,000,000 */
export function coins(nanoTon: number): string {
  const isDust = nanoTon !== 0 && Math.abs(nanoTon) < 10_000_000;
  return isDust ? `${whole.format(nanoTon)} nanoton` : `${decimal(nanoTon / 1e9)} TON`;
}

/** The price of a worker as a factor of the network's: `1.5×`. @param coefficient thousandths */
export function price(coefficient: number): string {
  return `${thousandths.format(coefficient / 1_000)}×`;
}

/** Whole, for one's own addresses and hashes, which people copy; it may break anywhere. */
export function code(text: string): Html | undefined {
  return text === '' ? undefined : html`<code>${text}</code>`;
}

const KEPT_HEAD = 6;
const KEPT_TAIL = 4;

/** `UQAuz1…3B-m`, for addresses and hashes in tables; all of it shows under the pointer. */
export function short(text: string): Html | undefined {
  if (text.length <= KEPT_HEAD + KEPT_TAIL + 4) return code(text);
  return html`<code title="${text}">${text.slice(0, KEPT_HEAD)}…${text.slice(-KEPT_TAIL)}</code>`;
}

const LONGEST = 140;

/** Text of any length that a peer chose, such as a model's name or an error: its start, all of it under the pointer. */
export function brief(text: string): Html | string {
  return text.length <= LONGEST ? text : html`<span title="${text}">${text.slice(0, LONGEST)}…</span>`;
}
