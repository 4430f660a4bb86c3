/**
 * When what a proxy has signed is cashed. Pure: no clock, no chain. Source: worker.md §8.
 *
 * All limits are nanoTON. The reference compares tokens with them, so that with 20 nanoTON a token it pays out at 4 TON
 * and not at 0.2, and its rule for idle accounts is always on (worker.md, hazard 5).
 */
import type { NanoTon } from '@bombyx/base';

/** Nobody pays fees for less, once a contract has no future. */
const OUTDATED_PAYOUT_AT = 10_000_000n;
/** A contract that was never deployed keeps 0.11 TON of the first payout, and fees come to it. */
const OUTDATED_DEPLOYING_AT = 150_000_000n;

export interface PayoutPolicy {
  /** Cashed at once from here on. */
  readonly payoutAt: NanoTon;
  /** Cashed from here on when the account has not grown for {@link idleAfterSec}. */
  readonly idlePayoutAt: NanoTon;
  readonly idleAfterSec: number;
}

/** An account between proxy and chain, at one moment. */
export interface Claim {
  /** Adjusted tokens, running total of the highest payment we hold. */
  readonly signed: bigint;
  /** Of these paid, as the worker contract says. Above `signed` when the proxy cashed a payment it never showed us. */
  readonly paid: bigint;
  /** NanoTON per adjusted token. */
  readonly fee: NanoTon;
  /** NanoTON that the proxy contract refused to pay and still owes. */
  readonly arrears: NanoTon;
  readonly isDeployed: boolean;
  readonly isClosed: boolean;
  /** Seconds since `signed` rose. */
  readonly idleSec: number;
  /** Seconds since the root was first seen with newer parameters; undefined while they are the account's. */
  readonly outdatedSec: number | undefined;
  /** For half of it the proxy of an outdated account may make the last payout itself. */
  readonly clientDelaySec: number;
}

export type Verdict =
  | { readonly action: 'wait' }
  | { readonly action: 'pay'; readonly why: 'full' | 'arrears' | 'idle' | 'outdated' }
  | { readonly action: 'forget'; readonly why: 'closed' | 'outdated' };

/** NanoTON that a payout would bring. */
export function dueOf({ signed, paid, fee, arrears }: Pick<Claim, 'signed' | 'paid' | 'fee' | 'arrears'>): bigint {
  return (signed > paid ? (signed - paid) * fee : 0n) + arrears;
}

export function judgePayout(claim: Claim, policy: PayoutPolicy): Verdict {
  if (claim.isClosed) return { action: 'forget', why: 'closed' };
  const due = dueOf(claim);
  if (claim.outdatedSec !== undefined) {
    if (claim.outdatedSec < claim.clientDelaySec / 2) return { action: 'wait' };
    const least = claim.isDeployed ? OUTDATED_PAYOUT_AT : OUTDATED_DEPLOYING_AT;
    return due < least ? { action: 'forget', why: 'outdated' } : { action: 'pay', why: 'outdated' };
  }
  if (due >= policy.payoutAt) return { action: 'pay', why: 'full' };
  if (claim.arrears >= policy.idlePayoutAt) return { action: 'pay', why: 'arrears' }; // it was claimed once already
  if (due >= policy.idlePayoutAt && claim.idleSec >= policy.idleAfterSec) return { action: 'pay', why: 'idle' };
  return { action: 'wait' };
}

const FIRST_PAUSE_SEC = 60;
const MOST_PAUSE_SEC = 3_600;

/** Seconds until a payout is tried again that failed `failures` times in a row: each costs fees. */
export function pauseAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_PAUSE_SEC * 2 ** Math.min(failures - 1, 16), MOST_PAUSE_SEC);
}
