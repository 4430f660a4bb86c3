/** The proxy put together: opens the database and the ports, closes them in reverse. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, type Logger, Scope } from '@bombyx/base';
import { type Chain, privateKeyFromSeed, type RootConfig } from '@bombyx/ton';
import {
  anyPolicy,
  type Connection,
  type ConnectionHandlers,
  createIdentity,
  fakeTdxPolicy,
  type ListenOptions,
  type ListenSecurity,
  listen,
  type PeerPolicy,
  type PeerRefusedError,
  type TlsIdentity,
} from '@bombyx/transport';
import { Bookkeeper } from './bookkeeper.ts';
import { clientSession } from './client-session.ts';
import type { ProxyConfig } from './config.ts';
import { type Core, createCore } from './core.ts';
import { failure, ProxyError } from './errors.ts';
import { type Pages, servePages } from './http.ts';
import { createMetrics } from './metrics.ts';
import type { SessionDeps } from './session.ts';
import { openSettlement, type SettlementDeps, type SettlementOptions } from './settlement/settlement.ts';
import type { ProxySnapshot } from './snapshot.ts';
import { workerSession } from './worker-session.ts';

export type ProxyDeps = CommonDeps &
  (
    | {
        /** State of the root contract in a network without TON. */
        readonly root: RootConfig;
        readonly chain?: undefined;
      }
    | {
        /** Where the root is read and money is settled. Stays the caller's. */
        readonly chain: Chain;
        readonly root?: undefined;
      }
  );

interface CommonDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** In place of the file under `db_path`; closed with the proxy. */
  readonly keeper?: Bookkeeper;
  /** Numbers in [0, 1); for tests that repeat themselves. */
  readonly random?: () => number;
  /** Needed for every attestation and policy but `none`, `any` and `fake_tdx`. */
  readonly security?: ProxySecurity | undefined;
}

/** Who this proxy is in TLS, and what it asks of the peers of each port. */
export interface ProxySecurity {
  readonly identity: TlsIdentity;
  readonly workers: PeerPolicy;
  readonly clients: PeerPolicy;
}

export interface Proxy extends AsyncDisposable {
  readonly clientPort: number;
  readonly workersPort: number;
  /** undefined without HTTP pages. */
  readonly httpPort: number | undefined;
  /** Contract address of this proxy, as peers see it. */
  readonly contract: string;
  snapshot(): ProxySnapshot;
  /** Settles what runs, closes ports and database. Idempotent. */
  close(): Promise<void>;
}

/** In the folder `db_path`. */
export const BOOKS_FILE = 'books.sqlite';
const HOUSEKEEPING_MS = 250;
/** Refused workers are told to the log no more often than this: strangers decide how many come. */
const REFUSAL_PERIOD_MS = 10_000;
/** Under load a commit waits so long for more charges; alone a charge does not wait. */
const GATHER_MS = 2;
const BUSY_REQUESTS = 8;

/**
 * With a chain: it has been read up to now when this returns. Deployment and the first commit may still be under way;
 * until then requests are refused, and {@link Proxy.snapshot} says why.
 * @throws {ProxyError} `PROXY_STORE`, `PROXY_PORT`, `PROXY_ROLLBACK`, `PROXY_NETWORK`
 * @throws {TonError} for a key that is none @throws {RootError} @throws {ChainError}
 */
