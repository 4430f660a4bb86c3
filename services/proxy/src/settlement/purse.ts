/** The operating wallet: what it holds, what it lacks, and sending through it. */
import type { KeyObject } from 'node:crypto';
import type { Clock, Logger } from '@bombyx/base';
import { formatTon } from '@bombyx/diary';
import {
  type Address,
  type Chain,
  type ContractInit,
  formatAddress,
  MIN_WALLET_BALANCE,
  readWalletState,
  type WalletMessage,
  type WalletReceipt,
  WalletSender,
} from '@bombyx/ton';

/** What to send who sends at all: the two TON that the wallet never goes below, deployment, payments under way, fees. */
const COMFORTABLE_BALANCE = 5_000_000_000n;

export interface PurseOptions {
  readonly address: Address;
  /** Deploys the wallet with its first message; absent where its code is not ours. */
  readonly init?: ContractInit;
  readonly privateKey: KeyObject;
  readonly testnet: boolean;
  readonly pollMs: number;
}

export interface PurseDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Purse implements AsyncDisposable {
  readonly address: Address;
  /** As people and the reference write it. */
  readonly text: string;
  readonly #hasInit: boolean;
  readonly #deps: PurseDeps;
  readonly #sender: WalletSender;
  #balance = 0n;
  #seqno = 0;
  #lack: string | undefined;

  constructor({ testnet, ...options }: PurseOptions, deps: PurseDeps) {
    this.address = options.address;
    this.text = formatAddress(options.address, { testnet });
    this.#hasInit = options.init !== undefined;
    this.#deps = deps;
    this.#sender = new WalletSender(options, deps);
  }

  /** NanoTON, as it was read last. */
  get balance(): bigint {
    return this.#balance;
  }

  get seqno(): number {
    return this.#seqno;
  }

  /** Messages that wait or are outstanding. */
  get pending(): number {
    return this.#sender.pending;
  }

  /** A sentence that says what to do before the wallet can send anything; undefined when nothing is. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** Looks at the wallet, and tells the log when what it lacks has changed. @throws {ChainError} @throws {WalletError} */
  async look(signal: AbortSignal): Promise<void> {
    const { chain, log } = this.#deps;
    const { balance, status, data } = await chain.account(this.address, signal);
    const isActive = status === 'active' && data !== undefined;
    const state = isActive ? readWalletState(data) : undefined;
    this.#balance = balance;
    this.#seqno = state?.seqno ?? 0;
    const lack = state?.blocked ? this.#blocked() : this.#lackAt(balance, isActive);
    if (lack === this.#lack) return;
    if (lack !== undefined) log.warn(lack);
    else log.info('the wallet can pay', { balance: formatTon(balance) });
    this.#lack = lack;
  }

  /** @throws what {@link WalletSender.send} throws */
  send(message: WalletMessage): Promise<WalletReceipt> {
    return this.#sender.send(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  #blocked(): string {
    return `the owner has blocked the wallet ${this.text}: he unblocks it by sending it the text u`;
  }

  #lackAt(balance: bigint, isActive: boolean): string | undefined {
    if (balance < MIN_WALLET_BALANCE) {
      const missing = formatTon(COMFORTABLE_BALANCE - balance);
      const has = `the wallet has ${formatTon(balance)} TON and sends nothing below ${formatTon(MIN_WALLET_BALANCE)}`;
      return `${has}: send at least ${missing} TON to ${this.text}`;
    }
    if (isActive || this.#hasInit) return undefined;
    const how = 'deploy it with the C++ program, or set "wallet_code" to "bombyx"';
    return `there is no wallet contract at ${this.text}, and its code is not ours to deploy: ${how}`;
  }
}
