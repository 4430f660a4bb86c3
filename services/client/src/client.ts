import { randomBytes } from 'node:crypto';
import { type Clock, type Logger, type Random, RandomPool } from '@bombyx/base';
import {
  type Endpoint,
  formatAddress,
  privateKeyFromSeed,
  publicKeyBytes,
  publicKeyFromBytes,
  type RootConfig,
  RootSource,
  walletAddress,
} from '@bombyx/ton';
import { type Connection, keepConnected, type PeerPolicy, reconsider } from '@bombyx/transport';
import type {
  AnswerSink,
  Client,
  ClientDeps,
  ClientRequest,
  ClientSnapshot,
  ManagementActions,
  ModelInfo,
  ProxyProof,
  RunningRequest,
} from './api.ts';
import type { ClientConfig } from './config.ts';
import { ClientError, refusalOf } from './errors.ts';
import { type Agreement, handshake, type Introduction } from './handshake.ts';
import { Models } from './models.ts';
import type { Keeper } from './money/keeper.ts';
import { managementOf } from './money/management.ts';
import { Money } from './money/money.ts';
import { PaymentBook } from './payments.ts';
import { Pool } from './pool.ts';
import { proofsOf } from './proofs.ts';
import { Requests } from './requests.ts';
import { Secrets } from './secret.ts';
import { adopt, checksHashes, faultsOf, securityOf } from './security.ts';
import { type Account, Session } from './session.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Keep, Target } from './target.ts';
import { UsageAudit } from './usage-audit.ts';

const DEFAULT_PROXIES = 2;
/** Accounts at proxies met so far; the one not used for longest goes first. */
const MAX_ACCOUNTS = 256;
const REQUEST_ID_BYTES = 32;
/** Errors that count against the proxy they came from. */
const PROXY_FAILURES: ReadonlySet<string> = new Set([
  'CLIENT_PROXY_LOST',
  'CLIENT_PROTOCOL',
  'CLIENT_NOT_READY',
  'CLIENT_TIMEOUT',
]);

/**
 * Starts a client: it connects in the background and takes requests at once, refusing them until a proxy is ready. With a
 * chain it reads the root contract first and goes on reading it, and pays for what it uses; a chain that fails later is
 * waited for. The chain stays the caller's, who closes it after the client.
 * @throws {ClientError} `CLIENT_CONFIG` when an address or key does not parse, configuration and root contract differ in
 *   `is_test`, or with TON `data_dir` is missing
 * @throws {RootError}, {TonError}, {ChainError} when the root contract cannot be read
 */
export async function createClient(config: ClientConfig, deps: ClientDeps): Promise<Client> {
  const security = await securityOf(config, deps.security, deps.clock);
  const timeoutMs = config.connect_timeout_ms;
  const keep: Keep = (endpoint, handlersFor, serve) =>
    keepConnected({ ...endpoint, security, timeoutMs, handlersFor }, serve, { clock: deps.clock, log: deps.log });
  return openClient(config, { ...deps, policy: security.kind === 'tls' ? security.policy : undefined }, keep);
}

/** @param keep how connections are made; tests pass their own @param deps.policy what proxies are judged by meanwhile */
export async function openClient(
  config: ClientConfig,
  deps: ClientDeps & { readonly policy?: PeerPolicy | undefined },
  keep: Keep,
): Promise<ProxyClient> {
  const { clock, log, chain } = deps;
  const random = deps.random ?? { bytes: (size: number) => randomBytes(size) };
  if (chain === undefined) return new ProxyClient(config, { ...deps, random, root: RootSource.fixed(deps.root) }, keep);
  const where = { address: config.root_contract_address, isTest: config.is_test, checksHashes: checksHashes(config) };
  const root = await RootSource.watched(where, { chain, clock, log, random });
  try {
    const money = new Money(config, { chain, root, clock, log, random });
    return new ProxyClient(config, { ...deps, random, root, money }, keep);
  } catch (error) {
    await root[Symbol.asyncDispose]();
    throw error;
  }
}

interface Parts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** These two are the client's to close. */
  readonly root: RootSource;
  readonly money?: Money;
  readonly diary?: ClientDeps['diary'];
  readonly policy?: PeerPolicy | undefined;
}

