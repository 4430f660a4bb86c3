/**
 * The chain itself: a head, accounts, and a block every so often. Reads see whole blocks only; the state changes in one
 * place, {@link Ledger.produce}.
 */
import { type Clock, type Logger, Scope } from '@bombyx/base';
import { type Address, type Cell, loadMessage, type Message, type TupleItem } from '@ton/core';
import { type AccountState, accountKey, readAccount } from './account.ts';
import { draftBlock } from './draft.ts';
import { DevnetError } from './errors.ts';
import type { Genesis } from './genesis.ts';
import { Inbox } from './inbox.ts';
import { type Execution, type GetterOutcome, type Machine, NO_CODE } from './machine.ts';
import { WORKCHAINS } from './network-config.ts';
import { type Block, Records } from './records.ts';
import type { Store } from './store.ts';

export interface LedgerOptions {
  /** Milliseconds between blocks; 0 = only when {@link Ledger.produce} is called. */
  readonly blockMs: number;
}

export interface LedgerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: Machine;
  /** Closed with the ledger. */
  readonly store: Store;
  /** 32 random bytes, asked once in the life of a chain. */
  readonly seed: () => Uint8Array;
}

/** Messages on disk that have not run; the next is refused. */
const MAX_INBOX = 10_000;
/** Transactions of a block; what does not fit runs in the next. */
const MAX_TRANSACTIONS = 512;
/** Unix seconds fit into 32 bits of a transaction. */
const MAX_TIME = 0xffff_ffff;
export class Ledger implements AsyncDisposable {
  readonly genesis: Genesis;
  readonly machine: Machine;
  /** History, blocks, books: whole blocks only. */
  readonly records: Records;
  readonly #scope = new Scope();
  readonly #inbox: Inbox;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #blockMs: number;
  #head: Block;
  /** Seconds that the chain is ahead of the clock. */
  #ahead: number;
  #producing: Promise<void> = Promise.resolve();
  #problem: string | undefined;
  #cancelNext: () => void = () => {};

