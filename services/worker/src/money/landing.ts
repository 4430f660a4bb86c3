/** Whether a payout reached the worker contract, and what that did with it. */
import type { Clock } from '@bombyx/base';
import { type Address, type Cell, type Chain, ChainError, type TransactionId, type WalletReceipt } from '@bombyx/ton';
import { pause } from './pause.ts';

/** How long a message may be on its way between two accounts; blocks of the public chain take five seconds. */
const PATIENCE_MS = 600_000;
const PART = 100;

export type Landing =
  | { readonly outcome: 'executed' }
  /** The contract threw: the value came back. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  /** The wallet skipped it, or it did not arrive: nothing was moved. */
  | { readonly outcome: 'lost' };

export interface LandingOptions {
  readonly contract: Address;
  readonly wallet: Address;
  readonly body: Cell;
  /** Newest transaction of the contract before the message was handed in. */
  readonly after: TransactionId | undefined;
  readonly pollMs: number;
}

/**
 * Follows a message that the wallet has sent. A chain that cannot be asked is waited for.
 * @throws {ChainError} `CHAIN_CLOSED`; the reason of `signal`
 */
export async function followPayout(
  options: LandingOptions,
  receipt: WalletReceipt,
  deps: { readonly chain: Chain; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Landing> {
  const hash = options.body.hash();
  const { outMessages } = receipt.transaction.transaction;
  if (!outMessages.values().some(({ body }) => body.hash().equals(hash))) return { outcome: 'lost' };
  const endMs = deps.clock.monotonicMs() + PATIENCE_MS;
  let after = options.after;
  for (;;) {
    try {
      const part = await deps.chain.transactions(options.contract, after, PART, signal);
      for (const { transaction, succeeded } of part) {
        const { inMessage, description } = transaction;
        if (inMessage?.info.type !== 'internal' || !inMessage.info.src.equals(options.wallet)) continue;
        if (!inMessage.body.hash().equals(hash)) continue;
        if (succeeded) return { outcome: 'executed' };
        const compute = description.type === 'generic' ? description.computePhase : undefined;
        return { outcome: 'refused', exitCode: compute?.type === 'vm' ? compute.exitCode : -1 };
      }
      const newest = part.at(-1);
      if (newest !== undefined) after = { lt: newest.lt, hash: newest.hash };
      if (part.length === PART) continue;
      if (deps.clock.monotonicMs() >= endMs) return { outcome: 'lost' };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChainError) || error.code === 'CHAIN_CLOSED') throw error;
      if (deps.clock.monotonicMs() >= endMs) return { outcome: 'lost' };
    }
    await pause(deps.clock, options.pollMs, signal);
  }
}
