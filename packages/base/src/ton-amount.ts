/** Amounts as people write them. 1 TON = 1,000,000,000 nanoTON, so nine decimals are exact and a tenth would be lost. */
import { BombyxError } from './errors.ts';
import { MAX_LONG, type NanoTon, nanoTon } from './units.ts';

const DECIMALS = 9;
const AMOUNT = new RegExp(`^(\\d{1,10})(?:\\.(\\d{1,${DECIMALS}}))?$`);

/** A text that is no amount of TON. */
export class AmountError extends BombyxError<'AMOUNT_TEXT'> {}

/**
 * Reads `1`, `0.5` or `12.000000001`: digits, and up to nine of them behind a point. Nothing is rounded.
 * @throws {AmountError} `AMOUNT_TEXT` for any other text, and above 2^63 − 1 nanoTON
 */
export function parseTon(text: string): NanoTon {
  const [, whole, fraction = ''] = AMOUNT.exec(text) ?? [];
  const amount = whole === undefined ? undefined : BigInt(whole + fraction.padEnd(DECIMALS, '0'));
  if (amount === undefined || amount > MAX_LONG) {
    throw new AmountError('AMOUNT_TEXT', `"${text.slice(0, 40)}" is no amount of TON, such as 1 or 0.000000001`);
  }
  return nanoTon(amount);
}

/** `0`, `1.5`, `0.000000001`: exact, without zeros at the end. Inverse of {@link parseTon}; also takes larger amounts. */
export function formatTon(amount: bigint): string {
  if (amount < 0n) return `-${formatTon(-amount)}`;
  const digits = amount.toString().padStart(DECIMALS + 1, '0');
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  const whole = digits.slice(0, -DECIMALS);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
