/**
 * A whole network in one process: gateway → client → proxies → workers → inference servers, over real sockets of the
 * loopback interface with proof of work and mutual TLS. Every connection to a proxy runs over its own {@link Cable}.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope, silentLogger, systemClock } from '@bombyx/base';
import { type Client, createClient, parseClientConfig } from '@bombyx/client';
import { startGateway } from '@bombyx/gateway';
import type { Proxy as RunningProxy } from '@bombyx/proxy';
import { parseWorkerConfig, startWorker, type Worker } from '@bombyx/worker';
import OpenAI, { type ClientOptions } from 'openai';
import { type Backend, startBackend } from './backend.ts';
import { Cable } from './cable.ts';
import { anyAddress, type ConfigFile, clientFile, proxyFile, rootWith, workerFile } from './configuration.ts';
import { ProxyNode, type ProxyNodeOptions } from './proxy-node.ts';
import { until } from './until.ts';

export const MODEL = 'test-model';

export interface NetworkOptions extends ProxyNodeOptions {
  /** Each with an inference server of its own; by default one at coefficient 1000. */
  readonly workers?: readonly WorkerSpec[];
  /** Every worker and the client connect to all of them; default 1. */
  readonly proxies?: number;
  /** More members of the proxies' configuration files. */
  readonly proxyConfig?: ConfigFile;
}

export interface WorkerSpec {
  readonly model?: string;
  /** Price in thousandths; default 1000. */
  readonly coefficient?: number;
}

export interface WorkerNode {
  readonly worker: Worker;
  readonly backend: Backend;
  /** One to each proxy. */
  readonly cables: readonly Cable[];
}

/** What the proxies have counted, in adjusted tokens. */
export interface Billed {
  readonly used: number;
  readonly earned: number;
}

const logs = { clock: systemClock, log: silentLogger };

export class Network implements AsyncDisposable {
  readonly workers: readonly WorkerNode[];
  readonly client: Client;
  /** From the client to each proxy. */
  readonly cables: readonly Cable[];
  readonly baseUrl: string;
  readonly #proxies: ProxyNode[];
  readonly #scope: Scope;

  private constructor(
    proxies: ProxyNode[],
    workers: readonly WorkerNode[],
    client: Client,
    cables: readonly Cable[],
    baseUrl: string,
    scope: Scope,
  ) {
    this.#proxies = proxies;
    this.workers = workers;
    this.client = client;
    this.cables = cables;
    this.baseUrl = baseUrl;
    this.#scope = scope;
  }

