/** What a contract did with a message of our wallet. */
import { type Clock, wait } from '@bombyx/base';
import type { Address, Cell } from '@ton/core';
import type { Chain, ChainTransaction, TransactionId } from './chain.ts';
import { ChainError } from './chain-errors.ts';

/** How long a message may be on its way between two accounts; blocks of the public chain take five seconds. */
const TRAVEL_SEC = 600;
const PART = 100;

export type Arrival =
  | { readonly outcome: 'executed' }
  /** The contract threw: the coins came back. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  /** It has not arrived, and never will: nothing was moved. */
  | { readonly outcome: 'lost' }
  /** The chain does not show the history it showed before: nobody will know. */
  | { readonly outcome: 'unknown' };

export interface ExpectedArrival {
  readonly contract: Address;
  readonly wallet: Address;
  /** Whether a message of the wallet with this body is the one. */
  readonly matches: (body: Cell) => boolean;
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
  expected: ExpectedArrival,
  { chain, clock, pollMs }: { readonly chain: Chain; readonly clock: Clock; readonly pollMs: number },
  signal: AbortSignal,
): Promise<Arrival> {
  const lastSec = expected.sentAtSec + TRAVEL_SEC;
  let { after } = expected;
  let nowSec = 0;
  for (;;) {
    try {
      nowSec = await chain.nowSec(signal); // first: what is not there at a time too late, never comes
      const part = await chain.transactions(expected.contract, after, PART, signal);
      const found = part.find((transaction) => brought(transaction, expected));
      if (found) return outcomeOf(found);
      const newest = part.at(-1);
      if (newest !== undefined) after = { lt: newest.lt, hash: newest.hash };
      if (part.length === PART) continue;
      if (nowSec > lastSec) return { outcome: 'lost' };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChainError) || error.code === 'CHAIN_CLOSED') throw error;
      if (error.code === 'CHAIN_STALE' && nowSec > lastSec) return { outcome: 'unknown' };
    }
    await wait(clock, pollMs, signal);
  }
}

function brought({ transaction: { inMessage } }: ChainTransaction, { wallet, matches }: ExpectedArrival): boolean {
  return inMessage?.info.type === 'internal' && inMessage.info.src.equals(wallet) && matches(inMessage.body);
}

function outcomeOf({ transaction: { description }, succeeded }: ChainTransaction): Arrival {
  if (succeeded) return { outcome: 'executed' };
  const compute = description.type === 'generic' ? description.computePhase : undefined;
  return { outcome: 'refused', exitCode: compute?.type === 'vm' ? compute.exitCode : -1 };
}
