/** The proxy contracts that there are books of: the one that is served, and those that are on their way out. */
import type { Logger } from '@bombyx/base';
import type { LedgerEvent } from '@bombyx/ledger';
import type { Address, Chain, RootConfig } from '@bombyx/ton';
import type { Bookkeeper } from '../bookkeeper.ts';
import { termsOf } from '../terms.ts';
import { Branch, standingOf } from './branch.ts';
import { readNews } from './chain-reader.ts';
import { Family, type FamilyOptions } from './family.ts';

/** Name of the note with the parameters of a contract. */
const paramsNote = (contract: string) => `params/${contract}`;

export interface BranchesOptions extends FamilyOptions {
  /** Operating wallet: commits come from it. */
  readonly wallet: Address;
  /** Of this process, hex. */
  readonly session: string;
}

export interface BranchesDeps {
  readonly chain: Chain;
  readonly bookkeeper: Pick<Bookkeeper, 'books' | 'recordNow'>;
  readonly log: Logger;
  /** A client has sent a nonce through its contract: the `long` of the wire. */
  readonly registered: (nonce: bigint, owner: string) => void;
  /** A request to pay out the earnings has come through. */
  readonly withdrawn: (queryId: bigint) => void;
}

export class Branches {
  readonly #options: BranchesOptions;
  readonly #deps: BranchesDeps;
  readonly #branches = new Map<string, Branch>();
  /** Where the root's contract cannot be opened: it was closed. */
  #closedForGood: string | undefined;
  #hasCommitted = false;

  /** @throws {ProxyError} `PROXY_STORE_DAMAGED` */
  constructor(options: BranchesOptions, deps: BranchesDeps) {
    this.#options = options;
    this.#deps = deps;
    const { books } = deps.bookkeeper;
    for (const instance of books.instances()) {
      const { contract } = instance;
      const family = Family.restore(contract, books.note(paramsNote(contract)), options);
      this.#branches.set(contract, new Branch(instance, family));
    }
  }

  [Symbol.iterator](): Iterator<Branch> {
    return this.#branches.values();
  }

  /** Of the contract opened last, served or on its way out. */
  get active(): Branch | undefined {
    const contract = this.#deps.bookkeeper.books.active?.contract;
    return contract === undefined ? undefined : this.#branches.get(contract);
  }

  get retiring(): Branch[] {
    return [...this].filter(({ isServing }) => !isServing);
  }

  /** Whether the chain has shown a commit of this process. */
  get hasCommitted(): boolean {
    return this.#hasCommitted;
  }

  /**
   * Opens the contract that the root makes, unless it is there, or is closed: its books have ended. One that is closing
   * is opened, too, and brought to its end: only the key of the proxy completes it, and the owner's stake lies in it.
   * @returns whether it did
   */
  async follow(root: RootConfig, signal: AbortSignal): Promise<boolean> {
    const { bookkeeper, chain, log } = this.#deps;
    const { family, init } = Family.under(root, this.#options);
    const known = this.#branches.get(family.name);
    if (known) {
      if (known.init === undefined) this.#branches.set(family.name, new Branch(known.instance, family, init));
      return false;
    }
    if (this.#closedForGood === family.name) return false;
    const { state } = await standingOf(chain, family, signal);
    if (state === 'closed') {
      this.#closedForGood = family.name;
      return false;
    }
    bookkeeper.recordNow(
      { type: 'opened', instance: family.name, terms: termsOf(root) },
      { type: 'noted', name: paramsNote(family.name), value: family.keep() },
    );
    this.#branches.set(family.name, new Branch(bookkeeper.books.instance(family.name), family, init));
    log.info('a proxy contract is opened', { contract: family.name, paramsVersion: root.paramsVersion });
    return true;
  }

  /**
   * Takes over all that is new. Retiring contracts first: what was committed to them came before what is committed to
   * the new one.
   * @throws {ChainError} @throws {LedgerError} `LEDGER_ROLLBACK` @throws {ProxyError} `PROXY_STORE`
   */
  async read(signal: AbortSignal): Promise<void> {
    for (const branch of [...this.retiring, ...[...this].filter(({ isServing }) => isServing)]) {
      while (await this.#readOne(branch, signal));
    }
  }

  /** @throws {ChainError} @throws {ContractError} `CONTRACT_DATA` */
  async look(signal: AbortSignal): Promise<void> {
    for (const branch of this) await branch.look(this.#deps.chain, signal);
    this.#noticeClosing();
  }

  /** Ends the books of a contract. */
  close({ name }: Branch, closeAtSec: number): void {
    this.#deps.bookkeeper.recordNow(
      { type: 'retiring', instance: name, phase: 'closed', closeAtSec },
      { type: 'noted', name: paramsNote(name), value: '' },
    );
    this.#branches.delete(name);
  }

  async #readOne(branch: Branch, signal: AbortSignal): Promise<boolean> {
    const { bookkeeper, registered, withdrawn } = this.#deps;
    const deps = { chain: this.#deps.chain, wallet: this.#options.wallet };
    const news = await readNews(branch.instance, branch.family, deps, signal);
    if (news.events.length > 0) bookkeeper.recordNow(...news.events);
    const isOurs = (event: LedgerEvent) => event.type === 'committed' && event.session === this.#options.session;
    if (news.events.some(isOurs)) {
      branch.isCommitted = true;
      this.#hasCommitted = true;
    }
    for (const queryId of news.withdrawals) withdrawn(queryId);
    if (branch.isServing) {
      for (const { nonce, owner } of news.registered) registered(BigInt.asIntN(64, nonce), owner);
    }
    return news.more;
  }

  /** The owner may close his contract himself. */
  #noticeClosing(): void {
    for (const { isServing, standing, name } of this) {
      if (!isServing || (standing?.state !== 'closing' && standing?.state !== 'closed')) continue;
      const closeAtSec = standing.unlockAtSec;
      this.#deps.bookkeeper.recordNow({ type: 'retiring', instance: name, phase: 'closing', closeAtSec });
      this.#deps.log.warn('the proxy contract was closed: it is served no more', { contract: name });
    }
  }
}