  /** Resolves when every part is connected to every other and ready for requests. */
  static async start(options: NetworkOptions = {}): Promise<Network> {
    const scope = new Scope();
    try {
      const folder = await mkdtemp(join(tmpdir(), 'bombyx-e2e-'));
      scope.defer(() => rm(folder, { recursive: true, force: true }));
      const rootAddress = anyAddress();
      const proxies: ProxyNode[] = [];
      for (let at = 0; at < (options.proxies ?? 1); at += 1) {
        const file = proxyFile(rootAddress, join(folder, `proxy-${at}`));
        const node = scope.use(new ProxyNode({ ...file, ...options.proxyConfig }, options));
        await node.start();
        proxies.push(node);
      }
      const workers = await Promise.all(
        (options.workers ?? [{}]).map((spec) => joinWorker(spec, rootAddress, proxies, scope)),
      );
      const cables = await cablesTo(proxies, 'clientPort', scope);
      const config = parseClientConfig(clientFile(rootAddress, proxies.length));
      const client = scope.use(await createClient(config, { ...logs, root: rootWith(cables) }));
      const gateway = scope.use(await startGateway({ port: 0 }, { ...logs, client }));
      const baseUrl = `http://127.0.0.1:${gateway.port}/v1`;
      const network = new Network(proxies, workers, client, cables, baseUrl, scope);
      await network.whenReady();
      return network;
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  get proxies(): readonly RunningProxy[] {
    return this.#proxies.map(({ proxy }) => proxy);
  }

  get proxy(): RunningProxy {
    return this.proxies[0]!;
  }

  get backend(): Backend {
    return this.workers[0]!.backend;
  }

  /** The official package. It gives up at the first error unless told otherwise. */
  openai(options: ClientOptions = {}): OpenAI {
    return new OpenAI({ baseURL: this.baseUrl, apiKey: 'sk-stays-at-the-gateway', maxRetries: 0, ...options });
  }

  /** Closes a proxy as its operator would. */
  stopProxy(at = 0): Promise<void> {
    return this.#proxies[at]!.stop();
  }

  /** Starts it again, on the same ports and the same database. */
  async restartProxy(at = 0): Promise<void> {
    await this.#proxies[at]!.start();
  }

  /** Every part that runs sees every other, enabled. */
  async whenReady(): Promise<void> {
    const running = this.#proxies.filter(({ running }) => running).length;
    await until('the network is ready', () => {
      const reached = this.client.snapshot().proxy_connections.filter((connection) => connection.is_ready).length;
      const offered = this.#proxies.filter((proxy) => proxy.offers === this.workers.length).length;
      return reached === running && offered === running;
    });
  }

  billed(): Billed {
    const sum = (of: (proxy: RunningProxy) => readonly number[]) =>
      this.proxies.flatMap(of).reduce((total, each) => total + each, 0);
    return {
      used: sum((proxy) => proxy.snapshot().clients.map(({ used_tokens }) => used_tokens)),
      earned: sum((proxy) => proxy.snapshot().workers.map(({ earned_tokens }) => earned_tokens)),
    };
  }

  /** Waits until nothing is under way anywhere. @throws {AssertionError} that names what is left over */
  async settled(): Promise<void> {
    const left = () => Object.entries(this.#underWay()).filter(([, count]) => count !== 0);
    await until('nothing is left over', () => left().length === 0).catch(() => assert.deepEqual(left(), []));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #underWay(): Record<string, number> {
    const counts: Record<string, number> = { 'client running': this.client.snapshot().requests.running };
    for (const [at, { worker, backend }] of this.workers.entries()) {
      counts[`worker ${at} jobs`] = worker.snapshot().jobs.active;
      counts[`backend ${at} answers`] = backend.running();
    }
    for (const [at, node] of this.#proxies.entries()) {
      if (!node.running) continue;
      const snapshot = node.proxy.snapshot();
      counts[`proxy ${at} running`] = snapshot.running;
      counts[`proxy ${at} buffered bytes`] = snapshot.buffered_bytes;
      for (const { waiting } of snapshot.queue) counts[`proxy ${at} queue`] = waiting;
      for (const client of snapshot.clients) {
        counts[`proxy ${at} reserved tokens`] = client.reserved_tokens;
        counts[`proxy ${at} client queries`] = client.running_queries;
      }
      for (const [w, worker] of snapshot.workers.entries())
        counts[`proxy ${at} worker ${w} queries`] = worker.running_queries;
      for (const [c, connection] of snapshot.worker_connections.entries())
        counts[`proxy ${at} connection ${c} queries`] = connection.running_queries;
    }
    return counts;
  }
}

async function joinWorker(
  { model = MODEL, coefficient = 1_000 }: WorkerSpec,
  rootAddress: string,
  proxies: readonly ProxyNode[],
  scope: Scope,
): Promise<WorkerNode> {
  const backend = scope.use(await startBackend(model));
  const cables = await cablesTo(proxies, 'workersPort', scope);
  const shape = { model, coefficient, proxies: proxies.length, backendPort: backend.port };
  const config = parseWorkerConfig(workerFile(rootAddress, shape));
  const worker = scope.use(await startWorker(config, { ...logs, root: rootWith(cables) }));
  return { worker, backend, cables };
}

async function cablesTo(proxies: readonly ProxyNode[], end: 'workersPort' | 'clientPort', scope: Scope) {
  const cables: Cable[] = [];
  for (const { proxy } of proxies) cables.push(scope.use(await Cable.to(proxy[end])));
  return cables;
}
