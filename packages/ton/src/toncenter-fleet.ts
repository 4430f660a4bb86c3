/** Several endpoints as one: order, failover, retries, and as many answers as a quorum needs. */
import { type Clock, type Logger, type Random, Scope, wait } from '@bombyx/base';
import { ChainError, type ChainErrorCode } from './chain-errors.ts';
import type { Endpoint } from './toncenter-endpoint.ts';

export interface FleetDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Question<T> {
  /** For the log. */
  readonly name: string;
  /** Asks one endpoint and checks what it says. What this throws counts against it, and the next one is asked. */
  ask(endpoint: Endpoint, signal: AbortSignal): Promise<T>;
  /** The question itself makes sure of the network. */
  readonly identifies?: boolean;
}

interface Member {
  readonly endpoint: Endpoint;
  /** The one asked last while this lies ahead, on the monotonic clock. */
  avoidUntilMs: number;
  failures: number;
  /** Known to be of the right network until then. */
  knownUntilMs: number;
}

/** How often the endpoints are gone through. */
const ROUNDS = 4;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 4_000;
const MAX_AVOID_MS = 60_000;
/** A name may come to lead elsewhere: the network of an endpoint is looked at again. */
const KNOWN_MS = 600_000;

/** Final for the whole call: asking somebody else would not help. */
const FINAL: ReadonlySet<ChainErrorCode> = new Set(['CHAIN_REFUSED', 'CHAIN_CLOSED']);
/** Final for the endpoint: it will not change its mind within a call. */
const HOPELESS: ReadonlySet<ChainErrorCode> = new Set(['CHAIN_NETWORK', 'CHAIN_ACCESS', 'CHAIN_CLOCK', 'CHAIN_LIMIT']);
/** When all fail, the code that tells most is reported. */
const TELLING: readonly ChainErrorCode[] = [
  'CHAIN_LIMIT',
  'CHAIN_NETWORK',
  'CHAIN_ACCESS',
  'CHAIN_CLOCK',
  'CHAIN_DISAGREEMENT',
  'CHAIN_RESPONSE',
  'CHAIN_STALE',
  'CHAIN_RATE_LIMITED',
  'CHAIN_UNREACHABLE',
];

export class Fleet implements AsyncDisposable {
  readonly #members: readonly Member[];
  readonly #deps: FleetDeps;
  readonly #scope = new Scope();
  readonly #identify: (endpoint: Endpoint, signal: AbortSignal) => Promise<void>;

  /**
   * @param endpoints the preferred one first
   * @param identify makes sure that an endpoint speaks for the right network, before anything it says is used
   */
  constructor(
    endpoints: readonly Endpoint[],
    identify: (endpoint: Endpoint, signal: AbortSignal) => Promise<void>,
    deps: FleetDeps,
  ) {
    this.#members = endpoints.map((endpoint) => ({ endpoint, avoidUntilMs: 0, failures: 0, knownUntilMs: 0 }));
    for (const endpoint of endpoints) this.#scope.use(endpoint);
    this.#identify = identify;
    this.#deps = deps;
  }

  /**
   * One good answer each of `count` different endpoints, gathered in parallel.
   * @throws {ChainError} the most telling failure when fewer endpoints gave one; the reason of `signal`
   */
  gather<T>(count: number, question: Question<T>, signal?: AbortSignal): Promise<readonly T[]> {
    return this.#whileOpen((both) => this.#gather(count, question, both), signal);
  }

