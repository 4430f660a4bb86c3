/** The chain port over an emulated chain, run by the real executor; and the ways a chain can fail a node. */
import { type FakeClock, turn } from '@bombyx/testkit';
import { type Address, type Cell, loadMessage, type Message, type Transaction, type TupleItem } from '@ton/core';
import type { Chain, ChainAccount, ChainTransaction, GetMethodResult, TransactionId } from '../src/chain.ts';
import { ChainError } from '../src/chain-errors.ts';
import { readChainTransaction } from '../src/chain-transaction.ts';
import { type Step, World, type WorldOptions } from './contracts-world.ts';

export class WorldChain implements Chain {
  readonly world: World;
  readonly #clock: FakeClock;
  readonly #histories = new Map<string, ChainTransaction[]>();
  #running: Promise<unknown> = Promise.resolve();
  #held: Message[] = [];
  /** Questions asked so far. */
  asked = 0;
  /** No endpoint answers. */
  isDown = false;
  /** What becomes of an external that is handed in: it runs, waits for {@link land}, or is taken and never seen again. */
  externals: 'run' | 'hold' | 'lose' = 'run';
  /** Externals handed in. */
  handedIn = 0;

  private constructor(world: World, clock: FakeClock) {
    this.world = world;
    this.#clock = clock;
  }

  /** Time follows `clock`. */
  static async create(clock: FakeClock, options?: WorldOptions): Promise<WorldChain> {
    return new WorldChain(await World.create(options), clock);
  }

  /** What a test does to the world itself. @returns its steps, which are part of every history from now on */
  async act(action: (world: World) => Promise<readonly Step[]>): Promise<readonly Step[]> {
    return this.#alone(async () => {
      const steps = await action(this.world);
      this.#record(steps.map(({ transaction }) => transaction));
      return steps;
    });
  }

  /** Reads the world while nothing runs in it. */
  look<T>(question: (world: World) => Promise<T>): Promise<T> {
    return this.#alone(() => question(this.world));
  }

  /** Runs what was held, oldest first; what its receiver refuses by now is forgotten, as a network does. */
  async land(): Promise<void> {
    for (const message of this.#held.splice(0)) await this.#run(message).catch(() => undefined);
  }

  /** Moves time on, letting the executor work between timers. */
  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 1) {
      this.#clock.advance(1_000);
      do {
        await this.#running;
        for (let i = 0; i < 5; i += 1) await turn();
      } while (this.#isBusy);
    }
  }

  async nowSec(signal?: AbortSignal): Promise<number> {
    return this.#ask(signal, async () => this.#nowSec());
  }

  account(address: Address, signal?: AbortSignal): Promise<ChainAccount> {
    return this.#ask(signal, async () => {
      const { balance, accountState } = await this.world.chain.getContract(address);
      const newest = this.#historyOf(address).at(-1);
      const last = newest && { last: { lt: newest.lt, hash: newest.hash } };
      if (accountState?.type !== 'active') return { address, status: 'absent', balance, ...last };
      const { code, data } = accountState.state;
      return { address, status: 'active', balance, ...(code && data ? { code, data } : {}), ...last };
    });
  }

  transactions(
    address: Address,
    after: TransactionId | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly ChainTransaction[]> {
    return this.#ask(signal, async () => {
      const history = this.#historyOf(address);
      if (after === undefined) return history.slice(0, limit);
      const index = history.findIndex(({ lt }) => lt === after.lt);
      if (index < 0) throw new ChainError('CHAIN_STALE', 'not in history');
      return history.slice(index + 1, index + 1 + limit);
    });
  }

  send(message: Cell, signal?: AbortSignal): Promise<void> {
    return this.#ask(signal, async () => {
      const external = loadMessage(message.beginParse());
      this.handedIn += 1;
      if (this.externals === 'lose') return;
      if (this.externals === 'hold') {
        this.#held.push(external);
        return;
      }
      await this.#execute(external).catch((cause: unknown) => {
        throw new ChainError('CHAIN_REFUSED', 'the receiver did not accept it', {}, { cause });
      });
    });
  }

  run(
    _address: Address,
    _method: string,
    _args: readonly TupleItem[],
    _signal?: AbortSignal,
  ): Promise<GetMethodResult> {
    throw new TypeError('no node runs a get method');
  }

  /** NanoTON that messages have brought to an account. */
  received(address: Address): bigint {
    let sum = 0n;
    for (const { transaction } of this.#historyOf(address)) {
      const info = transaction.inMessage?.info;
      if (info?.type === 'internal') sum += info.value.coins;
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #isBusy = false;

  async #ask<T>(signal: AbortSignal | undefined, question: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    this.asked += 1;
    if (this.isDown) throw new ChainError('CHAIN_UNREACHABLE', 'no endpoint can be reached');
    return this.#alone(question);
  }

  /** One thing at a time: the executor knows no other way. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#running.then(async () => {
      this.#isBusy = true;
      this.world.chain.now = this.#nowSec();
      try {
        return await task();
      } finally {
        this.#isBusy = false;
      }
    });
    this.#running = result.catch(() => undefined);
    return result;
  }

  #run(message: Message): Promise<void> {
    return this.#alone(() => this.#execute(message));
  }

  async #execute(message: Message): Promise<void> {
    const { transactions } = await this.world.chain.sendMessage(message);
    this.#record(transactions);
  }

  #record(transactions: readonly Transaction[]): void {
    for (const { address, raw } of transactions) {
      const key = address.toString(16).padStart(64, '0');
      const history = this.#histories.get(key) ?? [];
      this.#histories.set(key, history);
      history.push(readChainTransaction(raw));
    }
  }

  #historyOf(address: Address): readonly ChainTransaction[] {
    return this.#histories.get(address.hash.toString('hex')) ?? [];
  }

  #nowSec(): number {
    return Math.floor(this.#clock.nowMs() / 1_000);
  }
}
