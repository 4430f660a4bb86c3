/**
 * The data folder of `bombyx up`: one configuration file a role and the root configuration they share, in the C++
 * programs' own format. Keys and addresses are drawn once and kept; ports are written anew at each start. With a chain,
 * the root contract and the owners on it take the place of that file and of addresses without a key.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '@bombyx/config';
import { Address, formatAddress } from '@bombyx/ton';
import { z } from 'zod';
import contracts from '../templates/reference-contracts.json' with { type: 'json' };
import type { LocalChain, LocalRole } from './money/local-chain.ts';
import { freePorts } from './ports.ts';
import { CliError } from './usage.ts';

export const DEFAULT_GATEWAY_PORT = 10_000;
export const EMBEDDED_MODEL = 'bombyx-tiny';

/** Where everything of one local network lies, and the ports of this start. */
export interface NetworkFiles {
  readonly folder: string;
  readonly root: string;
  readonly config: Readonly<Record<'devnet' | 'engine' | LocalRole, string>>;
  readonly logs: string;
  /** Password of all pages. */
  readonly accessHash: string;
  /** Where the proxy listens: "ip:port ip:port", workers first. */
  readonly proxyAddress: string;
  /** `node_wallet_key` of each role. */
  readonly walletKeys: Readonly<Record<LocalRole, string>>;
}

const peer = z.object({ owner: z.string(), walletKey: z.string() });
/** What stays the same over restarts. Each role only ever reads its own part, from its own file. */
const Identity = z.object({
  rootAddress: z.string(),
  rootOwner: z.string(),
  accessHash: z.string(),
  proxy: peer.extend({ machineKey: z.string() }),
  worker: peer,
  client: peer,
});
type Identity = z.output<typeof Identity>;

/** Prices of the local network, nanotons per adjusted token. */
const PRICE_PER_TOKEN = 2;
const WORKER_FEE_PER_TOKEN = 1;
/** Coins move early here, so that somebody who tries it sees them move. */
const SMALL_MONEY = {
  proxy: { charge_at_ton: 0.2, payout_at_ton: 0.2, withdraw_at_ton: 1, commit_at_ton: 0.02, commit_most_sec: 60 },
  worker: { payout_at_ton: 0.5, idle_payout_at_ton: 0.1, idle_payout_after_sec: 120 },
  client: {},
} as const;
/** Half of what public chains take: nothing here waits long for a block. */
const BLOCK_MS = 500;

/**
 * @param policy by which all parts judge each other; default `simulated`, whose root is made here
 * @throws {CliError} `CLI_CONFIG` when the folder cannot be written or its identity file is damaged
 */
