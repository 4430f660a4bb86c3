/**
 * The chain of a network on one machine: wallets with coins from the faucet, and a root contract that registers the proxy
 * where it listens this time. What is there already is used again, so that books and balances outlive a restart.
 *
 *   network.json             the file others join with, and `bombyx network` and `wallet` take as --ton
 *   wallets/<whose>.json     key files of the owners: of the network, and of proxy, worker and client
 *   wallets/passphrase       of all of them; random, so that a slow scrypt would add nothing
 */
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Logger, type NanoTon, nanoTon } from '@bombyx/base';
import { makeFolder, tonApi, tonApiFile, tonApiOf } from '@bombyx/config';
import {
  type Address,
  type Chain,
  formatAddress,
  operatingWallet,
  parseAddress,
  privateKeyFromSeed,
  publicKeyBytes,
} from '@bombyx/ton';
import { type ChainChoice, openChain, pollMsOf } from './chain-options.ts';
import { openKey, readKeyFile, sealKey, writeKeyFile } from './key-file.ts';
import { networkFile } from './network-file.ts';
import { askFaucet, describeNetwork } from './own-network.ts';
import { NOBODY, type Purse, type PurseDeps, purseOf } from './purse.ts';
import {
  changeRoot,
  deployRoot,
  loadRoot,
  type NetworkPlan,
  rootAtBirth,
  USUAL_MULTIPLIERS,
  USUAL_TERMS,
  until,
} from './root-work.ts';

const ROLES = ['proxy', 'worker', 'client'] as const;
export type LocalRole = (typeof ROLES)[number];

export interface LocalChainOptions {
  /** Of the network. */
  readonly folder: string;
  /** URL of the chain's JSON-RPC door. */
  readonly api: string;
  /** Where the proxy listens: "ip:port ip:port", workers first. */
  readonly proxyAddress: string;
  /** `node_wallet_key` of each role: 32 bytes in base64. */
  readonly walletKeys: Readonly<Record<LocalRole, string>>;
}

export interface LocalChainDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Told as it happens. */
  readonly progress: (step: LocalChainStep) => void;
}

export type LocalChainStep =
  /** `amount` in nanoTON. */
  | { readonly event: 'funded'; readonly whose: string; readonly address: string; readonly amount: NanoTon }
  | { readonly event: 'created'; readonly root: string }
  | { readonly event: 'registered'; readonly proxyAddress: string };

/** What the roles' configurations need. */
export interface LocalChain {
  readonly rootAddress: string;
  /** `owner_address` of each role. */
  readonly owners: Readonly<Record<LocalRole, string>>;
  /** Member `ton_api`. */
  readonly tonApi: ReturnType<typeof tonApiFile>;
}

const NETWORK_FILE = 'network.json';
/** Addresses of a devnet carry the mark of a test network. */
const testnet = true;
const CHEAP_SCRYPT = { n: 2, r: 1, p: 1 } as const;
const TON = 1_000_000_000n;
/** Coins of a new wallet. */
const COINS = {
  network: nanoTon(20n * TON),
  proxy: nanoTon(100n * TON),
  worker: nanoTon(100n * TON),
  client: nanoTon(100n * TON),
};
/** So dear that a few conversations move coins, and delays short enough to watch a contract close. */
const TERMS = {
  ...USUAL_TERMS,
  pricePerToken: nanoTon(50_000n),
  workerFeePerToken: nanoTon(45_000n),
  minClientStake: nanoTon(5n * TON),
  proxyDelayBeforeCloseSec: 600,
  clientDelayBeforeCloseSec: 300,
};

/**
 * Makes everything that proxy, worker and client need of a chain that runs already.
 * @throws {MoneyError}, {ChainError}, {WalletError} in one sentence each; {CliError} `CLI_STOPPED`
 */
export async function prepareChain(
  options: LocalChainOptions,
  { clock, log, progress }: LocalChainDeps,
  signal: AbortSignal,
): Promise<LocalChain> {
  const { folder, proxyAddress } = options;
  const choice = choiceOf(await describeNetwork(options.api, signal));
  const wallets = await openWallets(join(folder, 'wallets'));
  await using chain = openChain(choice.api, { clock, log });
  const deps = { chain, clock, log, pollMs: pollMsOf(choice.api) };

  const operating = ROLES.map((role) => [role, walletOf(options.walletKeys[role], wallets[role].address)] as const);
  const receivers = [['network', wallets.network.address], ...operating] as const;
  const give = async ([whose, address]: (typeof receivers)[number]) => {
    if (!(await fund(options.api, address, COINS[whose], deps, signal))) return;
    progress({ event: 'funded', whose, address: formatAddress(address, { testnet }), amount: COINS[whose] });
  };
  await Promise.all(receivers.map(give));

  const root =
    (await knownRoot(folder, choice, chain, signal)) ?? (await newRoot(proxyAddress, wallets.network, deps, signal));
  const rootAddress = formatAddress(root.address, { testnet });
  if (root.isNew) progress({ event: 'created', root: rootAddress });
  if (await register(root.address, proxyAddress, wallets.network, deps, signal)) {
    progress({ event: 'registered', proxyAddress });
  }
  writeWhole(join(folder, NETWORK_FILE), `${JSON.stringify(networkFile(root.address, true, choice), null, 2)}\n`);
  const owners = {
    proxy: formatAddress(wallets.proxy.address, { testnet }),
    worker: formatAddress(wallets.worker.address, { testnet }),
    client: formatAddress(wallets.client.address, { testnet }),
  };
  return { rootAddress, owners, tonApi: tonApiFile(choice.api) };
}

