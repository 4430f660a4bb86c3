/**
 * Everything the proxy does on the chain: its contract and its end, commits, charges, payouts, refunds, earnings.
 *
 * One loop: read what has happened and write it down, then do what follows from the books. A step is decided from books
 * and chain alone, so a process that starts in the middle goes on where the one before stood. What could be believed
 * too early is not: nothing is served or paid before a commit of this process came back from the chain (by then every
 * message that a process before had handed in has landed or never will), and the books serve as long as the chain was
 * read within two hours.
 */
import type { KeyObject } from 'node:crypto';
import { BombyxError, type Clock, type Logger, type Random, Scope, wait } from '@bombyx/base';
import { LedgerError, type LedgerEvent } from '@bombyx/ledger';
import {
  type Address,
  type Chain,
  ChainError,
  MIN_WALLET_BALANCE,
  operatingWallet,
  Purse,
  publicKeyBytes,
  type RootConfig,
  RootSource,
  type WalletCode,
} from '@bombyx/ton';
import type { Bookkeeper } from '../bookkeeper.ts';
import { ProxyError } from '../errors.ts';
import type { Disagreement } from '../ledger-check.ts';
import type { Serving } from '../parties.ts';
import { isSwitchedOff, SWITCHED_OFF, switching } from '../switched-off.ts';
import { Branches } from './branches.ts';
import { compareWithChain } from './compare.ts';
import type { Party } from './family.ts';
import { Orders } from './orders.ts';
import { Pause } from './pause.ts';
import { defaultPolicy, type SettlementPolicy } from './policy.ts';
import { illnessOf, type SettlementStatus, statusOf } from './status.ts';
import { Treasury } from './treasury.ts';

export interface SettlementOptions {
  readonly rootAddress: Address;
  readonly isTest: boolean;
  readonly testnet: boolean;
  /** Whether hashes of the root are relied on: a root that cannot be read for two hours stops the service then. */
  readonly checkHashes: boolean;
  readonly owner: Address;
  /** Signs for the contracts. */
  readonly machineKey: KeyObject;
  readonly walletKey: KeyObject;
  readonly walletCode: WalletCode;
  readonly policy?: Partial<SettlementPolicy>;
}

export interface SettlementDeps {
  /** Stays the caller's. */
  readonly chain: Chain;
  readonly bookkeeper: Pick<Bookkeeper, 'books' | 'recordNow'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** A client has sent a nonce through its contract: the `long` of the wire. */
  readonly registered: (nonce: bigint, owner: string) => void;
  /** The root, the served contract, or the reason not to serve has changed: read them again. */
  readonly changed: () => void;
  /** Requests queued and running under a proxy contract, of one client or of all. */
  readonly running: (contract: string, owner?: string) => number;
}

/** NanoTON: two TON that the wallet never goes below, deployment, payments under way, fees. */
const COMFORTABLE_BALANCE = 5_000_000_000n;
const SESSION_BYTES = 32;
/** Looks until a difference between books and chain is one. */
const COMPARISONS = 3;

/**
 * Reads the root, opens the books of the contract that it makes, reads everything that happened while nobody looked, and
 * starts the loop. What it takes then (coins, deployment, the first commit) is waited for in the background:
 * {@link Settlement.illness} says for what.
 * @throws {ProxyError} `PROXY_ROLLBACK`, `PROXY_NETWORK`: must not run; `PROXY_STORE`, `PROXY_STORE_DAMAGED`
 * @throws {RootError} @throws {TonError} `TON_ROOT_CONFIG` @throws {ChainError} when the chain cannot be read
 */
export async function openSettlement(
  options: SettlementOptions,
  deps: SettlementDeps,
  signal?: AbortSignal,
): Promise<Settlement> {
  const { rootAddress: address, isTest, checkHashes: checksHashes } = options;
  const root = await RootSource.watched({ address, isTest, checksHashes }, deps, signal);
  let settlement: Settlement | undefined;
  try {
    settlement = new Settlement(options, deps, root);
    await settlement.start(signal);
    return settlement;
  } catch (error) {
    await (settlement ?? root)[Symbol.asyncDispose]();
    throw error;
  }
}

export class Settlement implements AsyncDisposable {
  readonly #policy: SettlementPolicy;
  readonly #deps: SettlementDeps;
  readonly #root: RootSource;
  readonly #scope = new Scope();
  readonly #purse: Purse;
  readonly #pause: Pause;
  readonly #branches: Branches;
  readonly #treasury: Treasury;
  readonly #session: string;
  #syncedAtMs: number;
  #syncedAtSec = 0;
  #fault: ProxyError | undefined;
  #announced = '';
  #working: Promise<void> = Promise.resolve();