  /** @throws {DevnetError} `DEVNET_STORE` */
  constructor(options: LedgerOptions, deps: LedgerDeps) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.machine = deps.machine;
    this.#blockMs = options.blockMs;
    const store = this.#scope.use(deps.store);
    try {
      this.records = new Records(store);
      this.genesis = this.records.openGenesis(deps.seed, Math.floor(deps.clock.nowMs() / 1000));
      this.#head = this.records.head();
      this.#ahead = this.records.ahead();
      this.#inbox = new Inbox({ capacity: MAX_INBOX }, { store });
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
    this.#scope.defer(() => this.#producing);
    this.#scope.defer(() => {
      this.#inbox.flush();
      this.#cancelNext();
    });
    this.#schedule();
  }

  get head(): Block {
    return this.#head;
  }

  /** External messages that wait for a block. */
  get waiting(): number {
    return this.#inbox.size;
  }

  /** Why the last block could not be written; undefined when it was. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Unix seconds that a block made now would get. */
  nowSec(): number {
    return Math.max(this.#head.utime, Math.floor(this.#clock.nowMs() / 1000) + this.#ahead);
  }

  account(address: Address): AccountState {
    return readAccount(this.records.stateOf(accountKey(address)));
  }

  /**
   * Takes an external message that its receiver accepts at this moment; resolves with its hash when it is on disk.
   * @throws {DevnetError} `DEVNET_MESSAGE`, `DEVNET_REFUSED`, `DEVNET_FULL`, `DEVNET_STORE`
   */
  async send(message: Cell): Promise<Buffer> {
    const { dest } = externalInfo(message);
    const trial = await this.try(dest, message);
    if (!trial.ok) throw refusal(trial);
    return await this.#inbox.add(() => message);
  }

  /** What a message would do to an account in the next block; nothing is kept. */
  try(address: Address, message: Cell, ignoreSignature = false): Promise<Execution> {
    return this.machine.execute(this.records.stateOf(accountKey(address)), message, {
      utime: this.nowSec(),
      lt: this.#head.endLt + 1_000_000n,
      randomSeed: this.#head.rootHash,
      ignoreSignature,
    });
  }

  /** Runs a get method on the newest block; on an account without code the exit code is -13. */
  async get(address: Address, method: string | number, stack: readonly TupleItem[]): Promise<GetterOutcome> {
    const { code, data, balance } = this.account(address);
    if (!code || !data) return { exitCode: NO_CODE, gasUsed: 0n, stack: [] };
    return await this.machine.get({ address, code, data, balance, utime: this.#head.utime, method, stack });
  }

  /** Pays from the genesis account: `make` is asked for the message once it is known how many payments wait. */
  give(make: (waiting: number) => Cell, to: Address, amount: bigint): Promise<Buffer> {
    return this.#inbox.add(() => {
      const message = make(this.#inbox.givenCount());
      this.records.addGrant(to, amount, this.#head.utime);
      return message;
    }, true);
  }

  /** Moves the time of the chain on, for good, and makes a block. @throws {DevnetError} `DEVNET_TIME` */
  async advance(seconds: number): Promise<void> {
    const ahead = this.#ahead + seconds;
    if (!Number.isInteger(seconds) || seconds < 0 || this.nowSec() + seconds > MAX_TIME) {
      throw new DevnetError('DEVNET_TIME', 'time moves by whole seconds, forward, up to the year 2106');
    }
    this.records.setAhead(ahead);
    this.#ahead = ahead;
    await this.produce();
  }

  /** Makes one block. Blocks are made one after the other. @throws {DevnetError} `DEVNET_STORE`, `DEVNET_CLOSED` */
  produce(): Promise<void> {
    const made = this.#producing.then(() => this.#produce());
    this.#producing = made.catch(() => {});
    return made;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  async #produce(): Promise<void> {
    const draft = await draftBlock(
      {
        before: this.#head,
        utime: this.nowSec(),
        transit: this.records.transit(MAX_TRANSACTIONS),
        inbox: this.records.inbox(MAX_TRANSACTIONS),
        maxTransactions: MAX_TRANSACTIONS,
      },
      { machine: this.machine, stateOf: (key) => this.records.stateOf(key) },
    );
    this.records.write(draft);
    this.#inbox.settled(draft.taken.length);
    this.#head = { ...draft.head, startLt: draft.startLt, size: draft.transactions.length };
    const [first] = draft.refused;
    if (first) this.#log.info('messages were refused in their block', { count: draft.refused.length, ...first });
    if (draft.stuck.length > 0) this.#log.error('messages cannot be delivered', { count: draft.stuck.length });
  }

  #schedule(delayMs = this.#blockMs): void {
    if (this.#blockMs === 0 || this.#scope.signal.aborted) return;
    this.#cancelNext = this.#clock.after(delayMs, async () => {
      const startedMs = this.#clock.monotonicMs();
      try {
        await this.produce();
        this.#problem = undefined;
      } catch (error) {
        if (this.#scope.signal.aborted) return;
        this.#problem = error instanceof Error ? error.message : String(error);
        this.#log.error('a block could not be made', { reason: this.#problem });
      }
      this.#schedule(Math.max(0, this.#blockMs - (this.#clock.monotonicMs() - startedMs)));
    });
  }
}

/** What a sender is told of a message that was not accepted. */
export function refusal({ reason, exitCode }: Execution & { ok: false }): DevnetError {
  return new DevnetError('DEVNET_REFUSED', reason, exitCode === undefined ? {} : { exitCode });
}

/** @throws {DevnetError} `DEVNET_MESSAGE` for what is no external message to a workchain of this network */
export function externalInfo(message: Cell): Message['info'] & { type: 'external-in' } {
  let info: Message['info'];
  try {
    info = loadMessage(message.beginParse()).info;
  } catch (cause) {
    throw new DevnetError('DEVNET_MESSAGE', 'this cell is not a message', {}, { cause });
  }
  if (info.type !== 'external-in') throw new DevnetError('DEVNET_MESSAGE', 'only external messages are taken');
  if (!WORKCHAINS.includes(info.dest.workChain)) {
    throw new DevnetError('DEVNET_MESSAGE', `there is no workchain ${info.dest.workChain}`);
  }
  return info;
}
