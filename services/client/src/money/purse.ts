/** The wallet of a client: whether it can pay into contracts beside what is under way, and what it lacks for that. */
import { formatTon } from '@bombyx/base';
import { MIN_WALLET_BALANCE, Purse, type PurseDeps, type PurseOptions, type WalletMessage } from '@bombyx/ton';
import { MESSAGE_VALUE } from './client-contract.ts';

/** NanoTON for the fees of a few messages; one costs about 0.015 TON. */
const FEES = 100_000_000n;
/** The wallet pays nothing out of less than 2 TON. A top-up leaves as much, so that it can register, charge and close. */
const KEPT_BALANCE = MIN_WALLET_BALANCE + FEES;
/** Asked for on top, so that what storage takes until it arrives is not lacking again. */
const SLACK = 50_000_000n;

export class ClientPurse extends Purse {
  /** NanoTON of what was handed in, and may be part of the balance still. */
  #handedIn = 0n;
  /** What could not be paid so far, by who wants it. */
  readonly #wants = new Map<object, bigint>();

  /** @param options `stake`: nanoTON that the first account takes; an empty wallet is asked for all of it at once */
  constructor({ stake, ...options }: Omit<PurseOptions, 'comfortableBalance'> & { stake: bigint }, deps: PurseDeps) {
    super({ ...options, comfortableBalance: KEPT_BALANCE + MESSAGE_VALUE + stake + SLACK }, deps);
  }

  /**
   * Whether the wallet can pay `amount` into a contract and still work. What it cannot, the owner is asked for until
   * {@link settled}.
   * @param amount nanoTON; 0 for what only needs fees
   */
  canPay(who: object, amount: bigint): boolean {
    const can = this.lackBeside(this.#shortageFor(amount)) === undefined;
    if (can) this.#wants.delete(who);
    else this.#wants.set(who, amount);
    this.judge();
    return can;
  }

  /** It is not wanted any more. */
  settled(who: object): void {
    this.#wants.delete(who);
    this.judge();
  }

  override async send(message: WalletMessage, signal?: AbortSignal): ReturnType<Purse['send']> {
    const { info } = message.message;
    const value = info.type === 'internal' ? info.value.coins : 0n;
    this.#handedIn += value;
    try {
      return await super.send(message, signal);
    } finally {
      this.#handedIn -= value;
    }
  }

  protected override get shortage(): string | undefined {
    let most = 0n;
    for (const amount of this.#wants.values()) if (amount > most) most = amount;
    return this.#shortageFor(most);
  }

  #shortageFor(amount: bigint): string | undefined {
    if (amount === 0n) return super.shortage;
    const { balance } = this;
    const left = balance > this.#handedIn ? balance - this.#handedIn : 0n;
    const needed = KEPT_BALANCE + MESSAGE_VALUE + amount;
    if (left >= needed) return undefined;
    const what = `needs ${formatTon(needed)} TON to pay ${formatTon(amount)} TON in at a proxy`;
    if (balance >= needed) return `the wallet has ${formatTon(left)} TON left and ${what}: wait for what is under way`;
    const missing = formatTon(needed + SLACK - balance);
    return `the wallet has ${formatTon(balance)} TON and ${what}: send at least ${missing} TON to ${this.text}`;
  }
}
