/**
 * Keeps the root configuration up to date. Changes are rare and matter at once; what cannot be read any more stops being
 * true after a while. Source: proxy.md §11 and contracts.md §13.
 */
import { BombyxError, type Clock, type Logger, type Random, Scope, wait } from '@bombyx/base';
import type { Address } from '@ton/core';
import type { Chain } from './chain.ts';
import { ChainError } from './chain-errors.ts';
import type { RootConfig } from './root-config.ts';
import { readRoot } from './root-reader.ts';
import { RootError } from './root-watch-errors.ts';

export interface RootWatchOptions {
  readonly address: Address;
  /** What this node runs as; the root must say the same. */
  readonly isTest: boolean;
  /** What a former life of this node read last, and when (unix seconds). */
  readonly known?: { readonly root: RootConfig; readonly readAtSec: number };
  /** Default 7,200. */
  readonly maxAgeSec?: number;
}

export interface RootWatchDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called for each new version. */
  readonly changed?: (root: RootConfig, before: RootConfig) => void;
  /** Called once when the root cannot be used any more: from then on {@link RootWatch.current} throws the same. */
  readonly failed?: (error: BombyxError) => void;
  /** Called when one that had only become too old was read again, before {@link changed}. */
  readonly recovered?: () => void;
}

const LEAST_PAUSE_MS = 30_000;
const MOST_PAUSE_MS = 60_000;
const MAX_AGE_SEC = 7_200;

/**
 * Reads the root and goes on reading it every 30 to 60 seconds. Where the first reading fails because the chain cannot
 * be asked, what is known from a former life serves, if it is young enough.
 * @throws {RootError} `ROOT_ABSENT`, `ROOT_TEST_FLAG`, `ROOT_ROLLBACK`
 * @throws {TonError} `TON_ROOT_CONFIG`
 * @throws {ChainError}
 */
export async function watchRoot(
  options: RootWatchOptions,
  deps: RootWatchDeps,
  signal?: AbortSignal,
): Promise<RootWatch> {
  const { known, maxAgeSec = MAX_AGE_SEC } = options;
  const read = () => readRoot(deps.chain, options.address, options.isTest, signal);
  const monotonicMs = deps.clock.monotonicMs();
  if (known === undefined) return new RootWatch(options, deps, await read(), monotonicMs);
  const ageMs = Math.max(0, deps.clock.nowMs() - known.readAtSec * 1_000);
  let root: RootConfig;
  try {
    root = await read();
  } catch (error) {
    if (!(error instanceof ChainError) || ageMs > maxAgeSec * 1_000) throw error;
    deps.log.warn('starting with the root configuration of before', { code: error.code, version: known.root.version });
    return new RootWatch(options, deps, known.root, monotonicMs - ageMs);
  }
  const newer = newerOf(known.root, root);
  return new RootWatch(options, deps, newer, newer === root ? monotonicMs : monotonicMs - ageMs);
}

export class RootWatch implements AsyncDisposable {
  readonly #options: RootWatchOptions;
  readonly #deps: RootWatchDeps;
  readonly #scope = new Scope();
  readonly #working: Promise<void>;
  #root: RootConfig;
  /** When {@link #root} was last seen on the chain, on the monotonic clock. */
  #readAtMs: number;
  #failure: BombyxError | undefined;

  /** Use {@link watchRoot}. */
  constructor(options: RootWatchOptions, deps: RootWatchDeps, root: RootConfig, readAtMs: number) {
    this.#options = options;
    this.#deps = deps;
    this.#root = root;
    this.#readAtMs = readAtMs;
    this.#working = this.#work();
  }

  /** The root to go by. @throws {RootError} `ROOT_STALE`, `ROOT_ROLLBACK`, `ROOT_TEST_FLAG`, `ROOT_CLOSED`: stop */
  get current(): RootConfig {
    if (this.#failure) throw this.#failure;
    return this.#root;
  }

  /** Why {@link current} throws; undefined while it does not. */
  get failure(): BombyxError | undefined {
    return this.#failure;
  }

  /** The root as it was read last, for a node that goes on with a warning, and for people. */
  get last(): RootConfig {
    return this.#root;
  }

  /** Seconds since the chain confirmed it. */
  get ageSec(): number {
    return Math.floor((this.#deps.clock.monotonicMs() - this.#readAtMs) / 1_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new RootError('ROOT_CLOSED', 'the root is no longer watched');
    await this.#scope[Symbol.asyncDispose]();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { signal } = this.#scope;
    const { clock, random } = this.#deps;
    while (!signal.aborted) {
      const jitter = (random.bytes(1)[0] ?? 0) / 255;
      const pauseMs = LEAST_PAUSE_MS + jitter * (MOST_PAUSE_MS - LEAST_PAUSE_MS);
      await wait(clock, pauseMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#look(signal).catch((error: unknown) => this.#stumble(error));
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const root = await readRoot(this.#deps.chain, this.#options.address, this.#options.isTest, signal);
    const before = this.#root;
    if (newerOf(before, root) !== root)
      throw new ChainError('CHAIN_STALE', `root version ${root.version} is an old one`);
    this.#root = root;
    this.#readAtMs = this.#deps.clock.monotonicMs();
    if (this.#failure?.code === 'ROOT_STALE') {
      this.#failure = undefined;
      this.#deps.recovered?.();
    }
    if (root.version !== before.version) this.#deps.changed?.(root, before);
  }

  /** A root that says the wrong thing is final. One that cannot be read, or understood, is waited for within the bound. */
  #stumble(error: unknown): void {
    if (this.#scope.signal.aborted) return;
    const { ageSec } = this;
    const code = error instanceof BombyxError ? error.code : String(error);
    this.#deps.log.warn('root configuration not refreshed', { code, ageSec });
    if (error instanceof RootError && error.code !== 'ROOT_ABSENT') {
      this.#fail(error);
      void this.#scope[Symbol.asyncDispose]();
    } else if (ageSec >= (this.#options.maxAgeSec ?? MAX_AGE_SEC)) {
      const message = `the root configuration could not be refreshed for ${ageSec} s (${code})`;
      this.#fail(new RootError('ROOT_STALE', message, { ageSec }, { cause: error }));
    }
  }

  #fail(error: BombyxError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#deps.failed?.(error);
  }
}

/** The one with the higher version. @throws {RootError} `ROOT_ROLLBACK` for `read` with parameters older than known */
function newerOf(known: RootConfig, read: RootConfig): RootConfig {
  if (read.paramsVersion < known.paramsVersion) {
    const message = `the root contract has parameters ${read.paramsVersion}, but ${known.paramsVersion} were known`;
    throw new RootError('ROOT_ROLLBACK', message, { read: read.paramsVersion, known: known.paramsVersion });
  }
  return read.version >= known.version ? read : known;
}
