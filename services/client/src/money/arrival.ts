/** What a client contract did with a message of our wallet. */
import type { Clock } from '@bombyx/base';
import { type Address, type Chain, ChainError, type TransactionId } from '@bombyx/ton';
import { pause } from './pause.ts';

/** How long a message may be on its way between two accounts. */
const TRAVEL_SEC = 600;
const PART = 100;

export type Arrival =
  | { readonly outcome: 'executed' }
  /** The contract threw: the coins came back. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  /** It has not arrived, and never will. */
  | { readonly outcome: 'lost' }
  /** The chain does not show the history it showed before: nobody will know. */
  | { readonly outcome: 'unknown' };

export interface Awaited {
  readonly contract: Address;
  readonly wallet: Address;
  readonly queryId: bigint;
  /** Newest transaction of the contract before the message was handed in. */
  readonly after: TransactionId | undefined;
  /** Unix seconds at which the wallet sent it, or could at the latest have sent it. */
  readonly sentAtSec: number;
}

/**
 * Looks for the message every `pollMs`. A chain that cannot be asked is waited for.
 * @throws {ChainError} `CHAIN_CLOSED`; the reason of `signal`
 */
export async function awaitArrival(
  awaited: Awaited,
  { chain, clock, pollMs }: { readonly chain: Chain; readonly clock: Clock; readonly pollMs: number },
  signal: AbortSignal,
): Promise<Arrival> {
  let { after } = awaited;
  let nowSec = 0;
  for (;;) {
    try {
      nowSec = await chain.nowSec(signal); // first: what is not there at a time too late, never comes
      const part = await chain.transactions(awaited.contract, after, PART, signal);
      for (const { transaction, succeeded } of part) {
        const { inMessage, description } = transaction;
        if (inMessage?.info.type !== 'internal' || !inMessage.info.src.equals(awaited.wallet)) continue;
        const body = inMessage.body.beginParse();
        if (body.remainingBits < 96 || body.skip(32).loadUintBig(64) !== awaited.queryId) continue;
        if (succeeded) return { outcome: 'executed' };
        const compute = description.type === 'generic' ? description.computePhase : undefined;
        return { outcome: 'refused', exitCode: compute?.type === 'vm' ? compute.exitCode : -1 };
      }
      const newest = part.at(-1);
      if (newest !== undefined) after = { lt: newest.lt, hash: newest.hash };
      if (part.length === PART) continue;
      if (nowSec > awaited.sentAtSec + TRAVEL_SEC) return { outcome: 'lost' };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChainError) || error.code === 'CHAIN_CLOSED') throw error;
      if (error.code === 'CHAIN_STALE' && nowSec > awaited.sentAtSec + TRAVEL_SEC) return { outcome: 'unknown' };
    }
    await pause(clock, pollMs, signal);
  }
}
