/**
 * The books of a proxy: what clients paid, hold and used, what workers earned. Pure state: no clock, no disk, no network.
 * A request holds tokens while it runs and gives them back once; what a client is charged for it is what a worker earns
 * with it.
 */
import { MAX_LONG, type NanoTon, type Tokens, tokens } from '@bombyx/base';
import { LedgerError } from './errors.ts';
import { CommitLog, type Levels, Total } from './levels.ts';
import { atMostLong } from './price.ts';

/** A client contract as the chain shows it. */
export interface Funding {
  readonly balance: NanoTon;
  readonly stake: NanoTon;
  /** Tokens charged on chain so far. */
  readonly usedOnChain: Tokens;
  /** Of the root parameters under which the contract was made. */
  readonly pricePerToken: NanoTon;
}

export interface ClientView {
  readonly id: string;
  /** Tokens this client may ever have used: charged on chain plus what its balance buys. */
  readonly paid: Tokens;
  /** Tokens its stake buys: how far use may run ahead of the charges. */
  readonly stakeTokens: Tokens;
  readonly usedOnChain: Tokens;
  readonly reserved: Tokens;
  readonly runningRequests: number;
  readonly used: Levels;
}

export interface WorkerView {
  readonly id: string;
  readonly paidOnChain: Tokens;
  readonly earned: Levels;
}

export type HoldVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'unknown-client' | 'balance'; readonly available: bigint };

interface Client extends ClientView {
  paid: Tokens;
  stakeTokens: Tokens;
  usedOnChain: Tokens;
  reserved: Tokens;
  runningRequests: number;
  readonly used: Total;
}

interface Worker extends WorkerView {
  paidOnChain: Tokens;
  readonly earned: Total;
}

interface Hold {
  readonly client: Client;
  readonly amount: Tokens;
}

/** Tokens that a balance counts for when a token costs nothing. */
const FREE_TOKENS = 1_000_000_000_000n;
const ZERO = tokens(0n);

export class Accounts {
  readonly #clients = new Map<string, Client>();
  readonly #workers = new Map<string, Worker>();
  readonly #holds = new Map<string, Hold>();
  readonly #log = new CommitLog();

  /** Takes over a client from the database, before any traffic. @throws {LedgerError} `LEDGER_ROLLBACK` */
  restoreClient(id: string, used: Tokens, committed?: Tokens): void {
    this.#addClient(id, new Total(used, committed));
  }

  /** Takes over a worker from the database, before any traffic. @throws {LedgerError} `LEDGER_ROLLBACK` */
  restoreWorker(id: string, earned: Tokens, committed?: Tokens): void {
    this.#addWorker(id, new Total(earned, committed));
  }

  /**
   * Takes over what the chain shows of a client contract; a state older than the known one is ignored. Unknown
   * clients come into being here.
   * @throws {LedgerError} `LEDGER_ROLLBACK` when the chain charged more than we ever counted
   */
  fund(id: string, funding: Funding): void {
    const { balance, stake, usedOnChain, pricePerToken } = funding;
    const counted = this.#clients.get(id)?.used.max ?? ZERO;
    if (usedOnChain > counted) {
      throw new LedgerError('LEDGER_ROLLBACK', 'the chain charged more than was counted', { usedOnChain, counted });
    }
    const client = this.#clients.get(id) ?? this.#addClient(id, new Total());
    if (usedOnChain < client.usedOnChain) return;
    const buys = (amount: NanoTon) => (pricePerToken === 0n ? FREE_TOKENS : amount / pricePerToken);
    client.usedOnChain = usedOnChain;
    client.paid = atMostLong(usedOnChain + buys(balance));
    client.stakeTokens = atMostLong(buys(stake));
  }

  /**
   * Takes over what the chain paid to a worker; a lower number than the known one is ignored.
   * @throws {LedgerError} `LEDGER_ROLLBACK` when the chain paid more than was earned, `LEDGER_UNKNOWN_PARTY`
   */
  markPaid(id: string, paidOnChain: Tokens): void {
    const worker = this.#workers.get(id);
    if (!worker) throw new LedgerError('LEDGER_UNKNOWN_PARTY', 'no such worker');
    const earned = worker.earned.max;
    if (paidOnChain > earned) {
      throw new LedgerError('LEDGER_ROLLBACK', 'the chain paid more than was earned', { paidOnChain, earned });
    }
    if (paidOnChain > worker.paidOnChain) worker.paidOnChain = paidOnChain;
  }

