/** The operating wallet of a node: what it holds, what it lacks, and sending through it. */
import type { KeyObject } from 'node:crypto';
import { type Clock, formatTon, type Logger } from '@bombyx/base';
import type { Address } from '@ton/core';
import { formatAddress } from './address.ts';
import type { Chain } from './chain.ts';
import { MIN_WALLET_BALANCE, readWalletState, type WalletMessage } from './external-wallet.ts';
import type { OperatingWallet } from './operating-wallet.ts';
import { type WalletReceipt, WalletSender } from './wallet-sender.ts';

export interface PurseOptions extends OperatingWallet {
  readonly privateKey: KeyObject;
  readonly testnet: boolean;
  /** How often the chain is looked at while a message is outstanding. */
  readonly pollMs: number;
  /** NanoTON that somebody should fill it up to who sends at all: what it never goes below, and fees for a while. */
  readonly comfortableBalance: bigint;
}

export interface PurseDeps {
  /** Stays the caller's. */
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Standing {
  readonly balance: bigint;
  readonly isDeployed: boolean;
  readonly seqno: number;
  readonly isBlocked: boolean;
}

export class Purse implements AsyncDisposable {
  readonly address: Address;
  /** As people and the reference write it. */
  readonly text: string;
  readonly #options: PurseOptions;
  readonly #deps: PurseDeps;
  readonly #sender: WalletSender;
  /** As it was read last. */
  #standing: Standing | undefined;
  #lack: string | undefined;

  constructor(options: PurseOptions, deps: PurseDeps) {
    const { address, init, privateKey, pollMs, testnet } = options;
    this.address = address;
    this.text = formatAddress(address, { testnet });
    this.#options = options;
    this.#deps = deps;
    this.#sender = new WalletSender({ address, privateKey, pollMs, ...(init && { init }) }, deps);
  }

  /** NanoTON, as it was read last; 0 before. */
  get balance(): bigint {
    return this.#standing?.balance ?? 0n;
  }

  get seqno(): number {
    return this.#standing?.seqno ?? 0;
  }

  /** Messages that wait or are outstanding. */
  get pending(): number {
    return this.#sender.pending;
  }

  /** A sentence that says what to do before the wallet can pay; undefined when nothing is, and before it was read. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** Looks at the wallet. @throws {ChainError} @throws {WalletError} `WALLET_FOREIGN` */
  async look(signal: AbortSignal): Promise<void> {
    const { balance, status, data } = await this.#deps.chain.account(this.address, signal);
    const state = status === 'active' && data !== undefined ? readWalletState(data) : undefined;
    const { seqno = 0, blocked: isBlocked = false } = state ?? {};
    this.#standing = { balance, isDeployed: state !== undefined, seqno, isBlocked };
    this.judge();
  }

  /** @param signal takes it back; once handed in, it may land all the same @throws what {@link WalletSender.send} throws */
  send(message: WalletMessage, signal?: AbortSignal): Promise<WalletReceipt> {
    return this.#sender.send(message, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  /** Tells the log when what is lacking has changed. */
  protected judge(): void {
    const lack = this.lackBeside(this.shortage);
    if (lack === this.#lack) return;
    this.#lack = lack;
    if (lack !== undefined) this.#deps.log.warn(lack);
    else this.#deps.log.info('the wallet can pay', { balance: formatTon(this.balance) });
  }

  /** How many coins are lacking, as a sentence. */
  protected get shortage(): string | undefined {
    const { balance } = this;
    if (balance >= MIN_WALLET_BALANCE) return undefined;
    const missing = formatTon(this.#options.comfortableBalance - balance);
    const has = `the wallet has ${formatTon(balance)} TON and sends nothing below ${formatTon(MIN_WALLET_BALANCE)}`;
    return `${has}: send at least ${missing} TON to ${this.text}`;
  }

  /** What is lacking where the coins are that `shortage` says, most urgent first. */
  protected lackBeside(shortage: string | undefined): string | undefined {
    if (this.#standing === undefined) return undefined;
    if (this.#standing.isBlocked) {
      return `the owner has blocked the wallet ${this.text}: he unblocks it by sending it the text u`;
    }
    if (shortage !== undefined || this.#standing.isDeployed || this.#options.init) return shortage;
    const how = 'deploy it with the C++ program, or set "wallet_code" to "bombyx"';
    return `there is no wallet contract at ${this.text}, and its code is not ours to deploy: ${how}`;
  }
}
