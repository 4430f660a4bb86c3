/** Hands in what follows from the books: deployment, commits, payments, earnings, the end of a contract. */
import type { Clock, Logger } from '@bombyx/base';
import type { Chain } from '@bombyx/ton';
import type { Bookkeeper } from '../bookkeeper.ts';
import type { Branch } from './branch.ts';
import type { Branches } from './branches.ts';
import { lookAt } from './chain-reader.ts';
import { isCommitDue } from './commits.ts';
import { type Due, type DueRules, dues, isAnswered, uncommitted, unsettled, waitsForCommit } from './due.ts';
import type { Party } from './family.ts';
import type { Orders } from './orders.ts';
import { Outbox, type OutboxDeps } from './outbox.ts';
import { type SettlementPolicy, Value } from './policy.ts';
import { nextStep } from './retirement.ts';

/** After this nothing lands that a dead process had handed in: externals live for 60 s, answers are at most 180 s old. */
const QUIET_SEC = 240;

export interface TreasuryOptions {
  readonly policy: SettlementPolicy;
  /** Of this process, hex. */
  readonly session: string;
}

export interface TreasuryDeps {
  readonly chain: Chain;
  readonly bookkeeper: Pick<Bookkeeper, 'books' | 'recordNow'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly orders: Orders;
  readonly sender: OutboxDeps['sender'];
  /** Requests queued and running under a proxy contract, of one client or of all. */
  readonly running: (contract: string, owner?: string) => number;
  /** Something has landed, or somebody has asked: it is time for another round. */
  readonly changed: () => void;
}

export interface Funds {
  readonly leastStake: bigint;
  readonly spare: bigint;
}

