/**
 * Cashes what proxies have signed. Every 10 to 20 seconds it looks at the wallet and at the contracts that owe something,
 * and only from what the chain says does it decide; so after a crash at any moment it goes on where the chain is. A payout
 * claims a running total: handed in twice, or overtaken by one of the proxy's own, it is refused and its coins come back.
 */
import { randomInt } from 'node:crypto';
import { BombyxError, type Clock, formatTon, type Logger, Scope } from '@bombyx/base';
import {
  type Address,
  type Arrival,
  type Chain,
  ChainError,
  ContractError,
  formatAddress,
  type Purse,
  type RootConfig,
  WalletError,
} from '@bombyx/ton';
import type { PaymentMemory } from '../memory.ts';
import type { Account } from '../payments.ts';
import { dueOf, judgePayout, type PayoutPolicy, type Verdict } from './payout.ts';
import { AccountWatch } from './watch.ts';
import { followPayout, payoutMessage, readWorkerContract, type WorkerContract } from './worker-contract.ts';

const ROUND_MS = { from: 10_000, to: 20_000 };
/** The worker contract has seen this total, or a higher one. Source: contracts.md §2. */
const OLD_COUNTER = 1_000;

export interface CashierOptions {
  readonly policy: PayoutPolicy;
  readonly testnet: boolean;
  /** How often the chain is looked at while a payout is under way. */
  readonly pollMs: number;
}

export interface CashierDeps {
  readonly chain: Chain;
  readonly purse: Purse;
  readonly memory: PaymentMemory;
  readonly root: () => RootConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What becomes of a payout that somebody ordered. */
export type OrderedPayout =
  | { readonly ok: true; readonly amount: bigint }
  | { readonly ok: false; readonly reason: 'unknown' | 'nothing' | 'not-now'; readonly text: string };

export interface CashierCounts {
  readonly payouts: number;
  /** NanoTON that payouts claimed which the contracts took. */
  readonly cashed: bigint;
  readonly failures: number;
}

export class Cashier implements AsyncDisposable {
  readonly #options: CashierOptions;
  readonly #deps: CashierDeps;
  readonly #scope = new Scope();
  readonly #watches = new Map<Account, AccountWatch>();
  readonly #payouts = new Set<Promise<void>>();
  #round: Promise<void>;
  #cancelRound: (() => void) | undefined;
  #trouble: string | undefined;
  #syncedAtSec = 0;
  #counts = { payouts: 0, cashed: 0n, failures: 0 };

  constructor(options: CashierOptions, deps: CashierDeps) {
    this.#options = options;
    this.#deps = deps;
    deps.memory.recallAll();
    this.#round = this.#work();
  }

