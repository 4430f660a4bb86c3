/** When coins move, and how many go along with a message. All amounts in nanoTON. */

const TON = 1_000_000_000n;

export interface SettlementPolicy {
  /** A client is charged when so much is owed. Source: proxy.md §8.3, as the next two. */
  readonly chargeAt: bigint;
  /**
   * Or half of its stake, but not less than this. The stake bounds what may be used and not charged: a client with the
   * smallest stake would come to its end before the sum above is reached, and wait for ever.
   */
  readonly leastCharge: bigint;
  /** A worker is paid when so much is due. */
  readonly payoutAt: bigint;
  /** The owner gets the earnings when there are so many. */
  readonly withdrawAt: bigint;
  /** A commit is made early when so much is not committed, */
  readonly commitAt: bigint;
  /** but never sooner than this after the one before. */
  readonly commitLeastMs: number;
  /** Whatever is not committed waits so long at most. */
  readonly commitMostMs: number;
  /** How often the chain is looked at while something is under way there. */
  readonly busyMs: number;
  /** And else. */
  readonly idleMs: number;
  /** Pause after failures in a row: doubled up to this. */
  readonly backoffMs: number;
  /** Without the chain for so long nothing is served any more. */
  readonly maxAgeSec: number;
  /** A message that has left the wallet and did nothing that could be seen is tried again after this. */
  readonly retryMs: number;
  /** Messages on their way at once. */
  readonly underWay: number;
}

/**
 * Commits: a charge is on our disk before the last byte of its answer leaves, so a crash loses nothing that was not
 * committed; the reference, which writes every one or two seconds, needs them against that. Here they guard against one
 * thing only: somebody who puts back an older copy of the disk. Then workers hold signed payments up to the last commit,
 * and what was counted after it is lost to them. So what a commit protects is money, and it is made when that money is
 * worth it: a hundred times the price of the commit (0.0026 TON), or an hour.
 *
 * So commits cost 1 % of what is used. From a use of 480 TON a day on, that is more than the reference pays (1,920 commits,
 * 5 TON a day, used or not); from 720 TON on there is a commit every 30 s, and no use makes it more than 7.5 TON a day.
 */
export const defaultPolicy: SettlementPolicy = {
  chargeAt: TON,
  leastCharge: TON / 10n,
  payoutAt: 10n * TON,
  withdrawAt: 10n * TON,
  commitAt: TON / 4n,
  commitLeastMs: 30_000,
  commitMostMs: 3_600_000,
  busyMs: 2_000,
  idleMs: 10_000,
  backoffMs: 60_000,
  maxAgeSec: 7_200,
  retryMs: 600_000,
  underWay: 16,
};

/** Values that messages carry. What is not used comes back. Source: contracts.md §13. */
export const Value = {
  deploy: (3n * TON) / 10n,
  /** Charges, payouts, refunds, closing: the contracts want 0.1 TON and what it costs. */
  party: (7n * TON) / 10n,
  withdraw: (2n * TON) / 10n,
  /** With what is staked. */
  stake: (2n * TON) / 10n,
  /** Buys no gas: the contract ignores it, and who reads along sees it. */
  commit: 1n,
} as const;