  /** Use {@link openSettlement}. */
  constructor(options: SettlementOptions, deps: SettlementDeps, root: RootSource) {
    const { owner, rootAddress, testnet, machineKey, walletKey } = options;
    const { clock, random } = deps;
    this.#policy = { ...defaultPolicy, ...options.policy };
    this.#deps = deps;
    this.#root = this.#scope.use(root);
    root.onChange = () => this.wake();
    const wallet = operatingWallet({ publicKey: publicKeyBytes(walletKey), owner }, options.walletCode);
    const pollMs = this.#policy.busyMs;
    const purse = { ...wallet, privateKey: walletKey, testnet, pollMs, comfortableBalance: COMFORTABLE_BALANCE };
    this.#purse = this.#scope.use(new Purse(purse, deps));
    this.#pause = new Pause({ clock });
    const session = Buffer.from(random.bytes(SESSION_BYTES)).toString('hex');
    this.#session = session;
    const orders = new Orders({ machineKey, excess: wallet.address }, { random });
    const [sender, changed] = [this.#purse, () => this.wake()];
    this.#treasury = new Treasury({ policy: this.#policy, session }, { ...deps, orders, sender, changed });
    const family = { owner, rootAddress, testnet, publicKey: publicKeyBytes(machineKey) };
    const withdrawn = (queryId: bigint) => this.#treasury.withdrawn(queryId);
    this.#branches = new Branches({ ...family, wallet: wallet.address, session }, { ...deps, withdrawn });
    this.#syncedAtMs = clock.monotonicMs();
  }

  /** Of {@link openSettlement}, once. */
  async start(outer?: AbortSignal): Promise<void> {
    const { bookkeeper, clock } = this.#deps;
    const { signal } = this.#scope;
    const linked = outer ? AbortSignal.any([signal, outer]) : signal;
    const { active } = bookkeeper.books;
    const { paramsVersion } = this.root;
    if (active && active.terms.paramsVersion > paramsVersion) {
      const known = active.terms.paramsVersion;
      const what = `the root contract has parameters ${paramsVersion}, the books already know ${known}`;
      const how = 'check root_contract_address and the network; do not start from an empty folder';
      throw new ProxyError('PROXY_NETWORK', `${what}: ${how}`, { paramsVersion, known });
    }
    bookkeeper.recordNow({ type: 'started', session: this.#session, atMs: clock.nowMs() });
    try {
      await this.#follow(linked);
      await this.#branches.read(linked);
    } catch (error) {
      throw error instanceof LedgerError ? rollback(error) : error;
    }
    this.#synced();
    this.#announced = this.#face();
    this.#working = this.#run();
  }

  /** The root to go by, as it was read last. */
  get root(): RootConfig {
    return this.#root.current;
  }

  /** The contract whose books are kept now, served or not; undefined while the proxy is switched off. */
  get opened(): Serving | undefined {
    const branch = this.#branches.active;
    return branch && { instance: branch.instance, contract: branch.family.proxy, root: this.root };
  }

  /** The contract to serve; undefined when no work may be taken: {@link illness} says why. */
  get serving(): Serving | undefined {
    return this.illness === undefined ? this.opened : undefined;
  }

  /** Why nothing is served, as a sentence that says what to do; undefined when all is well. */
  get illness(): string | undefined {
    if (this.#fault) return this.#fault.message;
    if (this.isDisabled) return SWITCHED_OFF;
    const ageSec = Math.floor((this.#deps.clock.monotonicMs() - this.#syncedAtMs) / 1_000);
    if (ageSec > this.#policy.maxAgeSec) return `the chain could not be read for ${ageSec} s`;
    return this.#root.failure?.message ?? illnessOf(this.#branches.active, this.#purse.lack, this.root.paramsVersion);
  }

  /** What stopped settlement for good: only a restart, with the right books, helps. */
  get fault(): ProxyError | undefined {
    return this.#fault;
  }

  get isDisabled(): boolean {
    return isSwitchedOff(this.#deps.bookkeeper.books);
  }

  get walletAddress(): Address {
    return this.#purse.address;
  }

  status(): SettlementStatus {
    return statusOf(this.#branches, this.#purse, this.#syncedAtSec);
  }

  /** Whether a charge or refund, or a payout, of that party is on its way. */
  isUnderWay(party: Party, owner: string): boolean {
    const branch = this.#branches.active;
    return branch !== undefined && this.#treasury.isUnderWay(branch, party, owner);
  }

  /** Charges a client for all it has used, with a commit before. @returns what to tell the operator */
  chargeNow(owner: string): string {
    const client = this.#branches.active?.instance.accounts.client(owner);
    if (!client) return 'client not found';
    const { used, usedOnChain } = client;
    return this.#ask('client', owner, used.max, used.max > usedOnChain, 'nothing to charge');
  }

  /** Pays a worker all it has earned, with a commit before. @returns what to tell the operator */
  payoutNow(owner: string): string {
    const worker = this.#branches.active?.instance.accounts.worker(owner);
    if (!worker) return 'worker not found';
    const { earned, paidOnChain } = worker;
    return this.#ask('worker', owner, earned.max, earned.max > paidOnChain, 'nothing to pay');
  }

  /** Pays the owner what the proxy has earned. @returns what to tell the operator */
  withdrawNow(): string {
    if (this.#branches.active === undefined) return 'proxy is disabled';
    if (this.#treasury.isWithdrawing) return 'withdraw already running';
    if ((this.#branches.active.standing?.earnings ?? 0n) === 0n) return 'nothing to withdraw';
    this.#treasury.askWithdrawal();
    this.wake();
    return 'request sent';
  }

  /**
   * Compares the books with the chain; a difference that the loop is about to read is given time to go.
   * @throws {ChainError}
   */
  async compare(): Promise<Disagreement | undefined> {
    const { signal } = this.#scope;
    const { chain, clock } = this.#deps;
    for (let look = 1; ; look += 1) {
      const found = await compareWithChain(this.#branches, chain, signal);
      if (!found || look === COMPARISONS || this.#fault) return found;
      this.wake();
      await wait(clock, 2 * this.#policy.busyMs, signal);
    }
  }

  /** Stops serving and ends the contract: everybody gets his coins. @throws {ProxyError} `PROXY_STORE` */
  disable(): void {
    const active = this.#branches.active;
    const events: LedgerEvent[] = [switching(true)];
    if (active?.isServing) {
      events.push({ type: 'retiring', instance: active.name, phase: 'closing', closeAtSec: 0 });
    }
    this.#deps.bookkeeper.recordNow(...events);
    this.wake();
  }

  /** Serves again: from the next change of parameters, where the contract of the present ones is closed. */
  enable(): void {
    this.#deps.bookkeeper.recordNow(switching(false));
    this.wake();
  }

  /** Looks at the chain now. */
  wake(): void {
    this.#announce();
    this.#pause.end();
  }

  /** Stops at once. Messages that were handed in may still land; the next process finds them on the chain. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    this.#pause.end();
    await this.#working;
  }

  async #run(): Promise<void> {
    const { signal } = this.#scope;
    let failures = 0;
    while (!signal.aborted && this.#fault === undefined) {
      try {
        await this.#turn(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!signal.aborted) this.#stumble(error);
      }
      if (signal.aborted) return;
      this.#announce();
      const { busyMs, idleMs, backoffMs } = this.#policy;
      const pauseMs = this.#treasury.isBusy ? busyMs : idleMs;
      await this.#pause.begin(Math.min(pauseMs * 2 ** Math.min(failures, 10), Math.max(backoffMs, pauseMs)), signal);
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const branches = this.#branches;
    const treasury = this.#treasury;
    await this.#follow(signal);
    await branches.read(signal);
    await this.#purse.look(signal);
    await branches.look(signal);
    const nowSec = await this.#deps.chain.nowSec(signal);
    this.#synced();
    treasury.sweep(branches.active);
    const canPay = this.#purse.lack === undefined;
    const spare = this.#purse.balance - MIN_WALLET_BALANCE;
    if (canPay) await treasury.send(branches, { leastStake: this.root.minProxyStake, spare }, signal);
    for (const branch of branches.retiring) {
      treasury.retire(branch, branches, nowSec, canPay && branches.hasCommitted);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    if (this.isDisabled) return;
    if (await this.#branches.follow(this.root, signal)) this.#treasury.opened();
  }

  #ask(party: Party, owner: string, total: bigint, hasSomething: boolean, nothing: string): string {
    if (this.isUnderWay(party, owner)) return 'request already running';
    if (!hasSomething) return nothing;
    this.#treasury.ask(party, owner, total);
    this.wake();
    return 'request sent';
  }

  #synced(): void {
    this.#syncedAtMs = this.#deps.clock.monotonicMs();
    this.#syncedAtSec = Math.floor(this.#deps.clock.nowMs() / 1_000);
  }

  #stumble(error: unknown): void {
    const { log } = this.#deps;
    if (error instanceof LedgerError) {
      this.#fault = rollback(error);
      void this.#purse[Symbol.asyncDispose](); // nothing more is sent, not even what waits
      log.error(this.#fault.message, { code: error.code });
    } else if (error instanceof ChainError) {
      log.warn('settlement waits for the chain', { code: error.code });
    } else {
      log.error('settlement has a problem', { reason: error instanceof BombyxError ? error.code : String(error) });
    }
  }

  /** What others read of this. */
  #face(): string {
    return [this.root.version, this.#branches.active?.name, this.illness].join('\n');
  }

  #announce(): void {
    const face = this.#face();
    if (face === this.#announced) return;
    this.#announced = face;
    try {
      this.#deps.changed();
    } catch (error) {
      this.#stumble(error);
    }
  }
}

function rollback(cause: LedgerError): ProxyError {
  const why = 'these books are an old copy, or another proxy runs with the same machine key';
  const how =
    'stop the other one, put back the newest data folder, and start again; until then nothing is served or paid';
  return new ProxyError('PROXY_ROLLBACK', `${cause.message}: ${why}. What to do: ${how}`, {}, { cause });
}
