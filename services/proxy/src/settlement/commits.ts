/** When to show the state of the books to the chain. Pure. */
import type { SettlementPolicy } from './policy.ts';

export interface CommitView {
  /** NanoTON not covered by a commit. */
  readonly uncommitted: bigint;
  /** Whether a refund or a payment somebody asked for waits for it. */
  readonly awaited: boolean;
  /** The process has not shown itself to the chain yet: it may not serve before. */
  readonly first: boolean;
  /** Since the last commit was made; infinite before the first one of a contract. */
  readonly sinceMs: number;
}

export function isCommitDue(view: CommitView, policy: SettlementPolicy): boolean {
  if (view.sinceMs < policy.commitLeastMs) return false;
  if (view.first || view.awaited || view.uncommitted >= policy.commitAt) return true;
  return view.uncommitted > 0n && view.sinceMs >= policy.commitMostMs;
}
