import { type Clock, silentLogger, systemClock } from '@bombyx/base';
import { type Bookkeeper, parseProxyConfig, type Proxy as RunningProxy, startProxy } from '@bombyx/proxy';
import { type ConfigFile, rootWith } from './configuration.ts';

export interface ProxyNodeOptions {
  /** Time as the proxy sees it. */
  readonly proxyClock?: Clock;
  /** Books in place of those in `db_path`; asked for at each start. */
  readonly keeper?: () => Bookkeeper;
}

/** A proxy that can be stopped and started again where it was. */
export class ProxyNode implements AsyncDisposable {
  readonly #file: ConfigFile;
  readonly #options: ProxyNodeOptions;
  #proxy: RunningProxy | undefined;
  #ports: { workers_rpc_port: number; client_rpc_port: number } | undefined;
  /** Started and not stopped. */
  running = false;

  constructor(file: ConfigFile, options: ProxyNodeOptions) {
    this.#file = file;
    this.#options = options;
  }

  get proxy(): RunningProxy {
    if (!this.#proxy) throw new TypeError('this proxy was never started');
    return this.#proxy;
  }

  /** Workers that take requests from it. */
  get offers(): number {
    return this.running ? this.proxy.snapshot().worker_connections.filter(({ enabled }) => enabled).length : 0;
  }

  async start(): Promise<void> {
    const config = parseProxyConfig({ ...this.#file, ...this.#ports });
    const { keeper, proxyClock: clock = systemClock } = this.#options;
    this.#proxy = await startProxy(config, {
      clock,
      log: silentLogger,
      root: rootWith([]),
      ...(keeper && { keeper: keeper() }),
    });
    this.#ports = { workers_rpc_port: this.#proxy.workersPort, client_rpc_port: this.#proxy.clientPort };
    this.running = true;
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.#proxy?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
