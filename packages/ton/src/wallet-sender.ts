/**
 * Sends through the operating wallet, each message once.
 *
 * The wallet takes one external for each sequence number. Everything handed in for a number excludes the rest of it, so
 * an external that was lost, or whose answer was, is signed again under the same number without a thought. A message gets
 * a new number only when the number has moved and the wallet's own transactions show that another external took it.
 * Nothing is kept on disk: number and history are the chain's.
 */
import type { KeyObject } from 'node:crypto';
import { type Clock, type Logger, Scope, wait } from '@bombyx/base';
import { type Address, beginCell, type StateInit, storeMessageRelaxed } from '@ton/core';
import { writeCell } from './boc.ts';
import type { Chain, ChainAccount, ChainTransaction } from './chain.ts';
import { ChainError } from './chain-errors.ts';
import {
  MAX_WALLET_MESSAGES,
  MIN_WALLET_BALANCE,
  readWalletState,
  signWalletOrder,
  type WalletMessage,
  walletExternal,
} from './external-wallet.ts';
import { publicKeyBytes } from './keys.ts';
import { WalletError } from './wallet-sender-errors.ts';
import { Round } from './wallet-sender-round.ts';

export interface WalletSenderOptions {
  readonly address: Address;
  readonly privateKey: KeyObject;
  /** Default 0. */
  readonly subwallet?: number;
  /** Deploys the wallet with the first external, where it has coins and no code yet. */
  readonly init?: StateInit;
  /** How long an external may land after it was signed. Default 60. */
  readonly validForSec?: number;
  /** How often the chain is looked at while something is outstanding. Default 2,000. */
  readonly pollMs?: number;
  /** How much older than its time a state may be that the chain shows; more than its own bound. Default 180. */
  readonly graceSec?: number;
  /** Messages that may wait. Default 256. */
  readonly maxQueue?: number;
}

export interface WalletSenderDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Where a message landed. */
export interface WalletReceipt {
  readonly seqno: number;
  /** Of the wallet. */
  readonly transaction: ChainTransaction;
}

interface Order {
  readonly message: WalletMessage;
  /** Not with others in one external: it takes everything, or one of its company failed. */
  alone: boolean;
  failure?: WalletError;
  readonly resolve: (receipt: WalletReceipt) => void;
  readonly reject: (reason: unknown) => void;
}

interface Wallet {
  readonly seqno: number;
  readonly blocked: boolean;
  readonly balance: bigint;
  readonly deploy: boolean;
}

/** An external is handed in again so often while it lives: an endpoint may have taken and dropped it. */
const HAND_IN_MS = 10_000;
/** Four such messages fit into an external of 64 kB. */
const MAX_MESSAGE_BYTES = 16_000;
/** Coins kept for fees, for each message. */
const FEE = 20_000_000n;
/** Send modes: 1 pays fees apart, 2 ignores errors, 64 carries the incoming value, 128 everything. */
const MODES: ReadonlySet<number> = new Set([0, 1, 2, 3, 128, 130]);
const CARRY_ALL = 128;

export class WalletSender implements AsyncDisposable {
  readonly #options: Required<Omit<WalletSenderOptions, 'init'>> & Pick<WalletSenderOptions, 'init'>;
  readonly #deps: WalletSenderDeps;
  readonly #scope = new Scope();
  readonly #publicKey: Buffer;
  /** Waiting and outstanding, oldest first. An order leaves when its promise is settled. */
  #queue: Order[] = [];
  #round: Round<Order> | undefined;
  /** A number below is known to be used. */
  #leastSeqno = 0;
  #handedInMs = 0;
  #running = false;
  #working: Promise<void> | undefined;

  /** Opens nothing; `chain` stays the caller's. @throws {TonError} `TON_KEY` */
  constructor(options: WalletSenderOptions, deps: WalletSenderDeps) {
    this.#options = { subwallet: 0, validForSec: 60, pollMs: 2_000, graceSec: 180, maxQueue: 256, ...options };
    this.#deps = deps;
    this.#publicKey = publicKeyBytes(options.privateKey);
  }

  /** Messages that wait or are outstanding. */
  get pending(): number {
    return this.#queue.length;
  }

