import { randomBytes } from 'node:crypto';
import { type Random, RandomPool } from '@bombyx/base';
import { formatAddress, privateKeyFromSeed, publicKeyBytes, publicKeyFromBytes, walletAddress } from '@bombyx/ton';
import {
  anyPolicy,
  type Connection,
  type ConnectOptions,
  createIdentity,
  fakeTdxPolicy,
  keepConnected,
} from '@bombyx/transport';
import type {
  AnswerSink,
  Client,
  ClientDeps,
  ClientRequest,
  ClientSnapshot,
  ModelInfo,
  RunningRequest,
} from './api.ts';
import type { ClientConfig } from './config.ts';
import { ClientError } from './errors.ts';
import { type Agreement, handshake, type Introduction } from './handshake.ts';
import { Models } from './models.ts';
import { PaymentBook } from './payments.ts';
import { Pool } from './pool.ts';
import { Requests } from './requests.ts';
import { Secrets } from './secret.ts';
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
 * Starts a client: it connects in the background and takes requests at once, refusing them until a proxy is ready.
 * @throws {ClientError} `CLIENT_CONFIG` when an address or key does not parse, or configuration and root contract
 *   differ in `is_test`
 */
export async function createClient(config: ClientConfig, deps: ClientDeps): Promise<Client> {
  return new ProxyClient(config, deps, await connector(config, deps));
}

/** How connections are made: by a router on this machine if one is configured, else by our own proof of work and TLS. */
async function connector(config: ClientConfig, { clock, log }: ClientDeps): Promise<Keep> {
  const security: ConnectOptions['security'] =
    config.connect_to_proxy_via === undefined
      ? {
          kind: 'tls',
          identity: await createIdentity({ clock }),
          policy: config.proxy_policy === 'fake_tdx' ? fakeTdxPolicy() : anyPolicy(),
          pow: { maxDifficulty: config.max_pow_difficulty },
        }
      : { kind: 'router', via: config.connect_to_proxy_via };
  const timeoutMs = config.connect_timeout_ms;
  return (endpoint, handlersFor, serve) =>
    keepConnected({ ...endpoint, security, timeoutMs, handlersFor }, serve, { clock, log });
}

/** The composition of the parts; how it works is in them. */
export class ProxyClient implements Client {
  readonly #config: ClientConfig;
  readonly #deps: ClientDeps;
  readonly #intro: Introduction;
  readonly #random: RandomPool;
  readonly #accounts = new Map<string, Account>();
  readonly #pool: Pool;
  readonly #requests: Requests;
  readonly #models: Models;
  #closing: Promise<void> | undefined;

  /** @param keep how connections are made; tests pass their own */
  constructor(config: ClientConfig, deps: ClientDeps, keep: Keep) {
    const { clock, log, root } = deps;
    this.#config = config;
    this.#deps = deps;
    const random = deps.random ?? { bytes: (size: number) => randomBytes(size) };
    this.#random = new RandomPool(random);
    this.#intro = introduce(config, deps, random);
    const endpoints = root.registeredProxies.map(({ clients }) => clients);
    this.#pool = new Pool(
      {
        endpoints,
        connections: config.proxy_connections ?? DEFAULT_PROXIES,
        giveUpAfterMs: config.give_up_proxy_after_ms,
      },
      {
        clock,
        log,
        keep,
        random: () => this.#random.fraction(),
        shake: (connection, signal) => handshake(connection, this.#intro, signal),
        open: (target, connection, agreement) => this.#open(target, connection, agreement),
      },
    );
    this.#requests = new Requests(
      {
        windowBytes: config.window_bytes,
        maxRunning: config.max_running_requests,
        waitForProxyMs: config.wait_for_proxy_ms,
        maxWaiting: config.max_waiting_requests,
        multipliers: root.multipliers,
        pricePerToken: root.pricePerToken,
      },
      {
        clock,
        newRequestId: () => this.#random.bytes(REQUEST_ID_BYTES),
        proxies: this.#pool,
        diary: deps.diary,
      },
    );
    this.#models = new Models(
      { timeoutMs: config.models_timeout_ms },
      { clock, sessions: () => this.#pool.sessions() },
    );
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

  snapshot(): ClientSnapshot {
    const { root, rootAddress, testnet, wallet, checkProxyHashes } = this.#intro;
    return takeSnapshot({
      root,
      testnet,
      checkProxyHashes,
      rootAddress: formatAddress(rootAddress, { testnet }),
      ownerAddress: formatAddress(this.#config.owner_address, { testnet }),
      walletAddress: formatAddress(wallet, { testnet }),
      requests: this.#requests,
      targets: this.#pool.targets,
      accounts: [...this.#accounts.values()],
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#requests[Symbol.dispose](); // first: the proxies are told to stop what runs
    await this.#pool[Symbol.asyncDispose]();
  }

  #open(target: Target, connection: Connection, agreement: Agreement): Session {
    const { clock, log, root } = this.#deps;
    const session = new Session(connection, agreement.protoVersion, this.#account(agreement), {
      clock,
      log: log.child({ proxy: target.id }),
      random: () => this.#random.fraction(),
      minConfigVersion: root.version,
      windowBytes: this.#config.window_bytes,
      failed: (error, run) => {
        if (PROXY_FAILURES.has(error.code)) target.failed();
        if (error.code === 'CLIENT_UNKNOWN_MODEL' || error.code === 'CLIENT_NO_WORKER') target.lacks(run.request.model);
      },
    });
    for (const claim of agreement.claims) session.learn(claim);
    return session;
  }

  /** What is known of a proxy contract survives its connections: totals never go down. */
  #account({ proxyContract, clientContract, clientContractAddress, proxyPublicKey }: Agreement): Account {
    const known = this.#accounts.get(proxyContract);
    const account: Account = known ?? {
      proxyContract,
      clientContract,
      proxyPublicKey,
      book: new PaymentBook(clientContractAddress, publicKeyFromBytes(proxyPublicKey)),
      audit: new UsageAudit(),
    };
    this.#accounts.delete(proxyContract); // and in again, as the latest
    this.#accounts.set(proxyContract, account);
    if (this.#accounts.size > MAX_ACCOUNTS) this.#accounts.delete(this.#accounts.keys().next().value!);
    return account;
  }
}

function introduce(config: ClientConfig, { log, root }: ClientDeps, random: Random): Introduction {
  if (config.is_test !== root.isTest) {
    throw new ClientError('CLIENT_CONFIG', `is_test is ${config.is_test} here and ${root.isTest} in the root contract`);
  }
  if (config.secret_string === '') log.info('no secret_string: a random secret is used until the next start');
  const publicKey = publicKeyBytes(privateKeyFromSeed(config.node_wallet_key));
  return {
    wallet: walletAddress({ publicKey, owner: config.owner_address }),
    root,
    rootAddress: config.root_contract_address,
    testnet: config.is_testnet,
    checkProxyHashes: config.check_proxy_hashes || !config.is_test,
    secrets: new Secrets(config.secret_string, random.bytes(32)),
    timeouts: { connectMs: config.handshake_timeout_ms, authorizeMs: config.authorize_timeout_ms },
  };
}
