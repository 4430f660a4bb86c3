/** Who in a network has how many coins, as the chain shows it: wallets, their owners, and the contracts between them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTon } from '@bombyx/base';
import { address, bytes32, flag, tonApi, tonApiOf } from '@bombyx/config';
import {
  type Address,
  type Cell,
  type Chain,
  ContractError,
  clientContractAddress,
  formatAddress,
  operatingWallet,
  privateKeyFromSeed,
  proxyContractAddress,
  publicKeyBytes,
  readClientData,
  readProxyData,
  readWorkerData,
  rootConfig,
  WALLET_CODES,
  workerContractAddress,
} from '@bombyx/ton';
import { z } from 'zod';
import { table } from '../table.ts';
import type { ChainChoice } from './chain-options.ts';
import { loadRoot } from './root-work.ts';

export interface Balance {
  readonly whose: 'network' | 'proxy' | 'worker' | 'client';
  readonly what: 'root contract' | 'owner' | 'wallet' | 'contract';
  readonly address: Address;
  /** NanoTON on the account. */
  readonly coins: bigint;
  /** What a contract says about them; the account is not there yet: `not deployed`. */
  readonly detail: string;
}

/** Who takes part, as the configurations in a data folder say. */
export interface Parties {
  readonly rootAddress: Address;
  readonly chain: ChainChoice;
  readonly proxy: Peer & { readonly publicKey: Buffer };
  readonly worker: Peer;
  readonly client: Peer;
}

interface Peer {
  readonly owner: Address;
  readonly wallet: Address;
}

const Peer = z.looseObject({
  owner_address: address,
  node_wallet_key: bytes32,
  wallet_code: z.enum(WALLET_CODES).default('bombyx'),
});
const ProxyFile = Peer.extend({
  machine_specific_private_key: bytes32,
  root_contract_address: address,
  is_testnet: flag,
  ton_api: tonApi,
});

/** @returns undefined where no network with a chain was started */
export function localParties(folder: string): Parties | undefined {
  const read = <T>(role: string, shape: z.ZodType<T>): T =>
    shape.parse(JSON.parse(readFileSync(join(folder, `${role}.json`), 'utf8')));
  try {
    const proxy = read('proxy', ProxyFile);
    const chain = { api: tonApiOf(proxy.ton_api, proxy.is_testnet), testnet: proxy.is_testnet };
    return {
      rootAddress: proxy.root_contract_address,
      chain,
      proxy: { ...peerOf(proxy), publicKey: publicKeyOf(proxy.machine_specific_private_key) },
      worker: peerOf(read('worker', Peer)),
      client: peerOf(read('client', Peer)),
    };
  } catch {
    return undefined;
  }
}

/** @throws {ChainError}, {MoneyError} `MONEY_ROOT` */
export async function readBalances(parties: Parties, chain: Chain, signal: AbortSignal): Promise<readonly Balance[]> {
  const { rootAddress, proxy, worker, client } = parties;
  const root = await loadRoot(rootAddress, { chain }, signal);
  const config = rootConfig(root);
  const { publicKey } = proxy;
  const pool = proxyContractAddress(config, { owner: proxy.owner, publicKey, rootAddress });
  const earner = workerContractAddress(config, { owner: worker.owner, proxy: pool, publicKey });
  const payer = clientContractAddress(config, { owner: client.wallet, proxy: pool, publicKey });
  const accounts: readonly (readonly [Balance['whose'], Balance['what'], Address, ((data: Cell) => string)?])[] = [
    ['network', 'root contract', rootAddress],
    ['network', 'owner', root.owner],
    ['proxy', 'contract', pool, poolText],
    ['proxy', 'wallet', proxy.wallet],
    ['proxy', 'owner', proxy.owner],
    ['worker', 'contract', earner, earnerText],
    ['worker', 'wallet', worker.wallet],
    ['worker', 'owner', worker.owner],
    ['client', 'contract', payer, payerText],
    ['client', 'wallet', client.wallet],
    ['client', 'owner', client.owner],
  ];
  const look = async ([whose, what, address, describe]: (typeof accounts)[number]): Promise<Balance> => {
    const { balance: coins, data } = await chain.account(address, signal);
    return { whose, what, address, coins, detail: data === undefined ? 'not deployed' : textOf(data, describe) };
  };
  return await Promise.all(accounts.map(look));
}

/** A table for people. */
export function balancesText(balances: readonly Balance[], { testnet }: Pick<ChainChoice, 'testnet'>): string {
  const rows = balances.map(({ whose, what, address, coins, detail }) => [
    whose,
    what,
    formatTon(coins),
    formatAddress(address, { testnet }),
    detail,
  ]);
  return table(['Whose', 'What', 'TON', 'Address', ''], rows, [false, false, true, false, false]);
}

/** For programs: amounts as exact text. */
export function balancesJson(balances: readonly Balance[], { testnet }: Pick<ChainChoice, 'testnet'>): object[] {
  return balances.map(({ address, coins, ...rest }) => ({
    ...rest,
    ton: formatTon(coins),
    address: formatAddress(address, { testnet }),
  }));
}

function peerOf({ owner_address: owner, node_wallet_key, wallet_code }: z.output<typeof Peer>): Peer {
  return { owner, wallet: operatingWallet({ publicKey: publicKeyOf(node_wallet_key), owner }, wallet_code).address };
}

function publicKeyOf(seed: Buffer): Buffer {
  return publicKeyBytes(privateKeyFromSeed(seed));
}

function textOf(data: Cell, describe: ((data: Cell) => string) | undefined): string {
  try {
    return describe?.(data) ?? '';
  } catch (error) {
    if (error instanceof ContractError) return 'another contract';
    throw error;
  }
}

function poolText(data: Cell): string {
  const { state, balance, stake } = readProxyData(data);
  return `${state}, earned and not paid out ${formatTon(balance)}, stake ${formatTon(stake)}`;
}

function earnerText(data: Cell): string {
  const { state, tokens } = readWorkerData(data);
  return `${state}, paid for ${tokens} tokens`;
}

function payerText(data: Cell): string {
  const { state, balance, stake, tokens } = readClientData(data);
  return `${state}, paid in and not used ${formatTon(balance)}, of it stake ${formatTon(stake)}, used ${tokens} tokens`;
}
