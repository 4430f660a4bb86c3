/** The root configuration a client goes by: that of a file, or that of the chain as it changes. */
import { BombyxError, type Clock, type Logger, type Random } from '@bombyx/base';
import { type Address, type Chain, type RootConfig, type RootWatch, watchRoot } from '@bombyx/ton';
import { ClientError } from './errors.ts';

export interface RootSourceOptions {
  readonly address: Address;
  readonly isTest: boolean;
  /** The lists of the root decide which proxies may be used: they may not be old. */
  readonly checksHashes: boolean;
}

export class RootSource implements AsyncDisposable {
  readonly #checksHashes: boolean;
  #fixed: RootConfig | undefined;
  #watch: RootWatch | undefined;
  /** Called for each new version. */
  onChange: (root: RootConfig, before: RootConfig) => void = () => {};

  private constructor({ checksHashes }: Pick<RootSourceOptions, 'checksHashes'>) {
    this.#checksHashes = checksHashes;
  }

  static fixed(root: RootConfig): RootSource {
    const source = new RootSource({ checksHashes: false });
    source.#fixed = root;
    return source;
  }

  /** @throws {RootError}, {TonError}, {ChainError} when there is no root to begin with */
  static async watched(
    options: RootSourceOptions,
    deps: { readonly chain: Chain; readonly clock: Clock; readonly random: Random; readonly log: Logger },
  ): Promise<RootSource> {
    const source = new RootSource(options);
    source.#watch = await watchRoot(
      { address: options.address, isTest: options.isTest },
      {
        ...deps,
        changed: (root, before) => source.onChange(root, before),
        failed: ({ code, message }) =>
          deps.log.error('the root configuration cannot be used', { code, cause: message }),
      },
    );
    return source;
  }

  /** As it was read last, however old that is: {@link refusal} says whether it still counts. */
  get current(): RootConfig {
    const root = this.#watch?.last ?? this.#fixed;
    if (root === undefined) throw new TypeError('a source without a root');
    return root;
  }

  /** Seconds since the chain confirmed it; undefined without one. */
  get ageSec(): number | undefined {
    return this.#watch?.ageSec;
  }

  /** Why no request may be sent and no coin paid in. Prices may be old where no list is checked; a wrong root never counts. */
  get refusal(): ClientError | undefined {
    try {
      void this.#watch?.current;
      return undefined;
    } catch (error) {
      if (!(error instanceof BombyxError)) throw error;
      if (error.code === 'ROOT_STALE' && !this.#checksHashes) return undefined;
      return new ClientError('CLIENT_NOT_READY', error.message, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }
}
