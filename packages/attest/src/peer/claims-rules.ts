/** Claims against the connection they came over and the clock. Source: attestation.md §20.1 and §8.3. */
import { equalBytes } from '../bytes.ts';
import type { Failure } from '../verdict.ts';
import type { Binding } from './binding.ts';
import type { Claims } from './claims.ts';

/** As for certificates: clocks of honest machines may differ by so much. */
export const CLOCK_SKEW_MS = 60_000;

const clockFix = 'compare the clocks of both machines; claims are made anew for each connection';

/**
 * Comparisons are written so that a clock that is no number passes none of them.
 * @param maxSpanSec longest validity that the policy lets a peer give itself
 */
export function* claimsFaults(claims: Claims, binding: Binding, atMs: number, maxSpanSec: number): Generator<Failure> {
  const { role, publicKey, notBeforeSec, notAfterSec } = claims;
  if (role !== binding.role) {
    yield {
      code: 'CLAIMS_ROLE',
      message: `the claims are those of a ${role}, and this peer is asked as a ${binding.role}`,
      fix: 'connect to a machine of the right role; evidence of one is none for another',
    };
  }
  if (!equalBytes(publicKey, binding.publicKey)) {
    yield {
      code: 'CLAIMS_KEY',
      message: 'the claims name another key than the TLS certificate',
      fix: 'evidence must be made by the process that holds the key: no TLS proxy may stand in between',
    };
  }
  if (!(atMs >= notBeforeSec * 1_000 - CLOCK_SKEW_MS))
    yield {
      code: 'CLAIMS_FUTURE',
      message: `the claims hold from ${iso(notBeforeSec)}, later than now`,
      fix: clockFix,
    };
  if (!(atMs <= notAfterSec * 1_000 + CLOCK_SKEW_MS))
    yield { code: 'CLAIMS_EXPIRED', message: `the claims held until ${iso(notAfterSec)}`, fix: clockFix };
  const spanSec = notAfterSec - notBeforeSec;
  if (spanSec < 0 || spanSec > maxSpanSec)
    yield { code: 'CLAIMS_SPAN', message: `the claims hold for ${spanSec} s; allowed are 0 to ${maxSpanSec} s` };
}

function iso(sec: number): string {
  return sec < 8.64e12 ? new Date(sec * 1_000).toISOString() : `second ${sec}`;
}
