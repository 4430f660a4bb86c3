/**
 * One account at a proxy: what its contract says, what the proxy claims, and one message at a time to change it. Decisions
 * are made from the chain alone, so that after a crash at any moment the next life goes on where the chain is.
 */
import { createHash } from 'node:crypto';
import { BombyxError, type Logger } from '@bombyx/base';
import { type Arrival, ChainError, type ClientData, ContractError, type TransactionId } from '@bombyx/ton';
import { ClientError } from '../errors.ts';
import type { PaymentBook } from '../payments.ts';
import type { Excess, UsageAudit } from '../usage-audit.ts';
import { amountOf, type Deed, readContract } from './client-contract.ts';
import { type Errand, type ErrandDeps, prepareErrand, recallErrand, runErrand } from './errand.ts';
import type { AccountRecord, Fault, TopUpOrder } from './memory.ts';
import { nextStep, type Step } from './plan.ts';

/** An account of which nothing was heard is looked at again after so long. */
const LOOK_EVERY_MS = 60_000;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;

export interface KeeperDeps extends ErrandDeps {
  readonly log: Logger;
  /** Most that may be topped up on one day over all proxies, nanoTON. */
  readonly topUpPerDay: bigint;
}

/** What the round knows and the account does not. */
export interface Terms {
  readonly paramsVersion: number;
  /** NanoTON. */
  readonly stake: bigint;
  readonly secretHash: Buffer;
}

export interface LastDeed {
  readonly kind: Deed['kind'];
  readonly outcome: Arrival['outcome'] | 'not sent';
}

export class Keeper {
  readonly book: PaymentBook;
  readonly audit: UsageAudit;
  readonly proxyText: string;
  readonly #deps: KeeperDeps;
  #record: AccountRecord;
  #contract: ClientData | undefined;
  #last: TransactionId | undefined;
  #lookedAtMs: number | undefined;
  #claimsChanged = true;
  #underWay: { readonly kind: Deed['kind']; readonly over: Promise<unknown> } | undefined;
  #lastDeed: LastDeed | undefined;
  #trouble: string | undefined;
  #isShort = false;
  #repeats = 0;
  #notBeforeMs = 0;

  /** @param order a top-up that an earlier life began */
  constructor(
    record: AccountRecord,
    parts: { readonly book: PaymentBook; readonly audit: UsageAudit; readonly proxyText: string },
    deps: KeeperDeps,
    order?: TopUpOrder,
  ) {
    this.#record = record;
    this.book = parts.book;
    this.audit = parts.audit;
    this.proxyText = parts.proxyText;
    this.#deps = deps;
    if (order) {
      deps.log.info('looking for a top-up that was begun before', { proxy: this.proxyText });
      void this.#run('top-up', recallErrand(order, deps));
    }
  }

  get record(): AccountRecord {
    return this.#record;
  }

  /** As it was read last; undefined while it was not, or where there is none. */
  get contract(): ClientData | undefined {
    return this.#contract;
  }

  /** Newest transaction of the contract. */
  get last(): TransactionId | undefined {
    return this.#last;
  }

  get fault(): Fault | undefined {
    return this.#record.fault;
  }

  get underWay(): Deed['kind'] | undefined {
    return this.#underWay?.kind;
  }

  get lastDeed(): LastDeed | undefined {
    return this.#lastDeed;
  }

  /** Why nothing is done that should be; a sentence. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The same, where it is coins that are lacking, or may not be paid in. */
  get shortage(): string | undefined {
    return this.#isShort ? this.#trouble : undefined;
  }

