/** What is to be done about an account at a proxy now. Pure. Source: client.md §5.3, in nanoTON, and hazards 5 and 16. */
import type { ClientData } from '@bombyx/ton';

/** The client contract as the chain has it; undefined: there is none. */
export type Contract = ClientData | undefined;

export interface Situation {
  readonly contract: Contract;
  /** Unix seconds. */
  readonly nowSec: number;
  /** Of the root; a contract with older parameters is wound up. */
  readonly paramsVersion: number;
  /** Seconds since that was noticed of this contract. */
  readonly outdatedForSec: number;
  /** SHA-256 of the secret we use there. */
  readonly secretHash: Buffer;
  /** Stake that the owner wants, nanoTON. */
  readonly stake: bigint;
  /** Running totals of the proxy: under its signature, and the highest it named. */
  readonly signedTokens: bigint;
  readonly maxTokens: bigint;
  /** The proxy claimed more than we asked for, and the owner has not forgiven it. */
  readonly isDistrusted: boolean;
}

export type Step =
  | { readonly kind: 'wait' }
  /** It is closed, and all of it is back. */
  | { readonly kind: 'forget' }
  /** The first time it starts closing, after the delay it takes what is left. */
  | { readonly kind: 'ask-refund' }
  | { readonly kind: 'change-secret' }
  | { readonly kind: 'raise-stake'; readonly stake: bigint }
  | { readonly kind: 'top-up'; readonly amount: bigint }
  | { readonly kind: 'charge' };

const WAIT: Step = { kind: 'wait' };

/** The first thing that is due; a look after each step shows the next. */
export function nextStep(at: Situation): Step {
  const { contract } = at;
  if (contract === undefined) return WAIT; // it is deployed when a proxy asks for registration
  if (contract.state === 'closed') return { kind: 'forget' };
  if (contract.state === 'closing') return refundIsDue(contract, at.nowSec) ? { kind: 'ask-refund' } : WAIT;
  if (contract.params.paramsVersion < at.paramsVersion) {
    return at.outdatedForSec > patienceSec(contract) ? { kind: 'ask-refund' } : WAIT;
  }
  if (!contract.secretHash.equals(at.secretHash)) return { kind: 'change-secret' };
  if (at.isDistrusted) return WAIT;
  if (contract.stake < at.stake) return { kind: 'raise-stake', stake: at.stake };
  const price = contract.params.pricePerToken;
  if (price === 0n) return WAIT;
  if (contract.balance < contract.stake / 2n) return { kind: 'top-up', amount: wholeTokens(contract.stake, price) };
  const half = contract.stake / price / 2n;
  const used = contract.tokens;
  return at.maxTokens > used + half && at.signedTokens > used ? { kind: 'charge' } : WAIT;
}

/** A payment for part of a token would never be used. @returns the multiple of `price` at or below `amount` */
export function wholeTokens(amount: bigint, price: bigint): bigint {
  return price === 0n ? 0n : (amount / price) * price;
}

/** The contract takes it only after its time, not at it. */
function refundIsDue({ unlockAtSec }: ClientData, nowSec: number): boolean {
  return unlockAtSec > 0 && nowSec > unlockAtSec;
}

/** How long the proxy has for winding up an account by itself; never negative, whatever the root says of the two delays. */
function patienceSec({ params }: ClientData): number {
  return Math.max(0, params.proxyDelayBeforeCloseSec - params.clientDelayBeforeCloseSec) / 2;
}