  /** Tokens a client may still reserve; negative when its funds shrank under running requests. */
  available(id: string): bigint {
    const client = this.#clients.get(id);
    return client ? availableTo(client) : 0n;
  }

  /** Sets tokens aside for a request. @throws {LedgerError} `LEDGER_DUPLICATE_REQUEST` */
  hold(requestId: string, clientId: string, amount: Tokens): HoldVerdict {
    if (this.#holds.has(requestId)) {
      throw new LedgerError('LEDGER_DUPLICATE_REQUEST', 'this request holds tokens already');
    }
    const client = this.#clients.get(clientId);
    if (!client) return { ok: false, reason: 'unknown-client', available: 0n };
    const available = availableTo(client);
    if (amount > available) return { ok: false, reason: 'balance', available };
    client.reserved = tokens(client.reserved + amount);
    client.runningRequests++;
    this.#holds.set(requestId, { client, amount });
    return { ok: true };
  }

  /**
   * Charges a client and credits a worker with the same tokens; unknown ones come into being. For facts that were
   * written down already.
   * @throws {LedgerError} `LEDGER_RANGE` when a total would leave the protocol's range; nothing changes
   */
  book(clientId: string, workerId: string, charged: Tokens): void {
    const client = this.#clients.get(clientId) ?? this.#addClient(clientId, new Total());
    const worker = this.#workers.get(workerId) ?? this.#addWorker(workerId, new Total());
    const used = client.used.max + charged;
    const earned = worker.earned.max + charged;
    if (earned > MAX_LONG) throw new LedgerError('LEDGER_RANGE', 'the worker earned too much to count', { earned });
    if (used > MAX_LONG) throw new LedgerError('LEDGER_RANGE', 'the client used too much to count', { used });
    this.#log.raise(client.used, tokens(used));
    this.#log.raise(worker.earned, tokens(earned));
  }

  /** Gives back what a request holds, when it has ended. @returns the tokens freed, undefined when it holds nothing */
  release(requestId: string): Tokens | undefined {
    const hold = this.#holds.get(requestId);
    if (!hold) return undefined;
    this.#free(requestId, hold);
    return hold.amount;
  }

  client(id: string): ClientView | undefined {
    return this.#clients.get(id);
  }

  worker(id: string): WorkerView | undefined {
    return this.#workers.get(id);
  }

  clients(): Iterable<ClientView> {
    return this.#clients.values();
  }

  workers(): Iterable<WorkerView> {
    return this.#workers.values();
  }

  /** Forgets a client of whom there is nothing to remember. @returns whether it is gone */
  forget(id: string): boolean {
    const client = this.#clients.get(id);
    if (client && (client.runningRequests > 0 || client.used.max > 0n || client.usedOnChain > 0n)) return false;
    return this.#clients.delete(id);
  }

  /** Commit `seq` covers all that was counted until now. @throws {LedgerError} `LEDGER_SEQUENCE` */
  beginCommit(seq: number): void {
    this.#log.begin(seq);
  }

  /** Commit `seq` was seen on chain. */
  commitSeen(seq: number): void {
    this.#log.seen(seq);
  }

  /** Counts all as committed, where there is no chain to commit to. */
  commitAll(): void {
    this.#log.settle();
  }

  #free(requestId: string, { client, amount }: Hold): void {
    this.#holds.delete(requestId);
    client.reserved = tokens(client.reserved - amount);
    client.runningRequests--;
  }

  #addClient(id: string, used: Total): Client {
    const client = { id, paid: ZERO, stakeTokens: ZERO, usedOnChain: ZERO, reserved: ZERO, runningRequests: 0, used };
    this.#clients.set(id, client);
    if (used.chain < used.max) this.#log.include(used);
    return client;
  }

  #addWorker(id: string, earned: Total): Worker {
    const worker = { id, paidOnChain: ZERO, earned };
    this.#workers.set(id, worker);
    if (earned.chain < earned.max) this.#log.include(earned);
    return worker;
  }
}

function availableTo({ paid, stakeTokens, usedOnChain, reserved, used }: Client): bigint {
  const ahead = usedOnChain + stakeTokens;
  return (paid < ahead ? paid : ahead) - reserved - used.max;
}