export async function prepareNetwork(
  folder: string,
  gatewayPort: number,
  policy: string = 'simulated',
): Promise<NetworkFiles> {
  const files = {
    folder,
    root: join(folder, 'root.json'),
    config: {
      devnet: join(folder, 'devnet.json'),
      engine: join(folder, 'engine.json'),
      worker: join(folder, 'worker.json'),
      proxy: join(folder, 'proxy.json'),
      client: join(folder, 'client.json'),
    },
    logs: join(folder, 'logs'),
  };
  try {
    makeFolder(files.logs);
    const identity = readOrDrawIdentity(join(folder, 'identity.json'));
    const ports = await freePorts(6);
    const [enginePort, workersPort, clientsPort, proxyHttpPort, workerHttpPort, devnetPort] = ports as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const { roots, keys } = await prepareMachines(join(folder, 'attestation'));
    const proxyAddress = `127.0.0.1:${workersPort} 127.0.0.1:${clientsPort}`;
    const common = {
      is_test: true,
      is_testnet: true,
      root_contract_address: identity.rootAddress,
      http_access_hash: identity.accessHash,
      simulated_roots: roots,
    };
    writeJson(files.root, {
      root_owner_address: identity.rootOwner,
      registered_proxies: [{ seqno: 1, address: proxyAddress }],
      last_proxy_seqno: 1,
      version: 1,
      params_version: 1,
      price_per_token: PRICE_PER_TOKEN,
      worker_fee_per_token: WORKER_FEE_PER_TOKEN,
      proxy_hashes: [],
      worker_hashes: [],
      model_hashes: [],
      proxy_sc_code: contracts.proxy_sc_code,
      worker_sc_code: contracts.worker_sc_code,
      client_sc_code: contracts.client_sc_code,
    });
    const chainFolder = join(folder, 'devnet');
    writeJson(files.config.devnet, { http_port: devnetPort, data_dir: chainFolder, block_ms: BLOCK_MS });
    writeJson(files.config.engine, { http_port: enginePort, model_name: EMBEDDED_MODEL });
    writeJson(files.config.worker, {
      ...common,
      http_port: workerHttpPort,
      owner_address: identity.worker.owner,
      node_wallet_key: identity.worker.walletKey,
      proxy_connections: 1,
      model_name: EMBEDDED_MODEL,
      coefficient: 1000,
      attestation: 'simulated',
      simulated_key: keys.worker,
      proxy_policy: policy,
      forward_requests_to: `127.0.0.1:${enginePort}`,
      max_active_requests: 16,
      data_dir: join(folder, 'worker'),
    });
    writeJson(files.config.proxy, {
      ...common,
      workers_rpc_port: workersPort,
      client_rpc_port: clientsPort,
      http_port: proxyHttpPort,
      owner_address: identity.proxy.owner,
      machine_specific_private_key: identity.proxy.machineKey,
      attestation: 'simulated',
      simulated_key: keys.proxy,
      worker_policy: policy,
      node_wallet_key: identity.proxy.walletKey,
      db_path: join(folder, 'proxy'),
    });
    writeJson(files.config.client, {
      ...common,
      http_port: gatewayPort,
      owner_address: identity.client.owner,
      node_wallet_key: identity.client.walletKey,
      proxy_policy: policy,
      proxy_connections: 1,
      data_dir: join(folder, 'client'),
    });
    const { proxy, worker, client, accessHash } = identity;
    const walletKeys = { proxy: proxy.walletKey, worker: worker.walletKey, client: client.walletKey };
    return { ...files, accessHash, proxyAddress, walletKeys };
  } catch (error) {
    if (error instanceof CliError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('CLI_CONFIG', `the data folder ${folder} cannot be used: ${reason}`, {}, { cause: error });
  }
}

/** Machines that are played here: a root that only this network believes, and a key for each part, made once. */
async function prepareMachines(folder: string) {
  const { createSimulatedMachine, createSimulatedRoot } = await import('@bombyx/evidence');
  const { publicKey } = await createSimulatedRoot(folder);
  const keys = { proxy: join(folder, 'proxy.json'), worker: join(folder, 'worker.json') };
  for (const [role, file] of Object.entries(keys)) {
    const measurement = createHash('sha384').update(`bombyx ${role}`).digest(); // what it would be made of
    if (!existsSync(file)) await createSimulatedMachine({ root: folder, file, measurement });
  }
  return { roots: [Buffer.from(publicKey).toString('hex')], keys };
}

/**
 * Puts the chain into the configurations of proxy, worker and client. Books belong to one root contract, and so each has
 * a folder for them.
 */
export function joinChain({ config, folder }: NetworkFiles, { rootAddress, owners, tonApi }: LocalChain): void {
  for (const role of ['proxy', 'worker', 'client'] as const) {
    const file = JSON.parse(readFileSync(config[role], 'utf8')) as object;
    const books = role === 'proxy' ? { db_path: join(folder, 'proxy', rootAddress) } : {};
    const chain = { root_contract_address: rootAddress, owner_address: owners[role], ton_api: tonApi };
    writeJson(config[role], { ...file, ...books, ...chain, ...SMALL_MONEY[role] });
  }
}

function readOrDrawIdentity(file: string): Identity {
  if (existsSync(file)) {
    try {
      return Identity.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      throw new CliError(
        'CLI_CONFIG',
        `${file} is damaged: restore it, or move it away to start as a new network`,
        {},
        { cause: error },
      );
    }
  }
  const address = () => formatAddress(new Address(0, randomBytes(32)), { testnet: true });
  const key = () => randomBytes(32).toString('base64');
  const identity: Identity = {
    rootAddress: address(),
    rootOwner: address(),
    accessHash: randomBytes(16).toString('hex'),
    proxy: { owner: address(), machineKey: key(), walletKey: key() },
    worker: { owner: address(), walletKey: key() },
    client: { owner: address(), walletKey: key() },
  };
  writeJson(file, identity);
  return identity;
}

function writeJson(file: string, value: object): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}
