/** The books of one proxy contract: its clients and workers, what the chain showed of them, both sides of every movement. */
import { nanoTon, type Tokens, tokens } from '@bombyx/base';
import { Accounts } from './accounts.ts';
import { LedgerError } from './errors.ts';
import type { ClientContract, LedgerEvent, RetirePhase, Terms, WorkerContract } from './events.ts';
import { type Before, postings, TrialBalance } from './trial-balance.ts';

/** How far the transactions of the proxy contract were taken over. */
export interface Cursor {
  readonly lt: bigint;
  /** Hex. */
  readonly hash: string;
}

/** An instance as it is kept in a snapshot. */
export interface InstanceState {
  readonly contract: string;
  readonly terms: Terms;
  readonly phase: RetirePhase | 'serving';
  readonly closeAtSec: number;
  readonly cursor: Cursor | undefined;
  readonly clients: readonly { readonly id: string; readonly used: bigint; readonly committed: bigint }[];
  readonly workers: readonly { readonly id: string; readonly earned: bigint; readonly committed: bigint }[];
  readonly clientContracts: readonly (readonly [string, ClientContract])[];
  readonly workerContracts: readonly (readonly [string, WorkerContract])[];
  readonly postings: readonly (readonly [string, bigint])[];
}

/** Two sides of the books that should agree and do not. Amounts in nanoTON or, for sums of use, adjusted tokens. */
export interface Difference {
  readonly instance: string;
  readonly what: string;
  readonly expected: bigint;
  readonly found: bigint;
}

export class Instance {
  readonly contract: string;
  readonly terms: Terms;
  readonly accounts = new Accounts();
  phase: RetirePhase | 'serving' = 'serving';
  closeAtSec = 0;
  cursor: Cursor | undefined;
  readonly #clients = new Map<string, ClientContract>();
  readonly #workers = new Map<string, WorkerContract>();
  #trial = new TrialBalance();

  constructor(contract: string, terms: Terms) {
    this.contract = contract;
    this.terms = terms;
  }

  /** Takes a snapshot over. @throws {LedgerError} `LEDGER_ROLLBACK` for a snapshot that contradicts itself */
  static restore(state: InstanceState): Instance {
    const instance = new Instance(state.contract, state.terms);
    instance.phase = state.phase;
    instance.closeAtSec = state.closeAtSec;
    instance.cursor = state.cursor;
    for (const { id, used, committed } of state.clients) {
      instance.accounts.restoreClient(id, tokens(used), tokens(committed));
    }
    for (const { id, earned, committed } of state.workers) {
      instance.accounts.restoreWorker(id, tokens(earned), tokens(committed));
    }
    for (const [id, contract] of state.clientContracts) instance.#fund(id, contract);
    for (const [id, contract] of state.workerContracts) instance.#markPaid(id, contract);
    instance.#trial = new TrialBalance(state.postings);
    return instance;
  }

  snapshot(): InstanceState {
    const { contract, terms, phase, closeAtSec, cursor, accounts } = this;
    return {
      contract,
      terms,
      phase,
      closeAtSec,
      cursor,
      clients: Array.from(accounts.clients(), ({ id, used }) => ({ id, used: used.max, committed: used.chain })),
      workers: Array.from(accounts.workers(), ({ id, earned }) => ({
        id,
        earned: earned.max,
        committed: earned.chain,
      })),
      clientContracts: [...this.#clients],
      workerContracts: [...this.#workers],
      postings: [...this.#trial.accounts()],
    };
  }

  /**
   * Takes one fact over that was written down.
   * @throws {LedgerError} `LEDGER_ROLLBACK` when the chain knows more than our books, `LEDGER_RANGE`
   */
  apply(event: LedgerEvent): void {
    switch (event.type) {
      case 'charged':
        this.accounts.book(event.client, event.worker, tokens(event.tokens.total));
        this.#post(event);
        return;
      case 'client-seen':
        this.#fund(event.client, event.contract, event);
        return;
      case 'worker-seen':
        this.#markPaid(event.worker, event.contract, event);
        return;
      case 'read':
        this.cursor = { lt: event.lt, hash: event.hash };
        return;
      case 'retiring':
        this.phase = event.phase;
        this.closeAtSec = event.closeAtSec;
        return;
    }
  }

  /** @throws {LedgerError} `LEDGER_ROLLBACK` for a fact by which the chain knows more than our books */
  check(event: LedgerEvent): void {
    if (event.type === 'client-seen') {
      judge('charged', event.contract.used, this.accounts.client(event.client)?.used.max);
    } else if (event.type === 'worker-seen') {
      judge('paid', event.contract.paid, this.accounts.worker(event.worker)?.earned.max);
    }
  }

  /** What the chain showed of a client contract; undefined for one never seen. */
  clientContract(owner: string): ClientContract | undefined {
    return this.#clients.get(owner);
  }

  workerContract(owner: string): WorkerContract | undefined {
    return this.#workers.get(owner);
  }

  /** The first place where accounts and postings disagree. */
  audit(): Difference | undefined {
    const { pricePerToken: price, workerFeePerToken: fee } = this.terms;
    const differ = (what: string, expected: bigint, found: bigint) =>
      expected === found ? undefined : { instance: this.contract, what, expected, found };
    let used = 0n;
    for (const client of this.accounts.clients()) {
      used += client.used.max;
      const { balance, used: charged } = this.#clients.get(client.id) ?? NOTHING;
      const owed = balance + (charged - client.used.max) * price;
      const account = `client/${client.id}`;
      const difference = differ(account, owed, this.#trial.of(account));
      if (difference) return difference;
    }
    let earned = 0n;
    let unpaid = 0n;
    for (const worker of this.accounts.workers()) {
      earned += worker.earned.max;
      const due = worker.earned.max - (this.#workers.get(worker.id)?.paid ?? 0n);
      unpaid += due;
      const account = `worker/${worker.id}`;
      const difference = differ(account, due * fee, this.#trial.of(account));
      if (difference) return difference;
    }
    return (
      differ('tokens used and tokens earned', used, earned) ??
      differ('proxy', unpaid * (price - fee), this.#trial.of('proxy'))
    );
  }

  #post(event: LedgerEvent, before: Before = {}): void {
    this.#trial.post(postings(event, this.terms, before));
  }

  /** @param event to post; none for a state from a snapshot, whose postings are there already */
  #fund(owner: string, contract: ClientContract, event?: LedgerEvent): void {
    const before = this.#clients.get(owner);
    if (before && contract.used < before.used) return; // an older state than the one we know
    this.accounts.fund(owner, {
      balance: nanoTon(contract.balance),
      stake: nanoTon(contract.stake),
      usedOnChain: tokens(contract.used),
      pricePerToken: nanoTon(this.terms.pricePerToken),
    });
    if (event) this.#post(event, { client: before });
    this.#clients.set(owner, contract);
  }

  #markPaid(owner: string, contract: WorkerContract, event?: LedgerEvent): void {
    const before = this.#workers.get(owner);
    if (before && contract.paid < before.paid) return;
    if (!this.accounts.worker(owner)) this.accounts.restoreWorker(owner, NO_TOKENS);
    this.accounts.markPaid(owner, tokens(contract.paid));
    if (event) this.#post(event, { worker: before });
    this.#workers.set(owner, contract);
  }
}

const NO_TOKENS: Tokens = tokens(0n);
const NOTHING = { balance: 0n, used: 0n };

function judge(what: 'charged' | 'paid', onChain: bigint, counted = 0n): void {
  if (onChain <= counted) return;
  throw new LedgerError('LEDGER_ROLLBACK', `the chain ${what} more than was counted`, { onChain, counted });
}
