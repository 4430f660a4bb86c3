/** The root contract on the chain: deployed, read, and changed with a look at what became of it. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NanoTon, nanoTon } from '@bombyx/base';
import {
  type Address,
  type Cell,
  ContractError,
  type ContractInit,
  initAddress,
  PARAMS_LAYOUT,
  parseRootData,
  type RootConfig,
  type RootData,
  readContractCode,
  readRootData,
  rootDataCell,
  TonError,
} from '@bombyx/ton';
import { CliError } from '../usage.ts';
import { MoneyError } from './errors.ts';
import { type Purse, type PurseDeps, pay } from './purse.ts';
import { changed, checkProxyText, checkTerms, type RootChange, requestOf, type Terms } from './root-change.ts';
import { difference, rootLines } from './root-text.ts';

/** What a root contract begins with. */
export interface NetworkPlan {
  readonly terms: Terms;
  /** Ten-thousandths; nothing but an upgrade of the whole contract changes them, nor the next two. */
  readonly multipliers: RootData['params']['multipliers'];
  readonly isTest: boolean;
  /** Tells networks of one owner apart; 32 bits. */
  readonly uniqueId: number;
  /** "ip:port" or "ip:port ip:port", workers first. */
  readonly proxies: readonly string[];
  /** 32 bytes each, as the next two. */
  readonly proxyImages: readonly Buffer[];
  readonly workerImages: readonly Buffer[];
  readonly models: readonly Buffer[];
}

/** The terms of the C++ programs' first network, with a client delay that leaves time for refunds. */
export const USUAL_TERMS: Terms = {
  pricePerToken: nanoTon(2n),
  workerFeePerToken: nanoTon(1n),
  proxyDelayBeforeCloseSec: 86_400,
  clientDelayBeforeCloseSec: 3_600,
  minProxyStake: nanoTon(1_000_000_000n),
  minClientStake: nanoTon(1_000_000_000n),
};
export const USUAL_MULTIPLIERS = { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 } as const;

/** Stays in the contract and pays for its storage for years. */
export const ROOT_COINS: NanoTon = nanoTon(500_000_000n);
/** With a request; what its fees leave comes back. */
export const REQUEST_COINS: NanoTon = nanoTon(200_000_000n);

/** How long after its message is out an effect is waited for. */
const EFFECT_TIMEOUT_MS = 120_000;

/** What the contract holds at birth. @throws {MoneyError} `MONEY_ROOT` */
export function rootAtBirth(plan: NetworkPlan, owner: Address): RootData {
  checkTerms(plan.terms);
  for (const text of plan.proxies) checkProxyText(text);
  return {
    owner,
    version: 1,
    proxyImages: plan.proxyImages,
    workerImages: plan.workerImages,
    models: plan.models,
    proxies: new Map(plan.proxies.map((text, index) => [index + 1, text])),
    lastProxySeqno: plan.proxies.length,
    params: {
      ...plan.terms,
      structVersion: PARAMS_LAYOUT,
      paramsVersion: 1,
      uniqueId: plan.uniqueId,
      isTest: plan.isTest,
      multipliers: plan.multipliers,
      ...builtCodes(),
    },
  };
}

/** The codes of the contracts that nodes deploy, as they are built here. */
export function builtCodes() {
  const [proxyCode, workerCode, clientCode] = (['proxy', 'worker', 'client'] as const).map(readContractCode);
  if (!proxyCode || !workerCode || !clientCode) throw new TypeError('three names gave fewer codes');
  return { proxyCode, workerCode, clientCode };
}

export function rootInit(root: RootData): ContractInit {
  return { code: readContractCode('root'), data: rootDataCell(root) };
}

/**
 * Deploys a root contract and waits until it stands. Doing it again with the same birth does nothing.
 * @returns its address. @throws {MoneyError} `MONEY_NOT_DONE`; what {@link pay} throws
 */