  /**
   * Asks all endpoints at once, and resolves with the first good answer; the others go on. Where none gives one, they are
   * asked again as by {@link gather}, unless one of them said what is final.
   * @throws {ChainError} the most telling failure; the reason of `signal`
   */
  any<T>(question: Question<T>, signal?: AbortSignal): Promise<T | undefined> {
    return this.#whileOpen(async (both) => {
      if (this.#members.length > 1) {
        try {
          return await Promise.any(this.#members.map((member) => this.#attempt(member, question, both)));
        } catch (failed) {
          both.throwIfAborted();
          for (const error of (failed as AggregateError).errors) if (!isPassing(error)) throw error;
          await this.pause(0, both);
        }
      }
      const [answer] = await this.#gather(1, question, both);
      return answer;
    }, signal);
  }

  async #whileOpen<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const both = signal ? AbortSignal.any([signal, this.#scope.signal]) : this.#scope.signal;
    try {
      return await work(both);
    } catch (error) {
      if (this.#scope.signal.aborted && !signal?.aborted) {
        throw new ChainError('CHAIN_CLOSED', 'the chain was closed', {}, { cause: error });
      }
      throw error;
    }
  }

  /** Waits before round `round` + 1, a little longer each time; the endpoints may have caught up by then. */
  pause(round: number, signal?: AbortSignal): Promise<void> {
    const fullMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round);
    const jitter = (this.#deps.random.bytes(1)[0] ?? 0) / 255;
    const both = signal ? AbortSignal.any([signal, this.#scope.signal]) : this.#scope.signal;
    return wait(this.#deps.clock, fullMs * (0.5 + jitter / 2), both);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  async #gather<T>(count: number, question: Question<T>, signal: AbortSignal): Promise<readonly T[]> {
    const answers = new Map<Member, T>();
    const failures = new Map<Member, ChainError>();
    for (let round = 0; ; round += 1) {
      signal.throwIfAborted();
      const waiting = this.#order().filter((member) => {
        const failure = failures.get(member);
        return !answers.has(member) && !(failure && HOPELESS.has(failure.code));
      });
      const attempt = async (): Promise<void> => {
        for (let member = waiting.shift(); member; member = waiting.shift()) {
          try {
            answers.set(member, await this.#attempt(member, question, signal));
            return;
          } catch (error) {
            if (!isPassing(error)) throw error;
            failures.set(member, error);
          }
        }
      };
      const missing = Math.min(count - answers.size, waiting.length);
      const done = await Promise.allSettled(Array.from({ length: missing }, attempt));
      if (answers.size >= count) return [...answers.values()];
      for (const result of done) if (result.status === 'rejected') throw result.reason;
      const hopeless = [...failures.values()].filter(({ code }) => HOPELESS.has(code)).length;
      if (round + 1 >= ROUNDS || this.#members.length - hopeless < count) throw verdict([...failures.values()], count);
      await this.pause(round, signal);
    }
  }

  /** @throws what {@link Question.ask} throws, taken down */
  async #attempt<T>(member: Member, question: Question<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#ask(member, question, signal);
    } catch (error) {
      throw this.#failed(member, question.name, error);
    }
  }

  async #ask<T>(member: Member, question: Question<T>, signal: AbortSignal): Promise<T> {
    const known = member.knownUntilMs > this.#deps.clock.monotonicMs();
    if (!known && !question.identifies) await this.#identify(member.endpoint, signal);
    const answer = await question.ask(member.endpoint, signal);
    if (!known) member.knownUntilMs = this.#deps.clock.monotonicMs() + KNOWN_MS;
    member.failures = 0;
    member.avoidUntilMs = 0;
    return answer;
  }

  /** Takes a failure down. @returns it */
  #failed(member: Member, question: string, error: unknown): unknown {
    if (!isPassing(error)) return error;
    member.failures += 1;
    if (error.code === 'CHAIN_NETWORK') member.knownUntilMs = 0;
    const avoidMs = Math.min(MAX_AVOID_MS, 1_000 * 2 ** Math.min(member.failures - 1, 6));
    member.avoidUntilMs = this.#deps.clock.monotonicMs() + avoidMs;
    this.#deps.log.warn('chain endpoint failed', { host: member.endpoint.host, question, code: error.code, avoidMs });
    return error;
  }

  /** As configured; those that failed lately last, the one to be forgiven first ahead. */
  #order(): Member[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const rank = ({ avoidUntilMs }: Member) => (avoidUntilMs <= nowMs ? 0 : avoidUntilMs);
    return [...this.#members].sort((a, b) => rank(a) - rank(b));
  }
}

/** Whether somebody else may do better: it is a failure of this endpoint, and not final for the call. */
function isPassing(error: unknown): error is ChainError {
  return error instanceof ChainError && !FINAL.has(error.code);
}

function verdict(failures: readonly ChainError[], count: number): ChainError {
  const [first, ...others] = [...failures].sort((a, b) => TELLING.indexOf(a.code) - TELLING.indexOf(b.code));
  if (first === undefined) return new ChainError('CHAIN_UNREACHABLE', `fewer than ${count} endpoints answered`);
  if (others.length === 0) return first;
  const message = [first, ...others].map(({ message }) => message).join('; ');
  return new ChainError(first.code, message, first.detail, { cause: new AggregateError([first, ...others]) });
}
