/** The root configuration a worker goes by: that of a file, or that of the chain as it changes. */
import { randomBytes } from 'node:crypto';
import { BombyxError, type Clock, type Logger, Scope } from '@bombyx/base';
import { type Chain, type RootConfig, type RootWatch, watchRoot } from '@bombyx/ton';
import type { WorkerConfig } from './config.ts';
import { checksHashes, whyNotAllowed } from './standing.ts';

/** How often a root that could not be read for too long is looked for again, ms. */
const RECOVERY_MS = 10_000;

export interface RootSourceDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

export type RootChange = (root: RootConfig, before: RootConfig) => void;

export class RootSource implements AsyncDisposable {
  readonly #config: WorkerConfig;
  readonly #deps: RootSourceDeps;
  readonly #scope = new Scope();
  #fixed: RootConfig | undefined;
  #watch: RootWatch | undefined;
  /** Called for each new version, and with the same one twice when only {@link refusal} may have changed. */
  onChange: RootChange = () => {};

  private constructor(config: WorkerConfig, deps: RootSourceDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  static fixed(config: WorkerConfig, root: RootConfig, deps: RootSourceDeps): RootSource {
    const source = new RootSource(config, deps);
    source.#fixed = root;
    return source;
  }

  /** @throws {RootError}, {TonError}, {ChainError} when there is no root to begin with */
  static async watched(config: WorkerConfig, chain: Chain, deps: RootSourceDeps): Promise<RootSource> {
    const source = new RootSource(config, deps);
    const random = { bytes: (size: number) => randomBytes(size) };
    const watch = await watchRoot(
      { address: config.root_contract_address, isTest: config.is_test },
      {
        ...deps,
        chain,
        random,
        changed: (root, before) => source.onChange(root, before),
        failed: (error) => source.#failed(error),
      },
    );
    source.#watch = source.#scope.use(watch);
    return source;
  }

  /** As it was read last, however old that is: {@link refusal} says whether it still counts. */
  get current(): RootConfig {
    const root = this.#watch?.last ?? this.#fixed;
    if (root === undefined) throw new TypeError('a source without a root');
    return root;
  }

  /** Why no request may be served; undefined when all is well. */
  get refusal(): string | undefined {
    return this.#failure ?? whyNotAllowed(this.#config, this.current);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  /** Lists that nobody confirms allow nobody. Prices may be old for longer: what is earned is what the proxy signs. */
  get #failure(): string | undefined {
    try {
      void this.#watch?.current;
      return undefined;
    } catch (error) {
      const code = error instanceof BombyxError ? error.code : '';
      if (code === 'ROOT_STALE' && !checksHashes(this.#config)) return undefined;
      return error instanceof Error ? error.message : String(error);
    }
  }

  #failed(error: BombyxError): void {
    this.#deps.log.error('the root configuration cannot be used', { code: error.code, cause: error.message });
    this.onChange(this.current, this.current);
    if (error.code === 'ROOT_STALE') this.#awaitRecovery();
  }

  #awaitRecovery(): void {
    const cancel = this.#deps.clock.after(RECOVERY_MS, () => {
      this.#scope.signal.removeEventListener('abort', cancel);
      if (this.#failure === undefined) this.onChange(this.current, this.current);
      else this.#awaitRecovery();
    });
    if (this.#scope.signal.aborted) cancel();
    else this.#scope.signal.addEventListener('abort', cancel, { once: true });
  }
}