export async function startProxy(config: ProxyConfig, deps: ProxyDeps): Promise<Proxy> {
  const scope = new Scope();
  try {
    return await open(config, deps, scope);
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function open(config: ProxyConfig, deps: ProxyDeps, scope: Scope): Promise<Proxy> {
  const { clock, log, chain, random = Math.random } = deps;
  let core: Core | undefined;
  const running = () => core?.sessions.dispatcher.size ?? 0;
  const withoutChain = chain === undefined;
  const keeper = scope.use(deps.keeper ?? openBooks(config, withoutChain, clock, running));
  const settle = async (chain: Chain) => {
    const hooks: Pick<SettlementDeps, 'registered' | 'changed' | 'running'> = {
      registered: (nonce, owner) => core?.registered(nonce, owner),
      changed: () => core?.follow(),
      running: (contract, owner) => core?.running(contract, owner) ?? 0,
    };
    const deps = { chain, bookkeeper: keeper, clock, log, random: { bytes: randomBytes }, ...hooks };
    return scope.use(await openSettlement(settlementOptions(config), deps));
  };
  const from = deps.chain ? await settle(deps.chain) : deps.root;
  const security = config.security === 'tls' ? (deps.security ?? (await plainSecurity(config, clock))) : undefined;
  core = createCore(config, { clock, log, from, keeper, random, workerPolicy: security?.workers });
  core.follow();
  const { sessions, management } = core;
  const { dispatcher, self } = sessions;
  const ports = listenSecurity(config, security);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const refused = ({ message }: PeerRefusedError, address: string) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - toldAtMs > REFUSAL_PERIOD_MS) {
      toldAtMs = nowMs;
      log.warn('a worker was not let in', { address, reason: message });
    }
    if (sessions.pool.links().next().done) self.refusedWorker = `the worker at ${address} was not let in: ${message}`;
  };

  const serve = async (
    port: number,
    security: ListenSecurity,
    maxConnections: number,
    session: OpenSession,
    onRefused?: ListenOptions['onRefused'],
  ) => {
    const options = { host: config.rpcHost, port, security, limits: { maxConnections }, onRefused };
    const listener = await listen(options, (peer) => session(peer, sessions), { clock, log }).catch(
      (cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new ProxyError('PROXY_PORT', `cannot listen on ${config.rpcHost}:${port}: ${why}`, { port }, { cause });
      },
    );
    scope.defer(() => listener.close());
    return listener.port;
  };
  const workersPort = await serve(
    config.workersPort,
    ports.workers,
    config.limits.workerConnections,
    workerSession,
    refused,
  );
  const clientPort = await serve(config.clientPort, ports.clients, config.limits.clientConnections, clientSession);
  scope.defer(() => dispatcher.stop(failure('proxy_closing', 'the proxy is closing')));
  scope.defer(every(HOUSEKEEPING_MS, clock, () => core.tick()));
  const pages = config.httpPort === undefined ? undefined : await openPages(config, config.httpPort, core);
  if (pages) scope.use(pages);

  log.info('the proxy is ready', { clientPort, workersPort, httpPort: pages?.port, contract: self.contract });
  const close = () => scope[Symbol.asyncDispose]();
  return {
    clientPort,
    workersPort,
    httpPort: pages?.port,
    get contract() {
      return self.contract;
    },
    snapshot: () => management.snapshot(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type OpenSession = (connection: Connection, deps: SessionDeps) => ConnectionHandlers;

function openBooks(config: ProxyConfig, withoutChain: boolean, clock: Clock, running: () => number): Bookkeeper {
  const path = join(config.dbPath, BOOKS_FILE);
  const gatherMs = () => (running() > BUSY_REQUESTS ? GATHER_MS : running() > 1 ? 0 : undefined);
  return new Bookkeeper({ path, key: config.machineKey, withoutChain, gatherMs }, { clock });
}

function settlementOptions(config: ProxyConfig): SettlementOptions {
  const { rootAddress, isTest, isTestnet: testnet, checkWorkerHashes, ownerAddress: owner, walletCode } = config;
  return {
    rootAddress,
    isTest,
    testnet,
    checkHashes: checkWorkerHashes,
    owner,
    machineKey: privateKeyFromSeed(config.machineKey),
    walletKey: privateKeyFromSeed(config.walletKey),
    walletCode,
    policy: config.settlement,
  };
}

function openPages(config: ProxyConfig, port: number, { management, sources }: Core): Promise<Pages> {
  const options = { host: config.httpHost, port, accessHash: config.accessHash };
  return servePages(options, { management, metrics: createMetrics(sources) });
}

/** Of a proxy on a desk, which needs nobody's help for it. @throws {ProxyError} `PROXY_CONFIG` for anything else */
async function plainSecurity({ attestation, ...config }: ProxyConfig, clock: Clock): Promise<ProxySecurity> {
  const { attestation: kind } = attestation;
  const policies = { any: anyPolicy, fake_tdx: fakeTdxPolicy };
  const policy = (name: string): PeerPolicy => {
    if (name === 'any' || name === 'fake_tdx') return policies[name]();
    throw new ProxyError('PROXY_CONFIG', `nobody was given to judge by the policy ${name}`);
  };
  if (kind !== 'none' && kind !== 'fake_tdx') {
    throw new ProxyError('PROXY_CONFIG', `nobody was given to make evidence of the kind ${kind}`);
  }
  const identity = await createIdentity({ attestation: kind, clock });
  return { identity, workers: policy(config.workerPolicy), clients: policy(config.clientPolicy) };
}

function listenSecurity(
  config: ProxyConfig,
  security: ProxySecurity | undefined,
): { workers: ListenSecurity; clients: ListenSecurity } {
  if (security === undefined) return { workers: { kind: 'router' }, clients: { kind: 'router' } };
  const { identity, workers, clients } = security;
  const common = { kind: 'tls', identity, pow: { difficulty: config.powDifficulty } } as const;
  return {
    workers: { ...common, policy: workers, peerRole: 'worker' },
    clients: { ...common, policy: clients, peerRole: 'client' },
  };
}

/** Calls `task` again and again. @returns what stops it */
function every(periodMs: number, clock: Clock, task: () => void): () => void {
  let stop = () => {};
  const again = () => {
    stop = clock.after(periodMs, () => {
      task();
      again();
    });
  };
  again();
  return () => stop();
}
