/** A chain in memory for tests: real transaction cells with real links, and accounts that do what a test says. */
import type { Clock } from '@bombyx/base';
import {
  type Address,
  beginCell,
  type Cell,
  Dictionary,
  internal,
  loadMessage,
  type Message,
  storeMessageRelaxed,
  storeTransaction,
  type Transaction,
  type TransactionDescription,
  type TupleItem,
  TupleReader,
} from '@ton/core';
import type { Chain, ChainAccount, ChainTransaction, GetMethodResult, TransactionId } from '../src/chain.ts';
import { ChainError } from '../src/chain-errors.ts';
import { readChainTransaction } from '../src/chain-transaction.ts';

export interface FakeAccount {
  status: ChainAccount['status'];
  balance: bigint;
  code?: Cell;
  data?: Cell;
  readonly history: ChainTransaction[];
  /** Get methods. */
  methods: Record<string, (args: readonly TupleItem[]) => { exitCode: number; stack: TupleItem[] }>;
}

/** What becomes of an external message: refused when it throws `CHAIN_REFUSED`, else the account's own business. */
export type Receive = (message: Message) => void;

export class FakeChain implements Chain {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, FakeAccount>();
  readonly receivers = new Map<string, Receive>();
  #lt = 1_000_000n;
  seqno = 1_000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  at(address: Address): FakeAccount {
    const key = address.toRawString();
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { status: 'absent', balance: 0n, history: [], methods: {} };
      this.#accounts.set(key, account);
    }
    return account;
  }

  /** Books a transfer of `value` nanoTON that came in. */
  transact(address: Address, value: bigint, body?: Cell, exitCode: number | 'skipped' = 0): ChainTransaction {
    const transfer = internal({ to: address, value, bounce: false, ...(body ? { body } : {}) });
    transfer.info = { ...transfer.info, src: address, createdAt: 1, createdLt: this.#lt } as typeof transfer.info;
    const message = loadMessage(beginCell().store(storeMessageRelaxed(transfer)).endCell().beginParse());
    this.at(address).balance += value;
    return this.book(address, message, exitCode);
  }

  /** Books a transaction on `address` that `inMessage` caused. */
  book(address: Address, inMessage: Message, exitCode: number | 'skipped' = 0): ChainTransaction {
    const account = this.at(address);
    const last = account.history.at(-1);
    this.#lt += 1_000_000n;
    this.seqno += 1;
    const transaction: Transaction = {
      address: BigInt(`0x${address.hash.toString('hex')}`),
      lt: this.#lt,
      prevTransactionHash: last ? BigInt(`0x${last.hash.toString('hex')}`) : 0n,
      prevTransactionLt: last?.lt ?? 0n,
      now: this.#nowSec(),
      outMessagesCount: 0,
      oldStatus: 'active',
      endStatus: 'active',
      inMessage,
      outMessages: Dictionary.empty(),
      totalFees: { coins: 0n },
      stateUpdate: { oldHash: Buffer.alloc(32), newHash: Buffer.alloc(32, 1) },
      description: described(exitCode),
      raw: beginCell().endCell(),
      hash: () => Buffer.alloc(32),
    };
    const booked = readChainTransaction(beginCell().store(storeTransaction(transaction)).endCell());
    account.history.push(booked);
    return booked;
  }

  #nowSec(): number {
    return Math.floor(this.#clock.nowMs() / 1_000);
  }

  async nowSec(): Promise<number> {
    return this.#nowSec();
  }

  async account(address: Address): Promise<ChainAccount> {
    const { status, balance, code, data, history } = this.at(address);
    const last = history.at(-1);
    const cells = code && data ? { code, data } : {};
    return { address, status, balance, ...cells, ...(last ? { last: { lt: last.lt, hash: last.hash } } : {}) };
  }

  async transactions(address: Address, after: TransactionId | undefined, limit: number) {
    const { history } = this.at(address);
    if (after === undefined) return history.slice(0, limit);
    const index = history.findIndex(({ lt, hash }) => lt === after.lt && hash.equals(after.hash));
    if (index < 0) throw new ChainError('CHAIN_STALE', 'not in history');
    return history.slice(index + 1, index + 1 + limit);
  }

  async send(message: Cell): Promise<void> {
    const parsed = loadMessage(message.beginParse());
    if (parsed.info.type !== 'external-in') throw new ChainError('CHAIN_REFUSED', 'not an external message');
    const receive = this.receivers.get(parsed.info.dest.toRawString());
    if (receive === undefined) throw new ChainError('CHAIN_REFUSED', 'nobody there');
    receive(parsed);
  }

  async run(address: Address, method: string, args: readonly TupleItem[]): Promise<GetMethodResult> {
    const { exitCode, stack } = this.at(address).methods[method]?.(args) ?? { exitCode: 11, stack: [] };
    return { exitCode, stack: new TupleReader(stack) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function described(exitCode: number | 'skipped'): TransactionDescription {
  const ran = exitCode === 0 || exitCode === 1;
  const action = {
    success: true,
    valid: true,
    noFunds: false,
    statusChange: 'unchanged',
    resultCode: 0,
    totalActions: 0,
    specActions: 0,
    skippedActions: 0,
    messagesCreated: 0,
    actionListHash: 0n,
    totalMessageSize: { cells: 0n, bits: 0n },
  } as const;
  const vm = {
    type: 'vm',
    success: ran,
    messageStateUsed: false,
    accountActivated: false,
    gasFees: 0n,
    gasUsed: 1n,
    gasLimit: 1n,
    mode: 0,
    exitCode: exitCode === 'skipped' ? 0 : exitCode,
    vmSteps: 1,
    vmInitStateHash: 0n,
    vmFinalStateHash: 0n,
  } as const;
  return {
    type: 'generic',
    creditFirst: false,
    computePhase: exitCode === 'skipped' ? { type: 'skipped', reason: 'no-gas' } : vm,
    ...(ran ? { actionPhase: action } : {}),
    aborted: !ran,
    destroyed: false,
  };
}
