/** The chain in this process, behind the interface that nodes use for any chain. */
import {
  type Chain,
  type ChainAccount,
  ChainError,
  type ChainErrorCode,
  type ChainTransaction,
  type GetMethodResult,
  readChainTransaction,
  type TransactionId,
} from '@bombyx/ton';
import { type Address, Cell, type TupleItem, TupleReader } from '@ton/core';
import { DevnetError, type DevnetErrorCode } from './errors.ts';
import type { Ledger } from './ledger.ts';

const CODES: Partial<Readonly<Record<DevnetErrorCode, ChainErrorCode>>> = {
  DEVNET_REFUSED: 'CHAIN_REFUSED',
  DEVNET_MESSAGE: 'CHAIN_REFUSED',
  DEVNET_FULL: 'CHAIN_RATE_LIMITED',
  DEVNET_CLOSED: 'CHAIN_CLOSED',
};

/** Does not own the ledger: it may be disposed of while the chain goes on. */
export class EmbeddedChain implements Chain {
  readonly #ledger: Ledger;
  #closed = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  nowSec(signal?: AbortSignal): Promise<number> {
    return this.#ask(signal, (ledger) => ledger.head.utime);
  }

  account(address: Address, signal?: AbortSignal): Promise<ChainAccount> {
    return this.#ask(signal, (ledger) => {
      const { kind, frozenHash: _, ...state } = ledger.account(address);
      const status = kind === 'active' || kind === 'frozen' ? kind : 'absent';
      return { address, status, ...state };
    });
  }

  transactions(
    address: Address,
    after: TransactionId | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly ChainTransaction[]> {
    return this.#ask(signal, (ledger) => {
      if (after && !isIn(ledger, address, after)) {
        throw new ChainError('CHAIN_STALE', 'the account has no such transaction', { lt: after.lt });
      }
      const range = { limit, oldestFirst: true, ...(after ? { above: after.lt } : {}) };
      return ledger.records.history(address, range).map(({ cell }) => readChainTransaction(Cell.fromBoc(cell)[0]!));
    });
  }

  send(message: Cell, signal?: AbortSignal): Promise<void> {
    return this.#ask(signal, async (ledger) => void (await ledger.send(message)));
  }

  run(address: Address, method: string, args: readonly TupleItem[], signal?: AbortSignal): Promise<GetMethodResult> {
    return this.#ask(signal, async (ledger) => {
      const { exitCode, stack } = await ledger.get(address, method, args);
      return { exitCode, stack: new TupleReader([...stack]) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }

  /** @throws {ChainError} whatever the ledger throws on purpose */
  async #ask<T>(signal: AbortSignal | undefined, question: (ledger: Ledger) => T | Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#closed) throw new ChainError('CHAIN_CLOSED', 'the chain was closed');
    try {
      return await question(this.#ledger);
    } catch (cause) {
      if (!(cause instanceof DevnetError)) throw cause;
      throw new ChainError(CODES[cause.code] ?? 'CHAIN_UNREACHABLE', cause.message, cause.detail, { cause });
    }
  }
}

function isIn(ledger: Ledger, address: Address, { lt, hash }: TransactionId): boolean {
  const [found] = ledger.records.history(address, { above: lt - 1n, upTo: lt, limit: 1 });
  return found?.hash.equals(hash) ?? false;
}
