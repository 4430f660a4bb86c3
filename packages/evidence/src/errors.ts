import { BombyxError } from '@bombyx/base';

/**
 * This machine cannot prove what it is:
 * - `TSM_UNAVAILABLE`: no configfs-tsm here, no provider behind it, or no right to use it
 * - `TSM_PROVIDER`: the machine is of another kind than configured
 * - `TSM_REJECTED`: the kernel dropped what was asked, which it does not say
 * - `TSM_RACE`: somebody else writes to our folder
 * - `TSM_FAILED`: the host or its quoting service failed
 * - `TSM_TIMEOUT`: no answer in time; the slot stays taken until the kernel lets go of it
 * - `TSM_BUSY`: the slot is taken by somebody before us
 * - `TSM_TOO_LARGE`: more evidence than anybody accepts
 * - `TSM_MISMATCH`: evidence of something that was not asked for
 * - `GPU_UNAVAILABLE`, `GPU_TIMEOUT`, `GPU_TOO_LARGE`: the collecting program cannot be run, is slow, or prints too much
 * - `GPU_REFUSED`: it says that it failed
 * - `GPU_OUTPUT`, `GPU_NONCE`, `GPU_COUNT`: what it prints is no evidence, or not that of our nonce, or not of all GPUs
 * - `SIMULATED_KEY`: the key files of a simulated root or machine are missing, malformed, or readable by others
 *
 * What is needed to judge others cannot be had:
 * - `COLLATERAL_UNREACHABLE`: no endpoint answered in time
 * - `COLLATERAL_RESPONSE`: an answer is not what it must be: an error page, a wrong type, a wrong shape
 * - `COLLATERAL_LIMIT`: an answer or a number of records above our bounds
 * - `COLLATERAL_NOT_FOUND`: the service does not know that platform, chip or driver
 * - `COLLATERAL_REFUSED`: signed wrongly, by somebody else, or for something else
 * - `COLLATERAL_OLDER`: good, but older than what is kept: somebody withholds news
 * - `COLLATERAL_EXPIRED`, `COLLATERAL_FUTURE`: out of date, or not valid yet, by our clock
 * - `COLLATERAL_UNKNOWN`: for a platform that is not on the list
 * - `COLLATERAL_BUNDLE`: the offline bundle cannot be read
 * - `COLLATERAL_CLOSED`: the store was closed
 */
export type EvidenceErrorCode =
  | 'TSM_UNAVAILABLE'
  | 'TSM_PROVIDER'
  | 'TSM_REJECTED'
  | 'TSM_RACE'
  | 'TSM_FAILED'
  | 'TSM_TIMEOUT'
  | 'TSM_BUSY'
  | 'TSM_TOO_LARGE'
  | 'TSM_MISMATCH'
  | 'GPU_UNAVAILABLE'
  | 'GPU_TIMEOUT'
  | 'GPU_TOO_LARGE'
  | 'GPU_REFUSED'
  | 'GPU_OUTPUT'
  | 'GPU_NONCE'
  | 'GPU_COUNT'
  | 'SIMULATED_KEY'
  | 'COLLATERAL_UNREACHABLE'
  | 'COLLATERAL_RESPONSE'
  | 'COLLATERAL_LIMIT'
  | 'COLLATERAL_NOT_FOUND'
  | 'COLLATERAL_REFUSED'
  | 'COLLATERAL_OLDER'
  | 'COLLATERAL_EXPIRED'
  | 'COLLATERAL_FUTURE'
  | 'COLLATERAL_UNKNOWN'
  | 'COLLATERAL_BUNDLE'
  | 'COLLATERAL_CLOSED';

/** Evidence or collateral cannot be had. Nothing was judged: whoever needed it fails closed. */
export class EvidenceError extends BombyxError<EvidenceErrorCode> {}

/** What a system call complained about, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** A stranger's words, fit for a terminal and a log. */
export function printable(text: string, most = 300): string {
  const clean = text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ').trim();
  return clean.length > most ? `${clean.slice(0, most)}…` : clean;
}