export class Treasury {
  readonly #options: TreasuryOptions;
  readonly #deps: TreasuryDeps;
  readonly #outbox: Outbox;
  /** What somebody wants settled, and up to which total. */
  readonly #asked = { client: new Map<string, bigint>(), worker: new Map<string, bigint>() };
  #isWithdrawalAsked = false;
  /** Query id of the withdrawal that is on its way. */
  #withdrawal: bigint | undefined;
  #committedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: TreasuryOptions, deps: TreasuryDeps) {
    this.#options = options;
    this.#deps = deps;
    const { underWay: limit, retryMs } = options.policy;
    this.#outbox = new Outbox({ limit, retryMs }, deps);
  }

  get isBusy(): boolean {
    return this.#outbox.size + this.#asked.client.size + this.#asked.worker.size > 0;
  }

  /** Whether a charge or refund, or a payout, of that party is on its way. */
  isUnderWay(branch: Branch, party: Party, owner: string): boolean {
    return this.#outbox.has(keyOf(branch, party, owner));
  }

  get isWithdrawing(): boolean {
    return this.#outbox.has('withdraw');
  }

  /** Wants a party settled up to that total, however little it is. */
  ask(party: Party, owner: string, total: bigint): void {
    this.#asked[party].set(owner, total);
  }

  askWithdrawal(): void {
    this.#isWithdrawalAsked = true;
  }

  withdrawn(queryId: bigint): void {
    if (this.#withdrawal === queryId) this.#withdrawal = undefined;
  }

  /** A new contract may be committed to at once. */
  opened(): void {
    this.#committedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Lets go of what the chain has shown. To be called after it was read. */
  sweep(active: Branch | undefined): void {
    this.#outbox.sweep();
    for (const party of ['client', 'worker'] as const) {
      for (const [owner, total] of this.#asked[party]) {
        if (!active || isAnswered(active.instance, party, owner, total)) this.#asked[party].delete(owner);
      }
    }
  }

  /**
   * Sends what is due.
   * @param funds what the network asks a proxy to stake, and what the wallet can spare, nanoTON
   * @throws {ChainError} @throws {LedgerError} `LEDGER_ROLLBACK` @throws {ProxyError} `PROXY_STORE`
   */
  async send(branches: Branches, funds: Funds, signal: AbortSignal): Promise<void> {
    const { active } = branches;
    if (active?.isServing && active.standing?.state === 'absent' && active.init) {
      const message = this.#deps.orders.deploy(active.family.proxy, active.init);
      this.#outbox.send(`deploy/${active.name}`, message, () => active.standing?.state !== 'absent');
    }
    this.#commit(branches);
    if (!branches.hasCommitted) return;
    for (const branch of branches) {
      for (const due of dues(branch.instance, this.#rules(branch, active))) await this.#pay(due, branch, signal);
    }
    if (!active?.isServing) return;
    this.#withdraw(active);
    this.#stake(active, funds);
  }

  /**
   * Takes the next step towards the end of a contract.
   * @param nowSec unix seconds of the chain
   * @param canSend whether the wallet has coins, and this process may send
   */
  retire(branch: Branch, branches: Branches, nowSec: number, canSend: boolean): void {
    const { instance, family, standing, name } = branch;
    const { bookkeeper, running, log, orders } = this.#deps;
    if (standing === undefined || standing.state === 'frozen') return;
    if (!this.#isSure(branch, nowSec)) return;
    const { state: contract, unlockAtSec } = standing;
    const left = unsettled(instance);
    const view = { running: running(name), uncommitted: uncommitted(instance), left, contract, unlockAtSec, nowSec };
    const { phase, send } = nextStep(view);
    const closeAtSec = Math.max(unlockAtSec, instance.closeAtSec);
    if (phase !== instance.phase || closeAtSec > instance.closeAtSec) {
      log.info('a proxy contract is retired', { contract: name, phase, clients: left.clients, workers: left.workers });
      if (phase === 'closed') branches.close(branch, closeAtSec);
      else bookkeeper.recordNow({ type: 'retiring', instance: name, phase, closeAtSec });
    }
    if (send === undefined || !canSend) return;
    const isDone = () => branch.standing?.state !== contract;
    this.#outbox.send(`${send}/${name}`, orders.closing(send, family.proxy), isDone);
  }

  /**
   * Whether the answer about a contract may be acted upon. One that is not there may be in a newer answer, or come to be
   * by a message of this process or the one before. (Coins and bounced messages make transactions and no contract.)
   */
  #isSure(branch: Branch, nowSec: number): boolean {
    const { standing, instance, name } = branch;
    if (standing?.state !== 'absent') {
      branch.absentSinceSec = undefined;
      return true;
    }
    branch.absentSinceSec ??= nowSec;
    if (standing.lt < (instance.cursor?.lt ?? 0n) || this.#outbox.has(`deploy/${name}`)) return false;
    return nowSec - branch.absentSinceSec > QUIET_SEC;
  }

  #commit(branches: Branches): void {
    const { bookkeeper, clock, orders } = this.#deps;
    const { policy, session } = this.#options;
    const { books } = bookkeeper;
    const { active } = branches;
    const branch = active?.isServing ? active : branches.retiring[0];
    if (!branch?.standing || branch.standing.state === 'absent' || this.#outbox.has('commit')) return;
    const all = [...branches];
    const view = {
      uncommitted: all.reduce((sum, { instance }) => sum + uncommitted(instance), 0n),
      awaited: all.some((it) => waitsForCommit(it.instance, this.#rules(it, active))),
      first: !branches.hasCommitted || (branch.isServing && !branch.isCommitted),
      sinceMs: clock.monotonicMs() - this.#committedAtMs,
    };
    if (!isCommitDue(view, policy)) return;
    const number = books.nextCommit;
    bookkeeper.recordNow({ type: 'committing', number, session });
    this.#committedAtMs = clock.monotonicMs();
    const message = orders.commit(branch.family.proxy, number, session);
    this.#outbox.send('commit', message, () => !books.expects(number, session));
  }

  /** Looks at the contract first: what it knows already is not told to it again. */
  async #pay(due: Due, branch: Branch, signal: AbortSignal): Promise<void> {
    const { chain, bookkeeper, orders } = this.#deps;
    const { party, owner } = due;
    const key = keyOf(branch, party, owner);
    if (this.#outbox.has(key) || this.#outbox.isFull) return;
    const { account, event } = await lookAt(party, owner, branch.instance, branch.family, chain, signal);
    if (event) return bookkeeper.recordNow(event);
    const message = orders.payment(due, branch.family, account.status === 'absent');
    this.#outbox.send(key, message, () => isSettled(due, branch));
  }

  #withdraw({ standing, family }: Branch): void {
    const { orders } = this.#deps;
    const earnings = standing?.earnings ?? 0n;
    const least = this.#isWithdrawalAsked ? 1n : this.#options.policy.withdrawAt;
    if (earnings < least || this.#outbox.has('withdraw')) return;
    this.#isWithdrawalAsked = false;
    const queryId = orders.queryId();
    this.#withdrawal = queryId;
    this.#outbox.send('withdraw', orders.withdraw(family.proxy, queryId), () => this.#withdrawal !== queryId);
  }

  /** Clients of a proxy that is gone for good get their deposits out of its stake, and nowhere else. */
  #stake(branch: Branch, { leastStake, spare }: Funds): void {
    const { standing, family, name } = branch;
    if (standing?.state !== 'normal' || standing.stake >= leastStake) return;
    const amount = leastStake - standing.stake;
    if (spare < amount + Value.stake) return;
    const isDone = () => (branch.standing?.stake ?? 0n) >= leastStake;
    this.#outbox.send(`stake/${name}`, this.#deps.orders.stake(family.proxy, amount), isDone);
  }

  #rules({ name }: Branch, active: Branch | undefined): DueRules {
    const { running } = this.#deps;
    return {
      policy: this.#options.policy,
      running: (owner) => running(name, owner),
      asked: active?.name === name ? this.#asked : NOBODY,
    };
  }
}

const NOBODY: DueRules['asked'] = { client: new Map(), worker: new Map() };

function keyOf(branch: Branch, party: Party, owner: string): string {
  return `${party}/${branch.name}/${owner}`;
}

/** Whether the chain has shown what a payment was to do. */
function isSettled({ kind, owner, total }: Due, { instance }: Branch): boolean {
  switch (kind) {
    case 'charge':
      return (instance.clientContract(owner)?.used ?? 0n) >= total;
    case 'refund':
      return instance.clientContract(owner)?.state === 'closed';
    case 'payout':
      return (instance.workerContract(owner)?.paid ?? 0n) >= total;
    case 'lastPayout':
      return instance.workerContract(owner)?.state === 'closed';
  }
}
