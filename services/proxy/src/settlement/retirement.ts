/**
 * The end of a proxy contract: after a change of parameters, or when the proxy is switched off.
 *
 *   closing     requests that run are waited for, and the commit that covers them
 *   refunding   each client gets the rest of its deposit by a signed refund with its final total
 *   paying      each worker gets its last payout
 *   waiting     the contract is closed: signed close, the delay, signed close complete
 *   closed      nothing is left; the books of it end
 *
 * The reference closes first and settles after. With contract codes that we do not know, the delay after a close is a
 * time in which clients can credit themselves coins that went back to them (contracts.md, hazard 1), and close complete
 * takes what was not refunded (hazard 2). So here everybody has his coins before the first close is sent, and both
 * hazards find an empty pool. The order costs nobody anything but the owner, who waits a little longer for his stake.
 *
 * The phase follows from books and chain at every look: it is written down for people, and nothing depends on having
 * seen the one before. So a crash between any two steps changes nothing.
 */
import type { RetirePhase } from '@bombyx/ledger';

export interface RetirementView {
  /** Requests queued and running under this contract. */
  readonly running: number;
  /** NanoTON not covered by a commit. */
  readonly uncommitted: bigint;
  /** Clients to be refunded, workers to be paid. */
  readonly left: { readonly clients: number; readonly workers: number };
  /** Of the proxy contract; `absent`: it was never deployed. */
  readonly contract: 'absent' | 'normal' | 'closing' | 'closed';
  /** Unix seconds from which closing may be completed, as the contract says; 0 before. */
  readonly unlockAtSec: number;
  /** Unix seconds of the chain. */
  readonly nowSec: number;
}

export interface RetirementStep {
  readonly phase: RetirePhase;
  /** What the proxy contract is to be told. */
  readonly send?: 'close' | 'closeComplete';
}

/** The block that completes may have a time a little before the newest one. */
const SLACK_SEC = 1;

export function nextStep(view: RetirementView): RetirementStep {
  if (view.running > 0 || view.uncommitted > 0n) return { phase: 'closing' };
  // One that never was has no pool: who has paid a stake for it takes that back at his own contract.
  if (view.left.clients > 0 && view.contract !== 'absent') return { phase: 'refunding' };
  // A closed contract pays workers no more: what is due to them is kept in their own contracts.
  if (view.left.workers > 0 && view.contract !== 'closed') return { phase: 'paying' };
  switch (view.contract) {
    case 'absent':
    case 'closed':
      return { phase: 'closed' };
    case 'normal':
      return { phase: 'waiting', send: 'close' };
    case 'closing':
      return view.nowSec > view.unlockAtSec + SLACK_SEC
        ? { phase: 'waiting', send: 'closeComplete' }
        : { phase: 'waiting' };
  }
}
