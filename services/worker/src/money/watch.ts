/** What the cashier knows of one account besides its payments: the contract, the growth, the luck with payouts. */
import type { NanoTon } from '@bombyx/base';
import type { Account } from '../payments.ts';
import { type Claim, dueOf, pauseAfter } from './payout.ts';
import type { WorkerContract } from './worker-contract.ts';

/** A contract of which nothing is due is looked at again after so long, ms. */
const LOOK_EVERY_MS = 600_000;
/** When a payout was executed, the proxy contract may still send it back for so long, ms. */
const SETTLED_AFTER_MS = 120_000;

export interface LastPayout {
  /** Unix seconds. */
  readonly atSec: number;
  /** NanoTON that were due. */
  readonly amount: bigint;
}

export interface Underway {
  /** Running total that the payout claims. */
  readonly tokens: bigint;
  /** NanoTON. */
  readonly amount: bigint;
}

export class AccountWatch {
  readonly account: Account;
  #contract: WorkerContract | undefined;
  #lookedAtMs = 0;
  #signed = 0n;
  #grewAtMs: number;
  #failures = 0;
  #notBeforeMs = 0;
  #executedAtMs: number | undefined;
  #lastPayout: LastPayout | undefined;
  #lastFailure: string | undefined;
  /** One at a time. */
  underway: Underway | undefined;

  constructor(account: Account, nowMs: number) {
    this.account = account;
    this.#grewAtMs = nowMs;
  }

  /** As it was read last. */
  get contract(): WorkerContract | undefined {
    return this.#contract;
  }
  get lastPayout(): LastPayout | undefined {
    return this.#lastPayout;
  }
  /** A sentence; undefined after a payout that went well. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** NanoTON; undefined while the fee is not known. */
  get due(): bigint | undefined {
    const claim = this.#amounts();
    return claim && dueOf(claim);
  }

  /** Whether the chain has to be asked before anything can be decided. */
  needsLook(nowMs: number): boolean {
    if (this.underway !== undefined) return false;
    const { contract, account } = this;
    if (contract === undefined || account.outdatedSinceSec > 0) return true;
    const isClaimable = contract.arrears > 0n || account.totals.signed > contract.paid;
    return isClaimable || nowMs - this.#lookedAtMs >= LOOK_EVERY_MS;
  }

  /** Whether failures forbid another try. */
  isPausing(nowMs: number): boolean {
    return nowMs < this.#notBeforeMs;
  }

  /** @returns whether the proxy contract has sent a payout back that the worker contract had executed */
  saw(contract: WorkerContract, nowMs: number): boolean {
    this.#contract = contract;
    this.#lookedAtMs = nowMs;
    this.account.sawPaid(contract.paid);
    const executedAtMs = this.#executedAtMs;
    if (executedAtMs === undefined) return false;
    if (contract.arrears > 0n) {
      this.#executedAtMs = undefined;
      return true;
    }
    if (nowMs - executedAtMs >= SETTLED_AFTER_MS) {
      this.#executedAtMs = undefined;
      this.#failures = 0;
    }
    return false;
  }

  executed(payout: LastPayout, nowMs: number): void {
    this.#lastPayout = payout;
    this.#lastFailure = undefined;
    this.#executedAtMs = nowMs;
  }

  failed(why: string, nowMs: number): void {
    this.#failures += 1;
    this.#lastFailure = why;
    this.#notBeforeMs = nowMs + pauseAfter(this.#failures) * 1_000;
  }

  /** @returns undefined while contract or fee are not known, and where there is no way to deploy the contract */
  claim(nowMs: number, nowSec: number): Claim | undefined {
    const amounts = this.#amounts();
    const { contract, account } = this;
    const { signed } = account.totals;
    if (signed !== this.#signed) {
      this.#signed = signed;
      this.#grewAtMs = nowMs;
    }
    if (amounts === undefined || contract === undefined) return undefined;
    if (!contract.isDeployed && account.keys.birth === undefined) return undefined;
    return {
      ...amounts,
      isDeployed: contract.isDeployed,
      isClosed: contract.isClosed,
      idleSec: (nowMs - this.#grewAtMs) / 1_000,
      outdatedSec: account.outdatedSinceSec > 0 ? nowSec - account.outdatedSinceSec : undefined,
      clientDelaySec: (contract.terms ?? account.terms)?.clientDelayBeforeCloseSec ?? 0,
    };
  }

  #amounts(): Pick<Claim, 'signed' | 'paid' | 'fee' | 'arrears'> | undefined {
    const { contract, account } = this;
    const fee = (contract?.terms ?? account.terms)?.workerFeePerToken;
    if (fee === undefined) return undefined;
    const arrears = contract?.arrears ?? (0n as NanoTon);
    return { signed: account.totals.signed, paid: contract?.paid ?? account.paid, fee, arrears };
  }
}
