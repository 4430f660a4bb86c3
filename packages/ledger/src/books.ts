/**
 * The books of a proxy over all its contracts: a fold over the facts of its journal. Nothing here changes before the
 * fact that changes it is on disk, so what a restart reads is what ran.
 */
import { LedgerError } from './errors.ts';
import type { LedgerEvent } from './events.ts';
import { type Difference, Instance, type InstanceState } from './instance.ts';

/** A state that was or will be shown to the chain. */
export interface Commit {
  readonly number: number;
  readonly session: string;
  /** Of the journal record that wrote it: all totals up to it are covered. */
  readonly seq: number;
}

export interface BooksState {
  readonly active: string | undefined;
  readonly session: string;
  readonly lastCommit: number;
  readonly pending: readonly Commit[];
  readonly notes: readonly (readonly [string, string])[];
  readonly instances: readonly InstanceState[];
}

export interface BooksOptions {
  /** There is no chain to commit to: what is counted counts as committed at once. */
  readonly withoutChain?: boolean;
}

export class Books {
  readonly #instances = new Map<string, Instance>();
  readonly #notes = new Map<string, string>();
  #pending: Commit[] = [];
  #active: Instance | undefined;
  #lastCommit = 0;
  #session = '';
  readonly #withoutChain: boolean;

  constructor(options: BooksOptions = {}) {
    this.#withoutChain = options.withoutChain ?? false;
  }

  static restore(state: BooksState, options?: BooksOptions): Books {
    const books = new Books(options);
    for (const instance of state.instances) books.#instances.set(instance.contract, Instance.restore(instance));
    for (const [name, value] of state.notes) books.#notes.set(name, value);
    books.#active = state.active === undefined ? undefined : books.instance(state.active);
    books.#pending = [...state.pending];
    books.#lastCommit = state.lastCommit;
    books.#session = state.session;
    return books;
  }

  snapshot(): BooksState {
    return {
      active: this.#active?.contract,
      session: this.#session,
      lastCommit: this.#lastCommit,
      pending: this.#pending,
      notes: [...this.#notes],
      instances: Array.from(this.#instances.values(), (instance) => instance.snapshot()),
    };
  }

  /** The contract that is served now; undefined before the first one was opened. */
  get active(): Instance | undefined {
    return this.#active;
  }

  /** Session of the process that wrote last. */
  get session(): string {
    return this.#session;
  }

  /** Commits that were sent and not yet seen, oldest first. */
  get pending(): readonly Commit[] {
    return this.#pending;
  }

  /** The number the next commit gets. */
  get nextCommit(): number {
    return this.#lastCommit + 1;
  }

  instances(): Iterable<Instance> {
    return this.#instances.values();
  }

  /** @throws {LedgerError} `LEDGER_UNKNOWN_INSTANCE` */
  instance(contract: string): Instance {
    const instance = this.#instances.get(contract);
    if (instance) return instance;
    throw new LedgerError('LEDGER_UNKNOWN_INSTANCE', `no books of the proxy contract ${contract}`);
  }

  note(name: string): string | undefined {
    return this.#notes.get(name);
  }

  /**
   * Takes over record `seq` of the journal.
   * @throws {LedgerError} `LEDGER_ROLLBACK` when the chain knows more than we do: the disk is older than the chain, or a
   *   second process works with our key; `LEDGER_RANGE`, `LEDGER_SEQUENCE`, `LEDGER_UNKNOWN_INSTANCE`
   */
  apply(seq: number, events: readonly LedgerEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case 'started':
          this.#session = event.session;
          break;
        case 'opened':
          this.#open(event.instance, event);
          break;
        case 'committing':
          this.#lastCommit = event.number;
          this.#pending.push({ number: event.number, session: event.session, seq });
          for (const { accounts } of this.#instances.values()) accounts.beginCommit(seq);
          break;
        case 'committed':
          this.#committed(event.number, event.session);
          break;
        case 'noted':
          this.#notes.set(event.name, event.value);
          break;
        default: {
          const instance = this.instance(event.instance);
          instance.apply(event);
          if (event.type === 'retiring' && event.phase === 'closed') this.#forget(event.instance);
          else if (this.#withoutChain) instance.accounts.commitAll();
        }
      }
    }
  }

  /**
   * Whether facts may be written down: {@link apply} will take what passes here.
   * @throws {LedgerError} as {@link apply}; nothing was changed
   */
  check(events: readonly LedgerEvent[]): void {
    const opening = new Set<string>();
    for (const event of events) {
      if (event.type === 'committed' && !this.expects(event.number, event.session)) throw strange(event.number);
      if (event.type === 'opened') opening.add(event.instance);
      else if ('instance' in event && !opening.has(event.instance)) this.instance(event.instance).check(event);
    }
  }

  /** Whether a commit that the chain shows is one of ours that was waited for. */
  expects(number: number, session: string): boolean {
    return this.#pending.some((commit) => commit.number === number && commit.session === session);
  }

  /** The first place where the books disagree with themselves. */
  audit(): Difference | undefined {
    for (const instance of this.#instances.values()) {
      const difference = instance.audit();
      if (difference) return difference;
    }
    return undefined;
  }

  #open(contract: string, { terms }: Extract<LedgerEvent, { type: 'opened' }>): void {
    const known = this.#instances.get(contract);
    const previous = this.#active;
    if (previous && previous.contract !== contract && previous.phase === 'serving') previous.phase = 'closing';
    this.#active = known ?? new Instance(contract, terms);
    this.#instances.set(contract, this.#active);
  }

  /** A proxy that was switched off ends the contract it served last. */
  #forget(contract: string): void {
    this.#instances.delete(contract);
    if (this.#active?.contract === contract) this.#active = undefined;
  }

  #committed(number: number, session: string): void {
    const at = this.#pending.findIndex((commit) => commit.number === number && commit.session === session);
    if (at < 0) throw strange(number);
    const { seq } = this.#pending[at]!;
    this.#pending = this.#pending.slice(at + 1);
    for (const { accounts } of this.#instances.values()) accounts.commitSeen(seq);
  }
}

function strange(number: number): LedgerError {
  return new LedgerError('LEDGER_ROLLBACK', `the chain has commit ${number}, which these books never made`, { number });
}