/** The composition of the parts; how it works is in them. */
export class ProxyClient implements Client {
  readonly management: ManagementActions | undefined;
  readonly #config: ClientConfig;
  readonly #parts: Parts;
  readonly #random: RandomPool;
  readonly #introduce: () => Introduction;
  /** Without TON; with it the money keeps them. */
  readonly #accounts = new Map<string, Account>();
  readonly #pool: Pool;
  readonly #requests: Requests;
  readonly #models: Models;
  #closing: Promise<void> | undefined;

  /** @param keep how connections are made */
  constructor(config: ClientConfig, parts: Parts, keep: Keep) {
    const { clock, log, root, money } = parts;
    this.#config = config;
    this.#parts = parts;
    this.#random = new RandomPool(parts.random);
    this.#introduce = introducer(config, parts);
    adopt(parts.policy, config, root.current);
    this.#pool = new Pool(
      {
        endpoints: clientsOf(root.current),
        connections: config.proxy_connections ?? DEFAULT_PROXIES,
        giveUpAfterMs: config.give_up_proxy_after_ms,
      },
      {
        clock,
        log,
        keep,
        random: () => this.#random.fraction(),
        shake: (connection, signal) => this.#shake(connection, signal),
        open: (target, connection, agreement) => this.#open(target, connection, agreement),
      },
    );
    this.#requests = new Requests(
      {
        windowBytes: config.window_bytes,
        maxRunning: config.max_running_requests,
        waitForProxyMs: config.wait_for_proxy_ms,
        maxWaiting: config.max_waiting_requests,
      },
      {
        clock,
        newRequestId: () => this.#random.bytes(REQUEST_ID_BYTES),
        proxies: this.#pool,
        diary: parts.diary,
        prices: () => root.current,
        refusal: () => refusalOf(root),
        worded: (error) => this.#worded(error),
      },
    );
    this.#models = new Models(
      { timeoutMs: config.models_timeout_ms },
      { clock, sessions: () => this.#pool.sessions(), refusal: () => this.#pool.unproven },
    );
    this.management = money && managementOf(money, () => this.#pool.wake());
    root.onChange = (now, before) => this.#rootChanged(now, before);
  }

  get ready(): boolean {
    return this.#pool.ready;
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    return this.#pool.whenReady(signal);
  }

  run(request: ClientRequest, sink: AnswerSink): RunningRequest {
    return this.#requests.start(request, sink);
  }

  mostCost(request: ClientRequest): bigint {
    return this.#requests.mostCost(request);
  }

  models(): Promise<ModelInfo[]> {
    return this.#models.list();
  }

  proofs(evidence?: Buffer): Promise<ProxyProof[]> {
    return proofsOf(this.#pool.sessions(), evidence, this.#config.models_timeout_ms);
  }

  snapshot(): ClientSnapshot {
    const { money, root } = this.#parts;
    const { rootAddress, testnet, wallet, checkProxyHashes } = this.#introduce();
    return takeSnapshot({
      root: root.current,
      testnet,
      checkProxyHashes,
      rootAddress: formatAddress(rootAddress, { testnet }),
      ownerAddress: formatAddress(this.#config.owner_address, { testnet }),
      walletAddress: formatAddress(wallet, { testnet }),
      requests: this.#requests,
      targets: this.#pool.targets,
      accounts: money ? money.keepers.map((keeper) => accountOf(keeper, testnet)) : [...this.#accounts.values()],
      money,
      problem: this.#pool.unproven?.message,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { money, root } = this.#parts;
    this.#requests[Symbol.dispose](); // first: the proxies are told to stop what runs
    await this.#pool[Symbol.asyncDispose]();
    await money?.[Symbol.asyncDispose]();
    await root[Symbol.asyncDispose]();
  }

  async #shake(connection: Connection, signal: AbortSignal): Promise<Agreement> {
    const introduction = this.#introduce();
    const agreement = await handshake(connection, introduction, signal);
    if (this.#parts.root.current.version === introduction.root.version) return agreement;
    throw new ClientError('CLIENT_HANDSHAKE', 'the root contract has changed meanwhile');
  }

  #open(target: Target, connection: Connection, agreement: Agreement): Session {
    const { clock, log, root } = this.#parts;
    const session = new Session(connection, agreement.protoVersion, this.#account(agreement), {
      clock,
      log: log.child({ proxy: target.id }),
      random: () => this.#random.fraction(),
      minConfigVersion: () => root.current.version,
      windowBytes: this.#config.window_bytes,
      failed: (error, run) => {
        if (PROXY_FAILURES.has(error.code)) target.failed();
        if (error.code === 'CLIENT_UNKNOWN_MODEL' || error.code === 'CLIENT_NO_WORKER') target.lacks(run.request.model);
      },
      worded: (error) => (error.code === 'CLIENT_BALANCE' ? this.#worded(error) : error),
    });
    for (const claim of agreement.claims) session.learn(claim);
    return session;
  }

  /** What is known of a proxy contract survives its connections: totals never go down. */
  #account(agreement: Agreement): Account {
    const { money } = this.#parts;
    if (money) return accountOf(money.keeperOf(agreement.keys), this.#config.is_testnet);
    const { proxyContract, clientContract, proxyPublicKey, keys } = agreement;
    const known = this.#accounts.get(proxyContract);
    const account: Account = known ?? {
      proxyContract,
      clientContract,
      proxyPublicKey,
      book: new PaymentBook(keys.contract, publicKeyFromBytes(proxyPublicKey)),
      audit: new UsageAudit(),
      keeper: undefined,
    };
    this.#accounts.delete(proxyContract); // and in again, as the latest
    this.#accounts.set(proxyContract, account);
    if (this.#accounts.size > MAX_ACCOUNTS) this.#accounts.delete(this.#accounts.keys().next().value!);
    return account;
  }

  /** Whoever is refused for want of coins is told how much to send where. */
  #worded(error: ClientError): ClientError {
    const lack = this.#parts.money?.lack;
    if (lack === undefined) return error;
    return new ClientError('CLIENT_BALANCE', `${lack} (${error.message})`, { cocoonCode: error.cocoonCode });
  }

  #rootChanged(now: RootConfig, before: RootConfig): void {
    const { log, policy } = this.#parts;
    adopt(policy, this.#config, now);
    this.#pool.register(clientsOf(now));
    const connections = this.#pool.sessions().map(({ connection }) => connection);
    reconsider(connections, (peer) => faultsOf(peer, policy, this.#config, now), log);
    if (now.paramsVersion === before.paramsVersion) return;
    log.info('the network has new parameters', { version: now.paramsVersion, before: before.paramsVersion });
    this.#pool.reconnect('the network has new parameters'); // they are part of every address
  }
}

function clientsOf(root: RootConfig): readonly Endpoint[] {
  return root.registeredProxies.map(({ clients }) => clients);
}

function accountOf(keeper: Keeper, testnet: boolean): Account {
  const { book, audit, record, proxyText } = keeper;
  const { proxyPublicKey, contract } = record;
  return {
    proxyContract: proxyText,
    clientContract: formatAddress(contract, { testnet }),
    proxyPublicKey,
    book,
    audit,
    keeper,
  };
}

/** @returns who we are, and what we compare proxies with at that moment */
function introducer(config: ClientConfig, { log, root, money, random }: Parts): () => Introduction {
  const { isTest } = root.current;
  if (config.is_test !== isTest) {
    throw new ClientError('CLIENT_CONFIG', `is_test is ${config.is_test} here and ${isTest} in the root contract`);
  }
  if (config.secret_string === '' && !money) log.info('no secret_string: a random secret is used until the next start');
  const publicKey = publicKeyBytes(privateKeyFromSeed(config.node_wallet_key));
  const rest = {
    wallet: money?.purse.address ?? walletAddress({ publicKey, owner: config.owner_address }),
    rootAddress: config.root_contract_address,
    testnet: config.is_testnet,
    checkProxyHashes: checksHashes(config),
    secrets: money?.secrets ?? new Secrets(config.secret_string, random.bytes(32)),
    timeouts: { connectMs: config.handshake_timeout_ms, authorizeMs: config.authorize_timeout_ms },
    ...(money ? { register: money.register.bind(money) } : {}),
  };
  return () => ({ ...rest, root: root.current });
}
