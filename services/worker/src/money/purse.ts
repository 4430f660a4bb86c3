/** The wallet that pays the fees of payouts: what it holds, what it lacks, and sending through it. */
import type { KeyObject } from 'node:crypto';
import type { Clock, Logger } from '@bombyx/base';
import { formatTon } from '@bombyx/diary';
import {
  type Address,
  type Chain,
  type ContractInit,
  formatAddress,
  MIN_WALLET_BALANCE,
  type WalletMessage,
  type WalletReceipt,
  WalletSender,
} from '@bombyx/ton';

/** What somebody should send who sends at all: two TON that the wallet never goes below, and fees for a long time. */
export const COMFORTABLE_BALANCE = 2_500_000_000n;

export interface PurseOptions {
  readonly address: Address;
  /** Deploys the wallet with its first order; undefined where its code is not ours. */
  readonly init?: ContractInit | undefined;
  readonly privateKey: KeyObject;
  readonly testnet: boolean;
  /** How often the chain is looked at while an order is outstanding. */
  readonly pollMs: number;
}

export interface PurseDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Purse implements AsyncDisposable {
  readonly address: Address;
  readonly #options: PurseOptions;
  readonly #deps: PurseDeps;
  readonly #sender: WalletSender;
  #balance: bigint | undefined;
  #lack: string | undefined;

  constructor(options: PurseOptions, deps: PurseDeps) {
    this.address = options.address;
    this.#options = options;
    this.#deps = deps;
    const { address, init, privateKey, pollMs } = options;
    this.#sender = new WalletSender({ address, privateKey, pollMs, ...(init ? { init } : {}) }, deps);
  }

  /** NanoTON, as it was read last; undefined before that. */
  get balance(): bigint | undefined {
    return this.#balance;
  }

  /** A sentence that says what to do before the next payout can be made; undefined when nothing is. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** Orders that wait or are outstanding. */
  get pending(): number {
    return this.#sender.pending;
  }

  get text(): string {
    return formatAddress(this.address, { testnet: this.#options.testnet });
  }

  /** Looks at the wallet, and says so when what it lacks has changed. @throws {ChainError} */
  async look(signal: AbortSignal): Promise<void> {
    const { balance, status } = await this.#deps.chain.account(this.address, signal);
    this.#balance = balance;
    const lack = this.#lackAt(balance, status === 'active');
    if (lack === this.#lack) return;
    if (lack !== undefined) this.#deps.log.warn(lack);
    else this.#deps.log.info('the wallet can pay for payouts', { balance: formatTon(balance) });
    this.#lack = lack;
  }

  /** @throws what {@link WalletSender.send} throws */
  send(message: WalletMessage, signal: AbortSignal): Promise<WalletReceipt> {
    return this.#sender.send(message, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  #lackAt(balance: bigint, isActive: boolean): string | undefined {
    if (balance < MIN_WALLET_BALANCE) {
      const missing = formatTon(COMFORTABLE_BALANCE - balance);
      const has = `the wallet has ${formatTon(balance)} TON and cannot pay for payouts below ${formatTon(MIN_WALLET_BALANCE)}`;
      return `${has}: send ${missing} TON to ${this.text}`;
    }
    if (isActive || this.#options.init !== undefined) return undefined;
    const how = 'deploy it with the C++ program, or set "wallet_code" to "bombyx"';
    return `there is no wallet contract at ${this.text}, and its code is not ours to deploy: ${how}`;
  }
}
