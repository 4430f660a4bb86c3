import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Scope } from '@bombyx/base';
import { type Chain, type RootConfig, RootSource } from '@bombyx/ton';
import { adopt, faultsOf } from './admission.ts';
import type { Worker, WorkerDeps, WorkerEvents } from './api.ts';
import { Coefficients } from './coefficient.ts';
import { baseName, upstreamOrigin, type WorkerConfig } from './config.ts';
import { WorkerError } from './errors.ts';
import { Fleet } from './fleet.ts';
import { identityOf, securityOf } from './identity.ts';
import { PaymentMemory } from './memory.ts';
import { Money } from './money/money.ts';
import { type Pages, servePages } from './pages.ts';
import { Runner } from './runner.ts';
import { Session } from './session.ts';
import { Describer } from './snapshot.ts';
import { checksHashes, whyNotAllowed } from './standing.ts';
import { Stats } from './stats.ts';
import { UplinkMonitor } from './uplink.ts';
import { Upstream } from './upstream.ts';

/**
 * Connects to proxies and takes their requests to the inference server, until closed. Neither has to be up: both are
 * tried again for as long as the worker lives. With a chain it reads the root contract first and goes on reading it, and
 * cashes what it earns; a chain that fails later is waited for.
 * @throws {WorkerError} `WORKER_CONFIG`, `WORKER_MEMORY_FILE`
 * @throws {RootError}, {TonError}, {ChainError} when the root contract cannot be read
 */
