import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { type Clock, Scope } from '@bombyx/base';
import { formatAddress, type RootConfig, rootReport } from '@bombyx/ton';
import { anyPolicy, type ConnectSecurity, createIdentity, fakeTdxPolicy } from '@bombyx/transport';
import type { Worker, WorkerDeps, WorkerEvents } from './api.ts';
import { Coefficients } from './coefficient.ts';
import { baseName, upstreamOrigin, type WorkerConfig } from './config.ts';
import { WorkerError } from './errors.ts';
import { Fleet } from './fleet.ts';
import type { WorkerIdentity } from './handshake.ts';
import { PaymentMemory } from './memory.ts';
import { type Pages, servePages } from './pages.ts';
import { Runner } from './runner.ts';
import { Session } from './session.ts';
import { describeConnections, describeProxies } from './snapshot.ts';
import { Stats } from './stats.ts';
import { UplinkMonitor } from './uplink.ts';
import { Upstream } from './upstream.ts';

/**
 * Connects to proxies and takes their requests to the inference server, until closed. Neither has to be up: both are
 * tried again for as long as the worker lives.
 * @throws {WorkerError} `WORKER_CONFIG`, `WORKER_MEMORY_FILE`
 */
export async function startWorker(config: WorkerConfig, deps: WorkerDeps): Promise<Worker> {
  judgeAgainstRoot(config, deps.root);
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
  const { clock, log, root } = deps;
  const origin = upstreamOrigin(config);
  const apiKey = config.upstream_api_key === '' ? undefined : config.upstream_api_key;
  const rules = { model: baseName(config.model_name), apiKey, refusedPaths: config.refused_paths };
  const checkProxyHashes = config.check_proxy_hashes || !config.is_test;
  const events = new EventEmitter<WorkerEvents>();
  const coefficients = new Coefficients(config.coefficient, clock);
  const stats = new Stats(clock);
  let switchedOn = true;
  let closing = false;
  let wasReady = false;

  const memory = scope.use(await PaymentMemory.open(config.data_dir, { clock, log }));
  const upstream = scope.use(new Upstream({ origin, connections: config.max_active_requests }));
  const runner = new Runner({ maxActive: config.max_active_requests }, { upstream, stats, clock, log });
  const security = await securityOf(config, clock); // the last wait: what follows refers to each other
  const isDisabled = () => closing || !switchedOn || !uplink.good;
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
  const identity = identityOf(config, checkProxyHashes);
  const sessionDeps = {
    identity,
    rules,
    root,
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
        candidates: root.registeredProxies.map((proxy) => proxy.workers),
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
  const network = { testnet: config.is_testnet };
  const rootDescription = rootReport(root, config.is_testnet);
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
      status: {
        wallet_balance: 0,
        actual_image_hash: config.image_hash === undefined || lists(root.workerHashes, config.image_hash),
        actual_model: root.modelHashes.some((hash) => hash.equals(modelHash(config.model_name))),
        ton_last_synced_at: 0,
        enabled: !isDisabled(),
        git_commit: '',
        git_commit_data: '',
      },
      stats: stats.snapshot(),
      localconfig: {
        root_address: formatAddress(config.root_contract_address, network),
        owner_address: formatAddress(config.owner_address, network),
        model: config.model_name,
        coefficient: coefficients.current,
        check_proxy_hash: checkProxyHashes,
      },
      root_contract_config: rootDescription,
      proxies: describeProxies(memory, root, config),
      uplink: { good: uplink.good, last_status: uplink.lastStatus },
      switched_on: switchedOn,
      jobs: { active: runner.active, max_active: runner.maxActive, errors: Object.fromEntries(stats.errors) },
      connections: describeConnections(fleet),
    }),
    setEnabled(enabled) {
      switchedOn = enabled;
      changed();
    },
    setCoefficient(coefficient) {
      coefficients.change(coefficient);
      for (const session of fleet.ready) session.tellCoefficient(coefficient);
    },
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
    const options = { host: config.http_host, port: config.http_port, accessHash: config.http_access_hash };
    pages = scope.use(await servePages(options, { worker, totals: () => stats.totals() }));
  }
  return worker;
}

function judgeAgainstRoot(config: WorkerConfig, root: RootConfig): void {
  const refuse = (text: string): never => {
    throw new WorkerError('WORKER_CONFIG', `worker configuration: ${text}`);
  };
  if (config.is_test !== root.isTest) {
    refuse(`"is_test" is ${config.is_test}, but the root contract is ${root.isTest ? '' : 'not '}a test network's`);
  }
  if (config.is_test && !config.check_proxy_hashes) return;
  if (config.image_hash === undefined || !lists(root.workerHashes, config.image_hash)) {
    refuse('"image_hash" is not among the worker hashes of the root contract');
  }
  if (!root.modelHashes.some((hash) => hash.equals(modelHash(config.model_name)))) {
    refuse('"model_name" is not among the models of the root contract');
  }
}

function identityOf(config: WorkerConfig, checkProxyHashes: boolean): WorkerIdentity {
  return {
    owner: config.owner_address,
    rootAddress: config.root_contract_address,
    model: config.model_name,
    isTest: config.is_test,
    isTestnet: config.is_testnet,
    proxyCount: Math.max(1, config.proxy_connections),
    maxActiveRequests: config.max_active_requests,
    checkProxyHashes,
    timeoutMs: config.handshake_timeout_ms,
  };
}

async function securityOf(config: WorkerConfig, clock: Clock): Promise<ConnectSecurity> {
  if (config.connect_to_proxy_via) return { kind: 'router', via: config.connect_to_proxy_via };
  return {
    kind: 'tls',
    identity: await createIdentity({ attestation: config.attestation, clock }),
    policy: config.proxy_policy === 'any' ? anyPolicy() : fakeTdxPolicy(),
    pow: { maxDifficulty: config.max_pow_difficulty },
  };
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

function lists(hashes: readonly Buffer[], wanted: Buffer): boolean {
  return hashes.some((hash) => hash.equals(wanted));
}

function modelHash(modelName: string): Buffer {
  return createHash('sha256').update(modelName).digest();
}
