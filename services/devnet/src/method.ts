/** A method of the API: what it takes, and what it does on the ledger. */
import { describeFaults } from '@bombyx/config';
import type { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { Ledger } from './ledger.ts';

/** @throws {ApiError} 422 for parameters that it does not take; {@link DevnetError} */
export type Method = (parameters: unknown, ledger: Ledger) => unknown;

/** Unknown parameters are ignored, as on the public servers. */
export function method<T>(schema: z.ZodType<T>, run: (parameters: T, ledger: Ledger) => unknown): Method {
  return (parameters, ledger) => {
    const parsed = schema.safeParse(parameters, { reportInput: true });
    if (!parsed.success) throw new ApiError(422, describeFaults(parsed.error));
    return run(parsed.data, ledger);
  };
}
