/** Everything of the proxy but its ports: what a test can drive without a network. */
import type { Clock, Logger } from '@bombyx/base';
import type { Instance } from '@bombyx/ledger';
import {
  formatAddress,
  privateKeyFromSeed,
  proxyContractAddress,
  publicKeyBytes,
  type RootConfig,
  walletAddress,
} from '@bombyx/ton';
import { Admit } from './admit.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import { EMPTY_SECRET_HASH } from './client-session.ts';
import type { ProxyConfig } from './config.ts';
import { Dispatcher } from './dispatch.ts';
import type { Management } from './http.ts';
import { isDisabled, manage } from './manage.ts';
import { Parties } from './parties.ts';
import { Registrations } from './registrations.ts';
import type { Credentials, Self, SessionDeps } from './session.ts';
import { Cashier } from './settle.ts';
import type { SnapshotSources } from './snapshot.ts';
import { Stats } from './stats.ts';
import { WorkerPool } from './worker-pool.ts';

export interface CoreDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly root: RootConfig;
  readonly keeper: Bookkeeper;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly credentials?: Credentials;
}

export interface Core {
  readonly sessions: SessionDeps;
  readonly sources: SnapshotSources;
  readonly management: Management;
}

const MODELS = 'models';

/** Without TON nothing proves who a client is, and the C++ programs give everybody the empty secret. */
const playCredentials: Credentials = { open: true, secretHash: () => EMPTY_SECRET_HASH };

/** @throws {TonError} for a key that is none */
export function createCore(config: ProxyConfig, deps: CoreDeps): Core {
  const { clock, log, root, keeper } = deps;
  const { limits } = config;
  const network = { testnet: config.isTestnet };
  const privateKey = privateKeyFromSeed(config.machineKey);
  const publicKey = publicKeyBytes(privateKey);
  const contract = proxyContractAddress(root, {
    owner: config.ownerAddress,
    publicKey,
    rootAddress: config.rootAddress,
  });
  const wallet = walletAddress({
    publicKey: publicKeyBytes(privateKeyFromSeed(config.walletKey)),
    owner: config.ownerAddress,
  });
  const self: Self = {
    isTest: config.isTest,
    checkWorkerHashes: config.checkWorkerHashes,
    publicKey,
    owner: formatAddress(config.ownerAddress, network),
    contract: formatAddress(contract, network),
    root,
    enabled: !isDisabled(keeper),
  };
  const instance = openBooks(keeper, self.contract, root);
  const parties = new Parties(
    { ...network, publicKey, privateKey, wallet, play: true, limits },
    { instance, root, contract },
    { clock },
  );
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
    clock,
  };
  const sessions: SessionDeps = {
    self,
    limits,
    parties,
    pool,
    dispatcher,
    registrations: new Registrations({ limit: limits.registrations, timeoutMs: limits.registrationMs }, { clock }),
    credentials: deps.credentials ?? playCredentials,
    modelSeen: () => rememberModels(keeper, pool, log),
    clock,
    log,
  };
  return { sessions, sources, management: manage({ sources, keeper, dispatcher }) };
}

/** The books of the contract, opened the first time it is served. @throws {ProxyError} `PROXY_STORE` */
function openBooks(keeper: Bookkeeper, contract: string, root: RootConfig): Instance {
  if (keeper.books.active?.contract !== contract) {
    const { paramsVersion, pricePerToken, workerFeePerToken, proxyDelayBeforeCloseSec, clientDelayBeforeCloseSec } =
      root;
    const delays = { proxyDelaySec: proxyDelayBeforeCloseSec, clientDelaySec: clientDelayBeforeCloseSec };
    const terms = { paramsVersion, pricePerToken, workerFeePerToken, ...delays };
    keeper.recordNow({ type: 'opened', instance: contract, terms });
  }
  return keeper.books.instance(contract);
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
