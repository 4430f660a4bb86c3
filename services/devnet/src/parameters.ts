/** Parameters that methods of the API share. From a query string everything is text. */
import { int } from '@bombyx/config';
import { readCell } from '@bombyx/ton';
import type { Cell } from '@ton/core';
import { z } from 'zod';

export { address } from '@bombyx/config';

/** A number of a block; 2^31 - 1 at most. */
export const seqno = int(0, 0x7fff_ffff);
export const workchain = int(-1, 0);

/** A whole number of 64 bits, also as text. */
export const long = z.union([z.string(), z.number()]).transform((given, context): bigint => {
  const text = String(given);
  if (/^\d{1,19}$/.test(text) && BigInt(text) < 1n << 63n) return BigInt(text);
  context.addIssue({ code: 'custom', message: 'must be a whole number below 2^63' });
  return z.NEVER;
});

/** 32 bytes: 64 hexadecimal digits, base64 or base64url. */
export const hash = z
  .string()
  .regex(/^(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$/, 'must be a hash in hexadecimal or base64')
  .transform((text) => Buffer.from(text, text.length === 64 ? 'hex' : 'base64'));

/** A bag of cells with one root, base64; empty = none. */
export const optionalCell = z
  .string()
  .transform((text, context): Cell | undefined => {
    if (text === '') return undefined;
    try {
      return readCell(Buffer.from(text, 'base64'));
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a bag of cells in base64' });
      return z.NEVER;
    }
  })
  .optional();

export const cell = optionalCell.transform((found, context): Cell => {
  if (found) return found;
  context.addIssue({ code: 'custom', message: 'must be a bag of cells in base64' });
  return z.NEVER;
});