export async function startWorker(config: WorkerConfig, deps: WorkerDeps): Promise<Worker> {
  const scope = new Scope();
  try {
    const worker = await open(config, deps, scope);
    deps.log.info('worker started', { model: baseName(config.model_name), upstream: upstreamOrigin(config) });
    return worker;
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function open(config: WorkerConfig, deps: WorkerDeps, scope: Scope): Promise<Worker> {
  const { clock, log } = deps;
  const origin = upstreamOrigin(config);
  const apiKey = config.upstream_api_key === '' ? undefined : config.upstream_api_key;
  const rules = { model: baseName(config.model_name), apiKey, refusedPaths: config.refused_paths };
  const events = new EventEmitter<WorkerEvents>();
  const coefficients = new Coefficients(config.coefficient, clock);
  const stats = new Stats(clock);
  let switchedOn = true;
  let closing = false;
  let wasReady = false;

  const root = scope.use(await rootOf(config, deps));
  const memory = scope.use(await PaymentMemory.open(config.data_dir, { clock, log }));
  const money =
    deps.chain && scope.use(new Money(config, { chain: deps.chain, memory, root: () => root.current, clock, log }));
  const upstream = scope.use(new Upstream({ origin, connections: config.max_active_requests }));
  const runner = new Runner({ maxActive: config.max_active_requests }, { upstream, stats, clock, log });
  const security = await securityOf(config, deps.security, clock); // the last wait: what follows refers to each other
  const policy = security.kind === 'tls' ? security.policy : undefined;
  adopt(policy, config, root.current);
  let refusal = whyNotAllowed(config, root);
  const isDisabled = () => closing || !switchedOn || !uplink.good || refusal !== undefined;
  const isReady = () => !isDisabled() && fleet.ready.length > 0;
  const changed = () => {
    for (const session of fleet.ready) session.tellState();
    if (isReady() === wasReady) return;
    wasReady = !wasReady;
    events.emit(wasReady ? 'ready' : 'unready');
  };
  const uplink = scope.use(
    new UplinkMonitor(
      { origin, apiKey },
      {
        clock,
        log,
        onChange: (good) => {
          changed();
          events.emit('uplink', good);
        },
      },
    ),
  );
  const identity = identityOf(config);
  const sessionDeps = {
    identity,
    rules,
    root: () => root.current,
    memory,
    isDisabled,
    coefficients,
    runner,
    diary: deps.diary,
    clock,
    log,
  };
  const fleet = scope.use(
    new Fleet(
      {
        candidates: workersOf(root.current),
        count: config.proxy_connections,
        security,
        giveUpAfterMs: config.give_up_proxy_after_ms,
      },
      {
        clock,
        log,
        sessionFor: (connection) => new Session(connection, sessionDeps),
        onChange: changed,
        transport: deps.solver ? { solver: deps.solver } : undefined,
      },
    ),
  );
  root.onChange = (now, before) => {
    const was = refusal;
    refusal = whyNotAllowed(config, root);
    if (refusal !== undefined && refusal !== was) log.error('no requests are served', { why: refusal });
    if (refusal === undefined && was !== undefined) log.info('requests are served again');
    adopt(policy, config, now);
    fleet.update(workersOf(now));
    fleet.reconsider((peer) => faultsOf(peer, policy, config, now));
    if (now.paramsVersion !== before.paramsVersion) {
      log.info('the network has new parameters', { version: now.paramsVersion, before: before.paramsVersion });
      fleet.reconnect('the network has new parameters'); // they are part of every address
    }
    changed();
  };
  const describer = new Describer(config, { memory, fleet, money, root });
  let closed: Promise<void> | undefined;
  let pages: Pages | undefined;

  const worker: Worker = {
    events,
    get httpPort() {
      return pages?.port;
    },
    get ready() {
      return isReady();
    },
    whenReady: (signal) => whenReady(worker, signal),
    snapshot: () => ({
      ...describer.describe(coefficients.current, !isDisabled(), refusal),
      stats: stats.snapshot(),
      uplink: { good: uplink.good, last_status: uplink.lastStatus },
      switched_on: switchedOn,
      jobs: { active: runner.active, max_active: runner.maxActive, errors: Object.fromEntries(stats.errors) },
    }),
    setEnabled(enabled) {
      switchedOn = enabled;
      changed();
    },
    setCoefficient(coefficient) {
      coefficients.change(coefficient);
      for (const session of fleet.ready) session.tellCoefficient(coefficient);
    },
    payOut: money && ((proxy) => money.payOut(proxy)),
    close() {
      closed ??= (async () => {
        closing = true;
        changed();
        await runner.close(config.shutdown_grace_ms);
        await scope[Symbol.asyncDispose]();
      })();
      return closed;
    },
    [Symbol.asyncDispose]: () => worker.close(),
  };
  if (config.http_port > 0) {
    const { http_host: host, http_port: port, http_access_hash: accessHash, attestation } = config;
    const options = { host, port, accessHash, attestation };
    pages = scope.use(await servePages(options, { worker, totals: () => stats.totals(), clock }));
  }
  return worker;
}

async function rootOf(config: WorkerConfig, deps: WorkerDeps): Promise<RootSource> {
  const { clock, log } = deps;
  const root = deps.chain ? await watchedRoot(config, { chain: deps.chain, clock, log }) : RootSource.fixed(deps.root);
  const refusal = whyNotAllowed(config, root);
  if (refusal === undefined) return root;
  await root[Symbol.asyncDispose]();
  throw new WorkerError('WORKER_CONFIG', `worker configuration: ${refusal}`);
}

function watchedRoot(config: WorkerConfig, deps: Pick<WorkerDeps, 'clock' | 'log'> & { readonly chain: Chain }) {
  const { root_contract_address: address, is_test: isTest } = config;
  const random = { bytes: (size: number) => randomBytes(size) };
  return RootSource.watched({ address, isTest, checksHashes: checksHashes(config) }, { ...deps, random });
}

function workersOf(root: RootConfig) {
  return root.registeredProxies.map((proxy) => proxy.workers);
}

async function whenReady({ ready, events }: Worker, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (ready) return;
  await new Promise<void>((resolve, reject) => {
    const done = () => {
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    const leave = () => {
      events.off('ready', done);
      reject(signal?.reason);
    };
    events.once('ready', done);
    signal?.addEventListener('abort', leave, { once: true });
  });
}
