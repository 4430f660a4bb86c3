/** Our account as the chain has it, and the one message that is ever sent to it. */
import type { NanoTon } from '@bombyx/base';
import {
  type Address,
  type Arrival,
  awaitArrival,
  type Cell,
  type Chain,
  type ContractInit,
  type ExpectedArrival,
  type Params,
  readCell,
  readWorkerData,
  redirectExcess,
  type TransactionId,
  type WalletMessage,
  type WalletReceipt,
} from '@bombyx/ton';
import { internal } from '@ton/core';
import type { Account } from '../payments.ts';

/** Comes back as excess but for fees, and for 0.11 TON that a new contract keeps. Source: worker.md §8. */
export const PAYOUT_VALUE = 500_000_000n;

export interface WorkerContract {
  readonly isDeployed: boolean;
  readonly isClosed: boolean;
  /** Adjusted tokens paid for. */
  readonly paid: bigint;
  /** NanoTON that the proxy contract refused and that the next payout claims again. */
  readonly arrears: NanoTon;
  /** Undefined where neither chain nor disk have them. */
  readonly terms: Params | undefined;
  /** Newest transaction. */
  readonly last: TransactionId | undefined;
}

/** @throws {ChainError}; {ContractError} `CONTRACT_DATA` when what stands at the address is no worker contract */
export async function readWorkerContract(
  chain: Chain,
  { keys, terms }: Pick<Account, 'keys' | 'terms'>,
  signal: AbortSignal,
): Promise<WorkerContract> {
  const { status, data, last } = await chain.account(keys.workerContract, signal);
  if (status !== 'active' || data === undefined) {
    return { isDeployed: false, isClosed: false, paid: 0n, arrears: 0n as NanoTon, terms, last };
  }
  const { state, tokens, arrears, params } = readWorkerData(data);
  return {
    isDeployed: true,
    isClosed: state === 'closed',
    paid: tokens,
    arrears: arrears.worker,
    terms: params,
    last,
  };
}

/** A payout under way: how it is found again on the chain. */
export interface PayoutMessage {
  readonly body: Cell;
  readonly wallet: WalletMessage;
}

/**
 * The kept payment as a message to the worker contract. What is left of its value comes to `wallet`, the earnings go to
 * the owner whom the contract knows.
 * @param birth deploys the contract with the same message; undefined when it stands
 */
export function payoutMessage(
  to: Address,
  payment: Uint8Array,
  wallet: Address,
  birth: ContractInit | undefined,
): PayoutMessage {
  const body = readCell(redirectExcess(payment, wallet));
  const message = internal({
    to,
    value: PAYOUT_VALUE,
    bounce: true, // a refusal brings the coins back
    body,
    ...(birth === undefined ? {} : { init: birth }),
  });
  return { body, wallet: { mode: 1, message } };
}

/**
 * What the worker contract did with a payout whose external the wallet took. A wallet that passed over the message has
 * sent nothing.
 * @throws what {@link awaitArrival} throws
 */
export async function followPayout(
  { body, ...expected }: Omit<ExpectedArrival, 'matches' | 'sentAtSec'> & Pick<PayoutMessage, 'body'>,
  { transaction: { transaction, atSec: sentAtSec } }: WalletReceipt,
  deps: Parameters<typeof awaitArrival>[1],
  signal: AbortSignal,
): Promise<Arrival> {
  const hash = body.hash();
  const matches = (other: Cell) => other.hash().equals(hash);
  if (!transaction.outMessages.values().some((sent) => matches(sent.body))) return { outcome: 'lost' };
  return awaitArrival({ ...expected, matches, sentAtSec }, deps, signal);
}