  get counts(): CashierCounts {
    return this.#counts;
  }
  /** Unix seconds at which everything was last read from the chain; 0 before. */
  get syncedAtSec(): number {
    return this.#syncedAtSec;
  }
  /** Why the chain cannot be asked; undefined while it can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  watchOf(account: Account): AccountWatch {
    let watch = this.#watches.get(account);
    if (watch === undefined) {
      watch = new AccountWatch(account, this.#deps.clock.monotonicMs());
      this.#watches.set(account, watch);
    }
    return watch;
  }

  /** Cashes now whatever is due from one proxy, whatever the policy says. @param proxy address of its contract */
  async payOut(proxy: Address): Promise<OrderedPayout> {
    const account = this.#deps.memory.accounts.find(({ keys }) => keys.proxyContract.equals(proxy));
    if (account === undefined) return no('unknown', 'no proxy with this contract is known');
    const watch = this.watchOf(account);
    const busy = () => no('not-now', `a payout of ${formatTon(watch.underway?.amount ?? 0n)} TON is under way already`);
    if (watch.underway) return busy();
    try {
      await this.#deps.purse.look(this.#scope.signal);
      if (!(await this.#look(watch))) return no('not-now', watch.lastFailure ?? 'our contract cannot be read');
    } catch (error) {
      return no('not-now', `the chain cannot be asked (${codeOf(error)}): try again later`);
    }
    if (watch.underway) return busy();
    const { lack } = this.#deps.purse;
    if (lack !== undefined) return no('not-now', lack);
    const claim = this.#claimOf(watch);
    if (claim === undefined) return no('nothing', 'there is no way to this account: it was made without a chain');
    if (claim.isClosed) return no('nothing', 'our contract at this proxy is closed');
    if (dueOf(claim) === 0n || account.signedPayment === undefined) return no('nothing', 'nothing is due');
    this.#start(watch);
    return { ok: true, amount: dueOf(claim) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelRound?.();
    await this.#scope[Symbol.asyncDispose]();
    await this.#round;
    await Promise.all(this.#payouts);
  }

  async #work(): Promise<void> {
    try {
      await this.#deps.purse.look(this.#scope.signal);
      for (const account of this.#deps.memory.accounts) await this.#attend(this.watchOf(account));
      this.#syncedAtSec = this.#nowSec();
      this.#prune();
      if (this.#trouble !== undefined) this.#deps.log.info('the chain can be asked again');
      this.#trouble = undefined;
    } catch (error) {
      if (this.#scope.signal.aborted) return;
      const code = codeOf(error);
      if (code !== this.#trouble) this.#deps.log.warn('payouts wait for the chain', { code });
      this.#trouble = code;
    }
    const pauseMs = randomInt(ROUND_MS.from, ROUND_MS.to + 1);
    if (this.#scope.signal.aborted) return;
    this.#cancelRound = this.#deps.clock.after(pauseMs, () => {
      this.#round = this.#work();
    });
  }

  async #attend(watch: AccountWatch): Promise<void> {
    const { clock, root } = this.#deps;
    const { account } = watch;
    const version = (watch.contract?.terms ?? account.terms)?.paramsVersion;
    if (version !== undefined && version < root().paramsVersion) account.sawOutdated(this.#nowSec());
    if (watch.needsLook(clock.monotonicMs()) && !(await this.#look(watch))) return;
    const claim = this.#claimOf(watch);
    if (claim === undefined || watch.underway !== undefined) return;
    const verdict = judgePayout(claim, this.#options.policy);
    switch (verdict.action) {
      case 'wait':
        return;
      case 'forget':
        this.#forget(watch, verdict, dueOf(claim));
        return;
      default:
        if (watch.isPausing(clock.monotonicMs()) || this.#deps.purse.lack !== undefined) return;
        this.#start(watch);
    }
  }

  /** @returns whether it could be read: one that cannot must not hold up the others @throws {ChainError} */
  async #look(watch: AccountWatch): Promise<boolean> {
    const { chain, clock } = this.#deps;
    let contract: WorkerContract;
    try {
      contract = await readWorkerContract(chain, watch.account, this.#scope.signal);
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      if (!watch.isPausing(clock.monotonicMs())) this.#fail(watch, 'what stands at its address is no worker contract');
      return false;
    }
    const cameBack = watch.saw(contract, clock.monotonicMs());
    if (cameBack) this.#fail(watch, `the proxy contract could not pay ${formatTon(contract.arrears)} TON`);
    return true;
  }

  #claimOf(watch: AccountWatch) {
    return watch.claim(this.#deps.clock.monotonicMs(), this.#nowSec());
  }

  #forget({ account }: AccountWatch, { why }: Verdict & { action: 'forget' }, due: bigint): void {
    this.#deps.memory.forget(account);
    this.#deps.log.info('forgot an account', { ...this.#named(account), why, unpaid: formatTon(due) });
  }

  /** From here on the account is busy, at once with the decision. */
  #start(watch: AccountWatch): void {
    const amount = watch.due ?? 0n;
    watch.underway = { tokens: watch.account.totals.signed, amount };
    const payout = this.#pay(watch, amount)
      .catch((error: unknown) => {
        if (!this.#scope.signal.aborted) this.#fail(watch, reasonOf(error));
      })
      .finally(() => {
        watch.underway = undefined;
        this.#payouts.delete(payout);
      });
    this.#payouts.add(payout);
  }

  async #pay(watch: AccountWatch, amount: bigint): Promise<void> {
    const { chain, clock, log, purse } = this.#deps;
    const { account, contract } = watch;
    const payment = account.signedPayment;
    if (payment === undefined || contract === undefined) return;
    const { keys } = account;
    const birth = contract.isDeployed ? undefined : keys.birth;
    const { body, wallet } = payoutMessage(keys.workerContract, payment, purse.address, birth);
    const fields = { ...this.#named(account), amount: formatTon(amount), tokens: account.totals.signed };
    log.info('payout begins', { ...fields, deploys: birth !== undefined });
    const { signal } = this.#scope;
    const receipt = await purse.send(wallet, signal);
    const payout = { contract: keys.workerContract, wallet: purse.address, body, after: contract.last };
    const arrival = await followPayout(payout, receipt, { chain, clock, pollMs: this.#options.pollMs }, signal);
    if (arrival.outcome === 'executed') {
      watch.executed({ atSec: this.#nowSec(), amount }, clock.monotonicMs());
      this.#counts = { ...this.#counts, payouts: this.#counts.payouts + 1, cashed: this.#counts.cashed + amount };
      log.info('payout done', fields);
    } else if (arrival.outcome === 'refused' && arrival.exitCode === OLD_COUNTER) {
      log.info('payout overtaken by another', fields);
    } else this.#fail(watch, failureOf(arrival));
  }

  #fail(watch: AccountWatch, why: string): void {
    watch.failed(why, this.#deps.clock.monotonicMs());
    this.#counts = { ...this.#counts, failures: this.#counts.failures + 1 };
    this.#deps.log.warn('payout failed', { ...this.#named(watch.account), why });
  }

  #prune(): void {
    const known = new Set(this.#deps.memory.accounts);
    for (const account of this.#watches.keys()) if (!known.has(account)) this.#watches.delete(account);
  }

  #named({ keys }: Account): { readonly proxy: string } {
    return { proxy: formatAddress(keys.proxyContract, { testnet: this.#options.testnet }) };
  }

  #nowSec(): number {
    return Math.floor(this.#deps.clock.nowMs() / 1_000);
  }
}

function no(reason: (OrderedPayout & { ok: false })['reason'], text: string): OrderedPayout {
  return { ok: false, reason, text };
}

function failureOf(arrival: Exclude<Arrival, { outcome: 'executed' }>): string {
  switch (arrival.outcome) {
    case 'refused':
      return `our contract refused it: exit code ${arrival.exitCode}`;
    case 'lost':
      return 'the message did not reach our contract';
    default:
      return 'the chain does not show any more what our contract did with it';
  }
}

function codeOf(error: unknown): string {
  return error instanceof BombyxError ? error.code : error instanceof Error ? error.name : 'failed';
}

/** What the chain or the wallet says is fit for people; anything else is ours, and only named. */
function reasonOf(error: unknown): string {
  return error instanceof ChainError || error instanceof WalletError ? error.message : codeOf(error);
}
