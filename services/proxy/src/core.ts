/** Everything of the proxy but its ports: what a test can drive without a network. */
import type { Clock, Logger } from '@bombyx/base';
import {
  type Address,
  formatAddress,
  privateKeyFromSeed,
  proxyContractAddress,
  publicKeyBytes,
  type RootConfig,
  walletAddress,
} from '@bombyx/ton';
import type { PeerPolicy } from '@bombyx/transport';
import { Admit } from './admit.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import { EMPTY_SECRET_HASH } from './client-session.ts';
import type { ProxyConfig } from './config.ts';
import { Dispatcher } from './dispatch.ts';
import type { Management } from './http.ts';
import { manage } from './manage.ts';
import { Parties, type Serving } from './parties.ts';
import { Registrations } from './registrations.ts';
import type { Credentials, Self, SessionDeps } from './session.ts';
import { Cashier } from './settle.ts';
import { Settlement } from './settlement/settlement.ts';
import type { SnapshotSources } from './snapshot.ts';
import { Stats } from './stats.ts';
import { termsOf } from './terms.ts';
import { WorkerPool } from './worker-pool.ts';

export interface CoreDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly keeper: Bookkeeper;
  /** The root configuration, or who reads it from the chain and settles there. */
  readonly from: RootConfig | Settlement;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly workerPolicy?: PeerPolicy | undefined;
  readonly credentials?: Credentials;
}

export interface Core {
  readonly sessions: SessionDeps;
  readonly sources: SnapshotSources;
  readonly management: Management;
  /** A register transaction came by on the chain. */
  registered(nonce: bigint, owner: string): void;
  /** Requests queued and running under a proxy contract, of one client or of all. */
  running(contract: string, owner?: string): number;
  /** Takes over what settlement serves now, or why it serves nothing. */
  follow(): void;
  /** What has to be done now and then. */
  tick(): void;
}

const MODELS = 'models';
const NO_HASH = '0'.repeat(64);

/** Without TON nothing proves who a client is, and the C++ programs give everybody the empty secret. */
const playCredentials: Credentials = { open: true, secretHash: () => EMPTY_SECRET_HASH };

/** @throws {TonError} for a key that is none @throws {ProxyError} `PROXY_STORE` */
export function createCore(config: ProxyConfig, deps: CoreDeps): Core {
  const { clock, log, keeper, from } = deps;
  const { limits } = config;
  const network = { testnet: config.isTestnet };
  const privateKey = privateKeyFromSeed(config.machineKey);
  const publicKey = publicKeyBytes(privateKey);
  const settlement = from instanceof Settlement ? from : undefined;
  const wallet = settlement?.walletAddress ?? playWallet(config);
  const serving = from instanceof Settlement ? from.opened : openBooks(keeper, config, publicKey, from);
  const self: Self = {
    isTest: config.isTest,
    checkWorkerHashes: config.checkWorkerHashes,
    publicKey,
    owner: formatAddress(config.ownerAddress, network),
    contract: serving ? formatAddress(serving.contract, network) : '',
    root: from instanceof Settlement ? from.root : from,
    enabled: false,
    refusedWorker: undefined,
  };
  adopt(self, deps.workerPolicy);
  const parties = new Parties({ ...network, publicKey, privateKey, wallet, play: !settlement, limits }, serving, {
    clock,
  });
  const pool = new WorkerPool(limits);
  for (const name of rememberedModels(keeper)) pool.claim(name);
  const stats = new Stats({ clock });
  const dispatcher = new Dispatcher(limits, {
    admit: new Admit({ rules: self, limits, pool, clock }),
    cashier: new Cashier({ keeper, clock }),
    rules: self,
    parties,
    stats,
    random: deps.random,
    clock,
    log,
  });
  const sources: SnapshotSources = {
    self,
    ...network,
    rootAddress: formatAddress(config.rootAddress, network),
    walletAddress: formatAddress(wallet, network),
    imageHash: config.imageHash,
    stats,
    parties,
    pool,
    dispatcher,
    settlement,
    clock,
  };
  const sessions: SessionDeps = {
    self,
    limits,
    parties,
    pool,
    dispatcher,
    workerPolicy: deps.workerPolicy,
    registrations: new Registrations({ limit: limits.registrations, timeoutMs: limits.registrationMs }, { clock }),
    credentials: deps.credentials ?? (settlement ? chainCredentials(parties) : playCredentials),
    sessions: new Set(),
    modelSeen: () => rememberModels(keeper, pool, log),
    clock,
    log,
  };
  const management = manage({ sources, keeper, dispatcher });
  return {
    sessions,
    sources,
    management,
    registered: (nonce, owner) => void sessions.registrations.register(nonce, owner),
    running: (contract, owner) => {
      let running = 0;
      for (const { client } of dispatcher.works()) {
        const { party } = client;
        if (party.instance.contract === contract && (owner === undefined || party.owner === owner)) running += 1;
      }
      return running;
    },
    follow() {
      if (!settlement) return;
      const before = self.root;
      self.root = settlement.root;
      if (before !== self.root) {
        adopt(self, deps.workerPolicy);
        for (const session of [...sessions.sessions]) session.reconsider();
      }
      const { opened } = settlement;
      if (opened && opened.instance !== parties.serving?.instance) {
        parties.serve(opened);
        self.contract = formatAddress(opened.contract, network);
      }
      management.refresh();
    },
    tick() {
      dispatcher.tick(pool.models());
      for (const session of sessions.sessions) session.leaveRetired();
    },
  };
}

/** The lists of the root contract, where this network goes by them. */
function adopt({ checkWorkerHashes, root }: Self, policy: PeerPolicy | undefined): void {
  const { workerHashes: images, modelHashes: models } = root;
  policy?.adopt?.(checkWorkerHashes ? { images, models } : { images: 'any', models: 'any' });
}

/** With TON a client proves itself by the secret whose hash it has put into its contract. */
function chainCredentials(parties: Parties): Credentials {
  return {
    open: false,
    secretHash(owner) {
      const hash = parties.serving?.instance.clientContract(owner)?.secretHash ?? NO_HASH;
      return hash === NO_HASH ? undefined : Buffer.from(hash, 'hex');
    },
  };
}

function playWallet({ walletKey, ownerAddress }: ProxyConfig): Address {
  return walletAddress({ publicKey: publicKeyBytes(privateKeyFromSeed(walletKey)), owner: ownerAddress });
}

/** The books of a network without TON: of the contract that its root configuration would make. */
function openBooks(keeper: Bookkeeper, config: ProxyConfig, publicKey: Buffer, root: RootConfig): Serving {
  const { ownerAddress: owner, rootAddress, isTestnet: testnet } = config;
  const contract = proxyContractAddress(root, { owner, publicKey, rootAddress });
  const name = formatAddress(contract, { testnet });
  if (keeper.books.active?.contract !== name) {
    keeper.recordNow({ type: 'opened', instance: name, terms: termsOf(root) });
  }
  return { instance: keeper.books.instance(name), root, contract };
}

/** Models served before a restart are waited for, not unknown. */
function rememberedModels({ books }: Bookkeeper): string[] {
  try {
    const names: unknown = JSON.parse(books.note(MODELS) ?? '[]');
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

function rememberModels(keeper: Bookkeeper, pool: WorkerPool, log: Logger): void {
  try {
    const value = JSON.stringify(Array.from(pool.models(), ({ name }) => name));
    keeper.recordNow({ type: 'noted', name: MODELS, value });
  } catch (error) {
    log.warn('the list of models could not be kept', { reason: String(error) });
  }
}
