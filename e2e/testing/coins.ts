/** Where the coins of a network are, and how they came there: read from the transactions of all its accounts. */
import { type Address, type Chain, type ChainTransaction, parseAddress } from '@bombyx/ton';

type Transaction = ChainTransaction['transaction'];

import type { LocalNetwork } from './local-network.ts';

/** Of one party, over all its accounts; nanoTON. */
export interface Sheet {
  readonly party: string;
  /** From outside, the faucet, and from other parties in messages that do nothing but carry coins. */
  readonly given: bigint;
  /** Gas and forwarding of everything that its wallets began, wherever it was burnt, and the storage of its accounts. */
  readonly fees: bigint;
  /** What its accounts hold now. */
  readonly holds: bigint;
  /** What the others owed it, less what it owed them: what it holds, had it not been given anything and paid no fees. */
  readonly earned: bigint;
}

/** An account, and whose it is. */
export interface Owned {
  readonly party: string;
  readonly address: string;
}

const PAGE = 50;

/** @throws {Error} for an account whose transactions do not add up to what it holds */
export async function sheetsOf(accounts: readonly Owned[], chain: Chain): Promise<ReadonlyMap<string, Sheet>> {
  const owners = new Map(accounts.map(({ party, address }) => [parseAddress(address).toRawString(), party]));
  const sums = new Map<string, { given: bigint; fees: bigint; holds: bigint }>();
  for (const party of owners.values()) sums.set(party, { given: 0n, fees: 0n, holds: 0n });
  const transactions: { readonly account: string; readonly transaction: Transaction }[] = [];
  for (const [account, party] of owners) {
    const address = parseAddress(account);
    const { balance } = await chain.account(address);
    let left = 0n;
    for await (const { transaction } of historyOf(address, chain)) {
      left += movedBy(transaction);
      transactions.push({ account, transaction });
    }
    if (left !== balance) throw new Error(`${party} ${account} holds ${balance}, its transactions add up to ${left}`);
    sums.get(party)!.holds += balance;
  }
  // A message is sent before it is received, so that in order of logical time its beginner is known when it arrives.
  const beginners = new Map<string, string>();
  for (const { account, transaction } of transactions.toSorted(byTime)) {
    const owner = owners.get(account)!;
    const came = transaction.inMessage?.info;
    const sent = came?.type === 'internal' ? beginners.get(`${came.src.toRawString()} ${came.createdLt}`) : owner;
    const beginner = sent ?? owner;
    if (came?.type === 'internal' && (sent === undefined || isGift(transaction, owner, sent))) {
      sums.get(owner)!.given += came.value.coins;
      const giver = sums.get(sent ?? '');
      if (giver) giver.given -= came.value.coins;
    }
    const storage = storageOf(transaction);
    sums.get(owner)!.fees += storage;
    sums.get(beginner)!.fees += feesOf(transaction) - storage;
    for (const { info } of transaction.outMessages.values()) {
      if (info.type === 'internal') beginners.set(`${info.src.toRawString()} ${info.createdLt}`, beginner);
    }
  }
  const sheets = [...sums].map(
    ([party, sum]) => [party, { party, ...sum, earned: sum.holds + sum.fees - sum.given }] as const,
  );
  return new Map(sheets);
}

/** Coins without an order: their receiver is no contract that would do something, or is told nothing. */
function isGift({ inMessage }: Transaction, owner: string, beginner: string): boolean {
  return owner !== beginner && inMessage?.body.bits.length === 0;
}

function byTime(a: { readonly transaction: Transaction }, b: { readonly transaction: Transaction }): number {
  return Number(a.transaction.lt - b.transaction.lt);
}

/** What an account has more after a transaction, nanoTON. */
function movedBy(transaction: Transaction): bigint {
  let moved = -feesOf(transaction);
  const came = transaction.inMessage?.info;
  if (came?.type === 'internal') moved += came.value.coins;
  for (const { info } of transaction.outMessages.values()) if (info.type === 'internal') moved -= info.value.coins;
  return moved;
}

function storageOf({ description }: Transaction): bigint {
  return description.type === 'generic' ? (description.storagePhase?.storageFeesCollected ?? 0n) : 0n;
}

async function* historyOf(address: Address, chain: Chain): AsyncGenerator<ChainTransaction> {
  let page = await chain.transactions(address, undefined, PAGE);
  while (page.length > 0) {
    yield* page;
    page = await chain.transactions(address, page.at(-1), PAGE);
  }
}

function feesOf({ totalFees, outMessages }: Transaction): bigint {
  let fees = totalFees.coins;
  for (const { info } of outMessages.values()) if (info.type === 'internal') fees += info.forwardFee;
  return fees;
}

/** `GET /audit` of the chain, nanoTON. */
export interface Audit {
  readonly supply: bigint;
  readonly balances: bigint;
  readonly fees: bigint;
  readonly inTransit: bigint;
  readonly difference: bigint;
}

export async function auditOf(network: LocalNetwork): Promise<Audit> {
  type Wire = { supply: string; balances: string; fees: string; in_transit: string; difference: string };
  const { supply, balances, fees, in_transit, difference } = await network.chain<Wire>('/audit');
  return {
    supply: BigInt(supply),
    balances: BigInt(balances),
    fees: BigInt(fees),
    inTransit: BigInt(in_transit),
    difference: BigInt(difference),
  };
}

/** What the faucet gave, what it has left and what all fees of the chain are; nanoTON. */
export async function faucetOf(network: LocalNetwork): Promise<{ readonly given: bigint; readonly balance: bigint }> {
  const { given, balance } = await network.chain<{ given: string; balance: string }>('/faucet');
  return { given: BigInt(given), balance: BigInt(balance) };
}
