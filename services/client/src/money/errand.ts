/** One message through the wallet to a client contract, from the checks before it to what came of it. */
import { type Clock, formatTon, nanoTon } from '@bombyx/base';
import {
  type Address,
  type Arrival,
  awaitArrival,
  type Cell,
  type Chain,
  ChainError,
  type TransactionId,
  WalletError,
  type WalletMessage,
} from '@bombyx/ton';
import { ClientError } from '../errors.ts';
import { amountOf, type Deed, messageFor, poolIsOpen } from './client-contract.ts';
import type { MoneyMemory, TopUpOrder } from './memory.ts';
import type { ClientPurse } from './purse.ts';

/** An external lives so long, and a state that is shown may be so much older; see `WalletSender`. */
const EXTERNAL_SEC = 240;

export interface ErrandDeps {
  readonly chain: Chain;
  readonly purse: ClientPurse;
  readonly memory: MoneyMemory;
  readonly clock: Clock;
  /** How often the chain is looked at. */
  readonly pollMs: number;
  readonly queryId: () => bigint;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** Where it goes. */
export interface Destination {
  readonly contract: Address;
  readonly proxy: Address;
  /** Newest transaction of the contract. */
  readonly last: TransactionId | undefined;
  /** Most that may be topped up on one day over all proxies, nanoTON. */
  readonly topUpPerDay: bigint;
  /** Whoever wants the coins, for {@link ClientPurse.canPay}. */
  readonly who: object;
}

export interface Errand {
  readonly order: TopUpOrder;
  readonly message: WalletMessage;
}

/**
 * Makes sure that it can be paid for and, where it moves coins, that they may be paid in and that this is on disk.
 * @throws {ClientError} `CLIENT_MONEY`, `CLIENT_BALANCE`: nothing was done; {ChainError}
 */
export async function prepareErrand(deed: Deed, to: Destination, deps: ErrandDeps): Promise<Errand> {
  const { chain, purse, memory, queryId, clock, signal } = deps;
  const amount = amountOf(deed);
  if (!purse.canPay(to.who, amount)) throw new ClientError('CLIENT_BALANCE', purse.lack ?? 'the wallet cannot pay');
  if (amount > 0n && !(await poolIsOpen(chain, to.proxy, signal))) {
    throw new ClientError('CLIENT_MONEY', 'the contract of the proxy takes no coins: it is missing or closing');
  }
  const message = messageFor(deed, to.contract, queryId(), purse.address);
  const order: TopUpOrder = {
    contract: to.contract,
    queryId: queryIdOf(message.message.body) ?? 0n, // a charge brings its own
    amount: nanoTon(amount),
    day: new Date(clock.nowMs()).toISOString().slice(0, 10),
    after: to.last,
  };
  if (amount > 0n && !memory.begin(order, to.topUpPerDay)) {
    throw new ClientError('CLIENT_BALANCE', limitSentence(to.topUpPerDay, memory.toppedUp(order.day), amount));
  }
  return { order, message };
}

/**
 * Sends it, and follows it to the contract.
 * @throws {WalletError} when the wallet did not send it; after `WALLET_CLOSED` and `WALLET_FOREIGN` it may land all the
 *   same, and the order stays for the next life; {ChainError} `CHAIN_CLOSED`; the reason of the signal
 */
export async function runErrand({ order, message }: Errand, deps: ErrandDeps): Promise<Arrival> {
  let sentAtSec: number;
  try {
    sentAtSec = (await deps.purse.send(message)).transaction.atSec;
  } catch (error) {
    const isSure = error instanceof WalletError && !['WALLET_CLOSED', 'WALLET_FOREIGN'].includes(error.code);
    if (isSure) finish(order, false, deps);
    throw error;
  }
  return follow(order, sentAtSec, deps);
}

/** Looks for a top-up that an earlier life began: it has landed or is dead when this resolves. @throws as {@link runErrand} */
export async function recallErrand(order: TopUpOrder, deps: ErrandDeps): Promise<Arrival> {
  const { chain, clock, signal } = deps;
  const nowSec = await chain.nowSec(signal).catch((error: unknown) => {
    // a chain that cannot be asked shows no time either: the machine's is not earlier than the end of the life before
    if (error instanceof ChainError && error.code !== 'CHAIN_CLOSED') return Math.floor(clock.nowMs() / 1_000);
    throw error;
  });
  return follow(order, nowSec + EXTERNAL_SEC, deps);
}

async function follow(order: TopUpOrder, sentAtSec: number, deps: ErrandDeps): Promise<Arrival> {
  const { contract, queryId, after } = order;
  const matches = (body: Cell) => queryIdOf(body) === queryId;
  const expected = { contract, wallet: deps.purse.address, matches, after, sentAtSec };
  const arrival = await awaitArrival(expected, deps, deps.signal);
  finish(order, arrival.outcome === 'executed' || arrival.outcome === 'unknown', deps);
  return arrival;
}

/** Each of our messages has one, behind the 32 bits that say what it is. */
function queryIdOf(body: Cell): bigint | undefined {
  const slice = body.beginParse();
  return slice.remainingBits < 96 ? undefined : slice.skip(32).loadUintBig(64);
}

function finish(order: TopUpOrder, moved: boolean, { memory }: ErrandDeps): void {
  if (order.amount > 0n) memory.finish(order, moved);
}

function limitSentence(limit: bigint, toppedUp: bigint, amount: bigint): string {
  const so = `${formatTon(toppedUp)} of ${formatTon(limit)} TON were paid in today and ${formatTon(amount)} more are due`;
  return `the daily limit of top-ups is reached: ${so}; raise top_up_per_day_ton, or wait for the next day (UTC)`;
}
