/** The root configuration a node goes by: that of a file, or that of the chain as it changes. */
import type { BombyxError } from '@bombyx/base';
import type { RootConfig } from './root-config.ts';
import { type RootWatch, type RootWatchDeps, type RootWatchOptions, watchRoot } from './root-watch.ts';

export interface RootSourceOptions extends Pick<RootWatchOptions, 'address' | 'isTest'> {
  /** The lists of the root decide whom this node works with: they may not be old. */
  readonly checksHashes: boolean;
}

export class RootSource implements AsyncDisposable {
  readonly #fixed: RootConfig | undefined;
  readonly #checksHashes: boolean;
  #watch: RootWatch | undefined;
  /** Called for each new version, and with the same one twice when {@link failure} may have changed. */
  onChange: (root: RootConfig, before: RootConfig) => void = () => {};

  private constructor(fixed: RootConfig | undefined, checksHashes: boolean) {
    this.#fixed = fixed;
    this.#checksHashes = checksHashes;
  }

  static fixed(root: RootConfig): RootSource {
    return new RootSource(root, false);
  }

  /** @throws {RootError}, {TonError}, {ChainError} when there is no root to begin with; the reason of `signal` */
  static async watched(
    { checksHashes, ...options }: RootSourceOptions,
    deps: Pick<RootWatchDeps, 'chain' | 'clock' | 'random' | 'log'>,
    signal?: AbortSignal,
  ): Promise<RootSource> {
    const source = new RootSource(undefined, checksHashes);
    const again = () => source.onChange(source.current, source.current);
    const watchDeps: RootWatchDeps = {
      ...deps,
      changed: (root, before) => source.onChange(root, before),
      failed: ({ code, message }) => {
        deps.log.error('the root configuration cannot be used', { code, cause: message });
        again();
      },
      recovered: again,
    };
    source.#watch = await watchRoot(options, watchDeps, signal);
    return source;
  }

  /** As it was read last, however old that is: {@link failure} says whether it still counts. */
  get current(): RootConfig {
    const root = this.#watch?.last ?? this.#fixed;
    if (root === undefined) throw new TypeError('a source without a root');
    return root;
  }

  /** Why no work may be done and no coin paid under it. Prices may be old where no list is checked; a wrong root never counts. */
  get failure(): BombyxError | undefined {
    const failure = this.#watch?.failure;
    return failure?.code === 'ROOT_STALE' && !this.#checksHashes ? undefined : failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }
}
