/**
 * What Bombyx needs of a TON chain. Two implementations pass one suite (`testing/chain-suite.ts`): the public HTTP API
 * and the embedded chain.
 */
import type { Address, Cell, Transaction, TupleItem, TupleReader } from '@ton/core';

/** A point in the history of one account. */
export interface TransactionId {
  /** Logical time: grows with every transaction of an account. */
  readonly lt: bigint;
  /** 32 bytes. */
  readonly hash: Buffer;
}

export interface ChainAccount {
  readonly address: Address;
  /** `absent`: never seen, or only has coins; `frozen`: owes storage. */
  readonly status: 'absent' | 'active' | 'frozen';
  /** NanoTON. */
  readonly balance: bigint;
  /** Both only while `active`. */
  readonly code?: Cell;
  readonly data?: Cell;
  /** Undefined for an account without a transaction. */
  readonly last?: TransactionId;
}

/** One transaction as the chain recorded it. A node decides by {@link succeeded}, never by the message alone. */
export interface ChainTransaction extends TransactionId {
  /** Unix seconds of its block. */
  readonly atSec: number;
  /** The whole transaction, decoded from its cell (`Transaction#raw`): its hash was checked against {@link hash}. */
  readonly transaction: Transaction;
  /** Compute phase ran with exit code 0 or 1, the action phase succeeded, nothing aborted. */
  readonly succeeded: boolean;
  /** Compute phase was skipped: a message that bought no gas, such as a notice of 1 nanoTON. */
  readonly skipped: boolean;
}

export interface GetMethodResult {
  /** 0 or 1 = success. */
  readonly exitCode: number;
  readonly stack: TupleReader;
}

export interface Chain extends AsyncDisposable {
  /** Unix seconds of the newest block. @throws {ChainError} */
  nowSec(signal?: AbortSignal): Promise<number>;
  /** State of an account; one never seen is `absent` with balance 0. @throws {ChainError} */
  account(address: Address, signal?: AbortSignal): Promise<ChainAccount>;
  /**
   * Transactions newer than `after` (from the first one without it), oldest first, without a gap, at most `limit`.
   * @throws {ChainError} `CHAIN_STALE` when `after` is not in the account's history: another network, or one rolled back
   */
  transactions(
    address: Address,
    after: TransactionId | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly ChainTransaction[]>;
  /** Hands in an external message (cell of the whole message). Accepted is not landed. @throws {ChainError} */
  send(message: Cell, signal?: AbortSignal): Promise<void>;
  /** Runs a get method on the newest state. @throws {ChainError}; a non-zero exit code is a result */
  run(address: Address, method: string, args: readonly TupleItem[], signal?: AbortSignal): Promise<GetMethodResult>;
}