  /** Why no request goes to this proxy. */
  get refusal(): ClientError | undefined {
    if (this.fault) return distrusted();
    if (this.#contract === undefined || this.#contract.state === 'normal') return undefined;
    return new ClientError('CLIENT_NOT_READY', `the payment contract with this proxy is ${this.#contract.state}`);
  }

  /** The proxy said something about the account. */
  claimed(): void {
    this.#claimsChanged = true;
    if (this.audit.explained !== undefined) this.audit.claimed(this.book.signedTokens, 'the signed payment');
  }

  /** The proxy claims more than our requests explain: nothing more is paid in and nothing more is asked there. */
  blame(excess: Excess): void {
    const { log, memory, clock } = this.#deps;
    const { signedPayment } = this.book;
    const payment = signedPayment === undefined ? '' : createHash('sha256').update(signedPayment).digest('hex');
    const numbers = { claimed: excess.claimed.toString(), explained: excess.explained.toString() };
    const fault: Fault = {
      atMs: clock.nowMs(),
      failures: excess.failures,
      requestId: excess.requestId,
      payment,
      ...numbers,
    };
    log.error('a proxy claims more than it served: no coins and no requests go there until the owner trusts it again', {
      proxy: this.proxyText,
      failures: excess.failures.join('; '),
      requestId: excess.requestId,
      payment,
      ...numbers,
    });
    if (this.fault) return; // the first is the one to look into
    this.#record = { ...this.#record, fault };
    try {
      memory.blame(this.#record.contract, fault);
    } catch (error) {
      this.told(error); // in this life it is distrusted all the same
    }
  }

  /** The owner has looked into it. */
  trust(): void {
    this.#deps.memory.blame(this.#record.contract, undefined);
    this.#record = { ...this.#record, fault: undefined };
    this.#deps.log.warn('the owner trusts a proxy again', { proxy: this.proxyText });
  }

  /** Resolves when no message is under way. */
  async idle(): Promise<void> {
    while (this.#underWay) await this.#underWay.over;
  }

  /** Looks at the contract, and whether it was charged for more than we asked for. @throws {ChainError}, {ContractError} */
  async look(): Promise<ClientData | undefined> {
    const { chain, clock, signal } = this.#deps;
    const { contract, last } = await readContract(chain, this.#record.contract, signal);
    this.#contract = contract;
    this.#last = last;
    this.#lookedAtMs = clock.monotonicMs();
    if (contract === undefined) this.audit.claimed(0n, 'a contract that is not there');
    else if (this.audit.explained !== undefined) this.audit.claimed(contract.tokens, 'what the contract was charged');
    return contract;
  }

  /**
   * Looks if need be, and starts what is due.
   * @returns `forget` when the contract is closed
   */
  async attend(terms: Terms, nowSec: number): Promise<'forget' | undefined> {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#noteVersion(terms.paramsVersion, nowSec);
    if (this.#underWay || nowMs < this.#notBeforeMs) return undefined;
    const isDue = this.#claimsChanged || nowMs - (this.#lookedAtMs ?? Number.NEGATIVE_INFINITY) >= LOOK_EVERY_MS;
    if (!isDue && this.#contract?.state !== 'closing') return undefined;
    this.#claimsChanged = false;
    try {
      await this.look();
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      this.told(error); // somebody else's contract stands there, for ever
      return undefined;
    }
    const step = this.step(terms, nowSec);
    if (step.kind === 'forget') return 'forget';
    if (this.#underWay) return undefined; // a person was quicker
    if (step.kind === 'wait') {
      if (this.#contract === undefined) return undefined; // what a registration lacked, it still lacks
      this.#repeats = 0;
      this.#clear();
      this.#deps.purse.settled(this);
    } else {
      if (this.#lastDeed?.kind === step.kind) this.#failed(); // it did not help: it is not tried again at once
      await this.#startDue(step, terms);
    }
    return undefined;
  }

  async #startDue(step: Exclude<Step, { readonly kind: 'wait' | 'forget' }>, terms: Terms): Promise<void> {
    try {
      await this.start(this.deedFor(step, terms));
    } catch (error) {
      if (error instanceof ChainError) this.#claimsChanged = true; // the step is still due
      if (error instanceof ChainError) throw error;
      this.told(error);
    }
  }

  step({ paramsVersion, stake, secretHash }: Terms, nowSec: number): Step {
    const { outdatedSinceSec } = this.#record;
    return nextStep({
      contract: this.#contract,
      nowSec,
      paramsVersion,
      outdatedForSec: outdatedSinceSec > 0 ? nowSec - outdatedSinceSec : 0,
      secretHash,
      stake,
      signedTokens: this.book.signedTokens,
      maxTokens: this.book.maxTokens,
      isDistrusted: this.fault !== undefined,
    });
  }

  /** @throws {ClientError} `CLIENT_MONEY` for a charge without a signed payment */
  deedFor(step: Exclude<Step, { readonly kind: 'wait' | 'forget' }>, { secretHash }: Terms): Deed {
    switch (step.kind) {
      case 'change-secret':
        return { kind: 'change-secret', secretHash };
      case 'charge': {
        const payment = this.book.signedPayment;
        if (payment === undefined) throw new ClientError('CLIENT_MONEY', 'nothing to charge');
        return { kind: 'charge', payment };
      }
      default:
        return step;
    }
  }

  /**
   * Sends one message; the account must have been looked at.
   * @returns once it is on its way; `over` resolves with what became of it, or undefined if the wallet did not send it
   * @throws {ClientError} `CLIENT_MONEY`, `CLIENT_BALANCE`: it is not sent; {ChainError}
   */
  async start(deed: Deed): Promise<{ readonly over: Promise<Arrival | undefined> }> {
    if (this.#underWay) throw new ClientError('CLIENT_MONEY', 'request is already running');
    if (amountOf(deed) > 0n && this.fault) throw distrusted();
    const { contract, proxy } = this.#record;
    const { topUpPerDay } = this.#deps;
    const prepared = prepareErrand(deed, { contract, proxy, last: this.#last, topUpPerDay, who: this }, this.#deps);
    this.#underWay = { kind: deed.kind, over: prepared.catch(() => undefined) };
    let errand: Errand;
    try {
      errand = await prepared;
    } catch (error) {
      this.#underWay = undefined;
      throw error;
    }
    this.#clear();
    return { over: this.#run(deed.kind, runErrand(errand, this.#deps)) };
  }

  #run(kind: Deed['kind'], work: Promise<Arrival>): Promise<Arrival | undefined> {
    const over = work
      .then(
        (arrival) => this.#arrived(kind, arrival),
        (error: unknown) => {
          if (this.#deps.signal.aborted) return undefined;
          this.#lastDeed = { kind, outcome: 'not sent' };
          this.told(error);
          return undefined;
        },
      )
      .finally(() => {
        this.#underWay = undefined;
        this.#claimsChanged = true; // look at what came of it
      });
    this.#underWay = { kind, over };
    return over;
  }

  #arrived(kind: Deed['kind'], arrival: Arrival): Arrival {
    this.#lastDeed = { kind, outcome: arrival.outcome };
    if (arrival.outcome === 'executed') return arrival;
    const exitCode = arrival.outcome === 'refused' ? ` (exit code ${arrival.exitCode})` : '';
    const what = `the contract did not carry out "${kind}": ${arrival.outcome}${exitCode}`;
    this.told(new ClientError('CLIENT_MONEY', what));
    return arrival;
  }

  #clear(): void {
    this.#trouble = undefined;
    this.#isShort = false;
  }

  /** Something that was due could not be done: says so once, and leaves it alone for a while unless it is about coins. */
  told(error: unknown): void {
    const { message, code } = error instanceof BombyxError ? error : { message: String(error), code: undefined };
    this.#isShort = code === 'CLIENT_BALANCE';
    if (this.#isShort) {
      this.#claimsChanged = true; // they may come at any time
    } else this.#failed();
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.#deps.log.warn('an account could not be attended to', { proxy: this.proxyText, code, cause: message });
  }

  #failed(): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#repeats);
    this.#repeats = Math.min(this.#repeats + 1, 16);
    this.#notBeforeMs = this.#deps.clock.monotonicMs() + pauseMs;
  }

  #noteVersion(paramsVersion: number, nowSec: number): void {
    if (this.#record.paramsVersion >= paramsVersion || this.#record.outdatedSinceSec > 0) return;
    this.#record = { ...this.#record, outdatedSinceSec: nowSec };
    this.#deps.memory.outdated(this.#record.contract, nowSec);
    this.#claimsChanged = true;
  }
}

function distrusted(): ClientError {
  const what = 'this proxy claimed more than it served';
  return new ClientError('CLIENT_NOT_READY', `${what}: see /stats; "bombyx stake --trust PROXY" forgives it`);
}