  /**
   * Queues a message; messages go in order, up to four in one external.
   * @param signal takes it back; once handed in, it may land all the same
   * @returns when it has landed
   * @throws {WalletError} when it has not landed and never will; after `WALLET_CLOSED` and `WALLET_FOREIGN` it still may
   * @throws {RangeError} for a send mode that the bookkeeping here cannot follow (32, 64), and more than 16,000 bytes
   */
  send(message: WalletMessage, signal?: AbortSignal): Promise<WalletReceipt> {
    if (!MODES.has(message.mode)) throw new RangeError(`send mode ${message.mode}`);
    const size = writeCell(beginCell().store(storeMessageRelaxed(message.message)).endCell()).length;
    if (size > MAX_MESSAGE_BYTES) throw new RangeError(`a message of ${size} bytes`);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#scope.signal.aborted) return Promise.reject(closed());
    const { maxQueue } = this.#options;
    if (this.#queue.length >= maxQueue) {
      return Promise.reject(new WalletError('WALLET_FULL', `${maxQueue} messages wait`, { maxQueue }));
    }
    return new Promise<WalletReceipt>((resolve, reject) => {
      const leave = () => this.#reject([order], signal?.reason);
      const settled = () => signal?.removeEventListener('abort', leave);
      const order: Order = {
        message,
        alone: message.mode >= CARRY_ALL,
        resolve: (receipt) => {
          settled();
          resolve(receipt);
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', leave);
      this.#queue.push(order);
      if (!this.#running) this.#working = this.#work();
    });
  }

  /**
   * Waits until nothing can land that was signed before now, by this sender or by one before it. What a node reads of
   * its contracts after that is what they are, and no forgotten message will change it. Takes `validForSec` and `graceSec`.
   * @throws {ChainError}
   */
  async quiet(signal?: AbortSignal): Promise<void> {
    const { validForSec, graceSec, pollMs } = this.#options;
    const { chain, clock } = this.#deps;
    const untilSec = (await chain.nowSec(signal)) + validForSec + graceSec;
    while ((await chain.nowSec(signal)) <= untilSec) await wait(clock, pollMs, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    this.#reject([...this.#queue], closed());
    await this.#working;
  }

  async #work(): Promise<void> {
    const { signal } = this.#scope;
    this.#running = true;
    while (this.#queue.length > 0 && !signal.aborted) {
      const again = await this.#step(signal).catch((error: unknown) => this.#stumble(error));
      if (!again) await wait(this.#deps.clock, this.#options.pollMs, signal).catch(() => undefined);
    }
    this.#running = false; // at once with the last look at the queue: who comes later starts it again
  }

  /** The chain will be back; anything else ends what waits. */
  #stumble(error: unknown): boolean {
    const passing = error instanceof ChainError && error.code !== 'CHAIN_CLOSED';
    if (passing) this.#deps.log.warn('wallet waits for the chain', { code: error.code, pending: this.#queue.length });
    else if (!this.#scope.signal.aborted) this.#reject([...this.#queue], error);
    return !passing;
  }

  /** Looks at the wallet once and does what follows from it. @returns whether there is more to do at once */
  async #step(signal: AbortSignal): Promise<boolean> {
    const { chain } = this.#deps;
    const { address } = this.#options;
    const account = await chain.account(address, signal);
    const wallet = this.#walletOf(account);
    if (wallet.seqno < this.#leastSeqno) return false; // an old answer
    const round = this.#round ?? new Round<Order>(wallet.seqno, account.last);
    this.#round = round;
    if (!(await round.catchUp(chain, address, account.last, signal))) return false;
    if (round.landed || wallet.seqno > round.seqno) {
      this.#settle(round, wallet.seqno);
      return true;
    }
    const nowSec = await chain.nowSec(signal);
    const { latest } = round;
    if (latest && nowSec <= latest.validUntilSec) {
      const due = this.#deps.clock.monotonicMs() - this.#handedInMs >= HAND_IN_MS;
      if (due && !latest.failed) await this.#handIn(wallet, signal);
      return false;
    }
    if (latest?.failed) this.#blame(latest.orders, latest.failed);
    const refused = this.#refusals(wallet, nowSec);
    if (refused > 0) return true;
    const orders = this.#batch(wallet);
    if (orders.length === 0) return false;
    this.#sign(round, orders, nowSec);
    await this.#handIn(wallet, signal);
    return false;
  }

  #walletOf({ status, balance, data, code }: ChainAccount): Wallet {
    if (status !== 'active' || data === undefined || code === undefined) {
      return { seqno: 0, blocked: false, balance, deploy: true };
    }
    const { seqno, subwallet, blocked, publicKey } = readWalletState(data);
    if (!publicKey.equals(this.#publicKey) || subwallet !== this.#options.subwallet) {
      throw new WalletError('WALLET_FOREIGN', 'the wallet has another key or subwallet than the one configured');
    }
    return { seqno, blocked, balance, deploy: false };
  }

  #sign(round: Round<Order>, orders: readonly Order[], nowSec: number): void {
    const { subwallet, privateKey, validForSec } = this.#options;
    const validUntilSec = nowSec + validForSec;
    const messages = orders.map(({ message }) => message);
    const body = signWalletOrder({ subwallet, validUntilSec, seqno: round.seqno, messages }, privateKey);
    round.add({ body, orders, validUntilSec });
  }

  /** Nothing follows from how this ends: the answer may be lost, and a refusal may come from an old state. */
  async #handIn({ deploy }: Wallet, signal: AbortSignal): Promise<void> {
    const { chain, clock, log } = this.#deps;
    const latest = this.#round?.latest;
    if (latest === undefined) return;
    this.#handedInMs = clock.monotonicMs();
    const { address, init } = this.#options;
    try {
      await chain.send(walletExternal(address, latest.body, deploy ? init : undefined), signal);
    } catch (error) {
      if (!(error instanceof ChainError) || error.code === 'CHAIN_CLOSED') throw error;
      log.warn('external not taken', { code: error.code, seqno: this.#round?.seqno });
    }
  }

  /** The number was used: by one of ours, or by somebody else who holds the key. */
  #settle(round: Round<Order>, seqno: number): void {
    const { landed } = round;
    this.#round = undefined;
    this.#leastSeqno = Math.max(seqno, round.seqno + 1);
    if (landed === undefined) {
      if (round.latest) this.#deps.log.warn('another external took the number', { seqno: round.seqno });
      return;
    }
    const { orders, transaction } = landed;
    this.#queue = this.#queue.filter((order) => !orders.includes(order));
    for (const order of orders) order.resolve({ seqno: round.seqno, transaction });
  }

  /** Which of several is to blame nobody knows: they go one by one from now on. */
  #blame(orders: readonly Order[], failed: ChainTransaction): void {
    const [only, ...others] = orders;
    for (const order of orders) order.alone = true;
    if (only === undefined || others.length > 0) return;
    const { description } = failed.transaction;
    const resultCode = description.type === 'generic' ? (description.actionPhase?.resultCode ?? -1) : -1;
    only.failure = new WalletError('WALLET_FAILED', `the wallet could not send the message: result ${resultCode}`, {
      resultCode,
    });
  }

  /** Rejects what cannot be sent, as soon as nothing signed of it can land. @returns how many */
  #refusals(wallet: Wallet, nowSec: number): number {
    const round = this.#round;
    const dead = nowSec > (round?.deadAfterSec ?? 0) + this.#options.graceSec;
    let count = 0;
    for (const order of [...this.#queue]) {
      const error = this.#refusal(order, wallet);
      if (error === undefined || (!dead && round?.holds(order))) continue;
      this.#reject([order], error);
      count += 1;
    }
    return count;
  }

  #refusal(order: Order, { balance, blocked, deploy }: Wallet): WalletError | undefined {
    if (order.failure) return order.failure;
    if (deploy && !this.#options.init) return new WalletError('WALLET_ABSENT', 'there is no wallet at the address');
    if (blocked)
      return new WalletError('WALLET_BLOCKED', 'the owner has blocked the wallet: he unblocks it with the text u');
    let needed = MIN_WALLET_BALANCE;
    if (cost(order) > needed) needed = cost(order);
    if (balance >= needed) return undefined;
    const message = `the wallet has ${balance} nanoTON and needs ${needed}: send coins to it`;
    return new WalletError('WALLET_BALANCE', message, { balance, needed });
  }

  /** The oldest orders that go together and are covered by the balance. One that waits to be refused holds up the rest. */
  #batch(wallet: Wallet): readonly Order[] {
    const batch: Order[] = [];
    let left = wallet.balance;
    for (const order of this.#queue) {
      left -= cost(order);
      const full = batch.length === MAX_WALLET_MESSAGES || (order.alone && batch.length > 0);
      if (full || left < 0n || this.#refusal(order, wallet)) break;
      batch.push(order);
      if (order.alone) break;
    }
    return batch;
  }

  #reject(orders: readonly Order[], reason: unknown): void {
    this.#queue = this.#queue.filter((order) => !orders.includes(order));
    for (const order of orders) order.reject(reason);
  }
}

/** Coins the wallet must have for a message, in nanoTON. */
function cost({ message: { mode, message } }: Order): bigint {
  if (mode >= CARRY_ALL || message.info.type !== 'internal') return FEE;
  return message.info.value.coins + FEE;
}

function closed(): WalletError {
  return new WalletError('WALLET_CLOSED', 'the wallet sender was closed; what was handed in may still land');
}
