import { parseTon } from '@bombyx/base';
import { type Address, type Endpoint, parseAddress, parseEndpoint } from '@bombyx/ton';
import { z } from 'zod';

const isNumeric = (value: unknown): value is string => typeof value === 'string' && /^-?\d+$/.test(value);

/** A whole number, also as a numeric string. */
export function int(least: number, most: number) {
  const fault = `must be a whole number from ${least} to ${most}`;
  return z.preprocess(
    (value) => (isNumeric(value) ? Number(value) : value),
    z.int(fault).min(least, `must be at least ${least}`).max(most, `must be at most ${most}`),
  );
}

export const port = int(0, 65_535);

/** true or false, also as a number or a numeric string: anything but 0 is true. */
export const flag = z.preprocess(
  (value) => (typeof value === 'number' || isNumeric(value) ? Number(value) !== 0 : value),
  z.boolean('must be true or false'),
);

/** An int256: base64 or base64url of 32 bytes. @returns the bytes */
export const bytes32 = z
  .string('must be 32 bytes in base64')
  .regex(/^[A-Za-z0-9+/_-]{43}=?$/, 'must be 32 bytes in base64')
  .transform((text) => Buffer.from(text, 'base64'));

/** An account address in any form that is read anywhere. */
export const address = z.string('must be an account address').transform((text, context): Address => {
  try {
    return parseAddress(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be an account address (48 characters or workchain:hex)' });
    return z.NEVER;
  }
});

/** `ip:port` of a SOCKS5 router, usually on this machine; empty = none, undefined in the value. */
export const router = z.string('must be empty or ip:port').transform((text, context): Endpoint | undefined => {
  if (text === '') return undefined;
  try {
    return parseEndpoint(text.replace(/^localhost:/, '127.0.0.1:'));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be empty or ip:port' });
    return z.NEVER;
  }
});

/** TON as a number or, exact to the nanoton, as text: `10` or `"0.25"`. @returns nanoTON */
export const tonAmount = z.union([z.number(), z.string()], 'must be an amount of TON').transform((ton, context) => {
  try {
    return parseTon(String(ton));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be an amount of TON, such as 10 or 0.25' });
    return z.NEVER;
  }
});

/** What is wrong with a file, a clause a fault: `"http_port" must be at most 65535; unknown field "prot"`. */
export function describeFaults(error: z.ZodError): string {
  return error.issues.map(clause).join('; ');
}

function clause(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((name) => `"${name}"`).join(', ');
    return `unknown field${issue.keys.length > 1 ? 's' : ''} ${names}`;
  }
  if (issue.path.length === 0) return 'it must be a JSON object';
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return `"${issue.path.join('.')}" ${missing ? 'is missing' : issue.message}`;
}
