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
import { MESSAGE_VALUE } from './client-contract.ts';

/** NanoTON for the fees of a few messages; one costs about 0.015 TON. */
const FEES = 100_000_000n;
/**
 * The wallet contract pays nothing out of less than 2 TON. A top-up leaves as much behind, so that registering, charging
 * and closing stay possible.
 */
export const KEPT_BALANCE = MIN_WALLET_BALANCE + FEES;

/** Asked for on top, so that what storage takes until it arrives is not lacking again. */
const SLACK = 50_000_000n;

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
  /** As people write it. */
  readonly text: string;
  readonly #options: PurseOptions;
  readonly #deps: PurseDeps;
  readonly #sender: WalletSender;
  #balance: bigint | undefined;
  #seqno = 0;
  #isStanding = false;
  /** NanoTON of what was handed in, and may be part of the balance still. */
  #handedIn = 0n;
  /** What could not be paid so far, by who wants it. */
  readonly #wants = new Map<object, bigint>();
  #lack: string | undefined;

  constructor(options: PurseOptions, deps: PurseDeps) {
    const { address, init, privateKey, pollMs, testnet } = options;
    this.address = address;
    this.text = formatAddress(address, { testnet });
    this.#options = options;
    this.#deps = deps;
    this.#sender = new WalletSender({ address, privateKey, pollMs, ...(init ? { init } : {}) }, deps);
  }

  /** NanoTON, as it was read last; undefined before that. */
  get balance(): bigint | undefined {
    return this.#balance;
  }

  get seqno(): number {
    return this.#seqno;
  }

  /** Orders that wait or are outstanding. */
  get pending(): number {
    return this.#sender.pending;
  }

  /** A sentence that says how much to send where; undefined when nothing is lacking. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** Looks at the wallet, and says so when what it lacks has changed. @throws {ChainError} */
  async look(signal: AbortSignal): Promise<void> {
    const { balance, status, data } = await this.#deps.chain.account(this.address, signal);
    this.#balance = balance;
    this.#seqno = status === 'active' && data !== undefined ? readWalletState(data).seqno : 0;
    this.#isStanding = status === 'active';
    this.#judge();
  }

  /**
   * Whether the wallet can pay `amount` into a contract and still work. What it cannot, the owner is asked for until
   * {@link settled}.
   * @param amount nanoTON; 0 for what only needs fees
   */
  canPay(who: object, amount: bigint): boolean {
    const can = this.#lackFor(amount) === undefined;
    if (can) this.#wants.delete(who);
    else this.#wants.set(who, amount);
    this.#judge();
    return can;
  }

  /** It is not wanted any more. */
  settled(who: object): void {
    this.#wants.delete(who);
    this.#judge();
  }

  /** @throws what {@link WalletSender.send} throws */
  async send(message: WalletMessage): Promise<WalletReceipt> {
    const { info } = message.message;
    const value = info.type === 'internal' ? info.value.coins : 0n;
    this.#handedIn += value;
    try {
      return await this.#sender.send(message);
    } finally {
      this.#handedIn -= value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  #judge(): void {
    const most = [...this.#wants.values()].reduce((a, b) => (a > b ? a : b), 0n);
    const lack = this.#lackFor(most);
    if (lack === this.#lack) return;
    this.#lack = lack;
    if (lack !== undefined) this.#deps.log.warn(lack);
    else this.#deps.log.info('the wallet can pay', { balance: formatTon(this.#balance ?? 0n) });
  }

  #lackFor(amount: bigint): string | undefined {
    if (this.#balance === undefined) return undefined;
    const balance = this.#balance > this.#handedIn ? this.#balance - this.#handedIn : 0n;
    const least = amount > 0n ? KEPT_BALANCE + MESSAGE_VALUE + amount : MIN_WALLET_BALANCE;
    if ((amount > 0n ? balance : this.#balance) < least) {
      const what =
        amount > 0n
          ? `needs ${formatTon(least)} TON to pay ${formatTon(amount)} TON in at a proxy`
          : `pays nothing out of less than ${formatTon(least)} TON`;
      const missing = (amount > 0n ? least : KEPT_BALANCE) + SLACK - this.#balance;
      if (missing <= SLACK)
        return `the wallet has ${formatTon(balance)} TON left and ${what}: wait for what is under way`;
      return `the wallet has ${formatTon(this.#balance)} TON and ${what}: send ${formatTon(missing)} TON to ${this.text}`;
    }
    if (this.#isStanding || this.#options.init !== undefined) return undefined;
    const how = 'deploy it with the C++ program, or set "wallet_code" to "bombyx"';
    return `there is no wallet contract at ${this.text}, and its code is not ours to deploy: ${how}`;
  }
}