/** The wallet that a role sends from. */
function walletOf(key: string, owner: Address): Address {
  const publicKey = publicKeyBytes(privateKeyFromSeed(Buffer.from(key, 'base64')));
  return operatingWallet({ publicKey, owner }, 'bombyx').address;
}

/** @returns whether it was new and got coins */
async function fund(api: string, address: Address, amount: NanoTon, deps: PurseDeps, signal: AbortSignal) {
  const account = await deps.chain.account(address, signal);
  if (account.last !== undefined) return false; // it had coins before; what became of them is its own affair
  await askFaucet(api, address, amount, signal);
  const arrived = async () => (await deps.chain.account(address, signal)).balance > 0n;
  await until(arrived, 'the faucet has promised coins, and they have not come', deps, signal);
  return true;
}

interface Root {
  readonly address: Address;
  readonly isNew: boolean;
}

/** The one of before, unless the chain is a new one. */
async function knownRoot(
  folder: string,
  choice: ChainChoice,
  chain: Chain,
  signal: AbortSignal,
): Promise<Root | undefined> {
  const path = join(folder, NETWORK_FILE);
  if (!existsSync(path)) return undefined;
  let address: Address;
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as { root_contract_address: string; ton_api: unknown };
    if (tonApiOf(tonApi.parse(file.ton_api), true).network.zerostate !== choice.api.network.zerostate) return undefined;
    address = parseAddress(file.root_contract_address);
  } catch {
    return undefined; // damaged: it is written anew, with a root of its own
  }
  const { status } = await chain.account(address, signal);
  return status === 'active' ? { address, isNew: false } : undefined;
}

async function newRoot(proxyAddress: string, owner: Purse, deps: PurseDeps, signal: AbortSignal): Promise<Root> {
  const plan: NetworkPlan = {
    terms: TERMS,
    multipliers: USUAL_MULTIPLIERS,
    isTest: true,
    uniqueId: randomInt(2 ** 32),
    proxies: [proxyAddress],
    proxyImages: [],
    workerImages: [],
    models: [],
  };
  return { address: await deployRoot(rootAtBirth(plan, owner.address), owner, deps, signal), isNew: true };
}

/** @returns whether the root had to be changed: ports are drawn at each start */
async function register(address: Address, text: string, owner: Purse, deps: PurseDeps, signal: AbortSignal) {
  const before = await loadRoot(address, deps, signal);
  if ([...before.proxies.values()].includes(text)) return false;
  const [seqno] = before.proxies.keys();
  const change =
    seqno === undefined
      ? ({ kind: 'register-proxy', text } as const)
      : ({ kind: 'update-proxy', seqno, text } as const);
  await changeRoot({ address, before, change }, owner, deps, signal);
  return true;
}

/** @throws {MoneyError} `MONEY_KEY_FILE`, `MONEY_PASSPHRASE` for files that were changed */
async function openWallets(folder: string): Promise<Record<'network' | LocalRole, Purse>> {
  makeFolder(folder);
  const file = join(folder, 'passphrase');
  if (!existsSync(file)) writeWhole(file, `${randomBytes(32).toString('hex')}\n`);
  const passphrase = readFileSync(file, 'utf8').trim();
  const open = async (whose: string): Promise<Purse> => {
    const path = join(folder, `${whose}.json`);
    if (!existsSync(path)) writeKeyFile(path, await sealKey(randomBytes(32), NOBODY, passphrase, CHEAP_SCRYPT));
    const key = readKeyFile(path);
    return purseOf(await openKey(key, passphrase), key.owner);
  };
  return {
    network: await open('network'),
    proxy: await open('proxy'),
    worker: await open('worker'),
    client: await open('client'),
  };
}

function choiceOf(file: Parameters<typeof tonApi.parse>[0]): ChainChoice {
  return { api: tonApiOf(tonApi.parse(file), testnet), testnet };
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