export async function deployRoot(root: RootData, purse: Purse, deps: PurseDeps, signal: AbortSignal): Promise<Address> {
  const init = rootInit(root);
  const address = initAddress(init);
  const stands = async () => (await deps.chain.account(address, signal)).status === 'active';
  if (await stands()) return address;
  await pay(purse, { to: address, amount: ROOT_COINS, bounce: false, init }, deps, signal);
  await until(stands, 'the root contract was sent and does not stand', deps, signal);
  return address;
}

/**
 * The whole state of a root contract of the kind that is built here.
 * @throws {MoneyError} `MONEY_ROOT` when there is none, or another kind of contract; {@link ChainError}
 */
export function loadRoot(address: Address, deps: Pick<PurseDeps, 'chain'>, signal: AbortSignal): Promise<RootData> {
  return read(readRootData, address, deps, signal);
}

/** What nodes read of a root contract, of any layout they know. @throws as {@link loadRoot} */
export function readAnyRoot(
  address: Address,
  deps: Pick<PurseDeps, 'chain'>,
  signal: AbortSignal,
): Promise<RootConfig> {
  return read(parseRootData, address, deps, signal);
}

async function read<T>(
  parse: (data: Cell) => T,
  address: Address,
  { chain }: Pick<PurseDeps, 'chain'>,
  signal: AbortSignal,
): Promise<T> {
  const { status, data } = await chain.account(address, signal);
  const at = address.toRawString();
  if (status !== 'active' || data === undefined) {
    const message = `there is no root contract at ${at}: check the address and the network`;
    throw new MoneyError('MONEY_ROOT', message, { status });
  }
  try {
    return parse(data);
  } catch (cause) {
    if (!(cause instanceof ContractError || cause instanceof TonError)) throw cause;
    const message = `what stands at ${at} is no such root contract: check the address (${cause.message})`;
    throw new MoneyError('MONEY_ROOT', message, {}, { cause });
  }
}

/**
 * Asks the contract for a change and waits until it shows.
 * @param before the root as it was when the change was agreed to
 * @returns the root after it, with what others changed meanwhile
 * @throws {MoneyError} `MONEY_ROOT` for a change that makes no sense, `MONEY_NOT_DONE`; what {@link pay} throws
 */
export async function changeRoot(
  target: { readonly address: Address; readonly before: RootData; readonly change: RootChange },
  purse: Purse,
  deps: PurseDeps,
  signal: AbortSignal,
): Promise<RootData> {
  const { address, before, change } = target;
  const expected = changed(before, change);
  const body = requestOf(before, change, randomBytes(8).readBigUInt64BE());
  await pay(purse, { to: address, amount: REQUEST_COINS, bounce: true, body }, deps, signal);
  let root = before;
  const shows = async () => {
    root = await loadRoot(address, deps, signal);
    return root.version > before.version;
  };
  await until(shows, 'the request was sent and the root contract has not changed', deps, signal);
  const surprises = difference(rootLines(expected, true), rootLines(root, true));
  if (root.version > expected.version || surprises.length === 0) return root;
  const names = surprises.map(({ name }) => name).join(', ');
  throw new MoneyError('MONEY_NOT_DONE', `the root contract changed, but not as it was asked to: look at ${names}`);
}

/** @throws {MoneyError} `MONEY_NOT_DONE` with `otherwise`; {@link CliError} `CLI_STOPPED` */
export async function until(
  holds: () => Promise<boolean>,
  otherwise: string,
  { clock, pollMs }: Pick<PurseDeps, 'clock' | 'pollMs'>,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + EFFECT_TIMEOUT_MS;
  while (!(await holds())) {
    if (clock.monotonicMs() > deadlineMs) {
      throw new MoneyError('MONEY_NOT_DONE', `${otherwise} after ${EFFECT_TIMEOUT_MS / 1_000} s`);
    }
    await sleep(pollMs, undefined, { signal }).catch((cause: unknown) => {
      throw new CliError('CLI_STOPPED', 'stopped while it waited for the chain', {}, { cause });
    });
  }
}
