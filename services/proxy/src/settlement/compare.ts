/** Whether the chain says what the books say: of every client and worker contract, and of the coins that must be there. */
import { type Chain, ContractError, readProxyData } from '@bombyx/ton';
import type { Disagreement } from '../ledger-check.ts';
import type { Branch } from './branch.ts';
import { lookAt } from './chain-reader.ts';

const BETWEEN = 'books and chain';

/**
 * The first difference. What has happened on the chain a moment ago, and was not read yet, is one too.
 * @throws {ChainError}
 */
export async function compareWithChain(
  branches: Iterable<Branch>,
  chain: Chain,
  signal: AbortSignal,
): Promise<Disagreement | undefined> {
  for (const branch of branches) {
    const found = (await compareParties(branch, chain, signal)) ?? (await compareCoins(branch, chain, signal));
    if (found) return found;
  }
  return undefined;
}

async function compareParties(
  { instance, family, name }: Branch,
  chain: Chain,
  signal: AbortSignal,
): Promise<Disagreement | undefined> {
  for (const { id } of instance.accounts.clients()) {
    const { event } = await lookAt('client', id, instance, family, chain, signal);
    if (event?.type !== 'client-seen') continue;
    const what = `${name}: client ${id}`;
    return { between: BETWEEN, what, left: text(instance.clientContract(id)), right: text(event.contract) };
  }
  for (const { id } of instance.accounts.workers()) {
    const { event } = await lookAt('worker', id, instance, family, chain, signal);
    if (event?.type !== 'worker-seen') continue;
    const what = `${name}: worker ${id}`;
    return { between: BETWEEN, what, left: text(instance.workerContract(id)), right: text(event.contract) };
  }
  return undefined;
}

/** The proxy contract holds all that clients paid in and was not paid out, its own earnings, and its stake. */
async function compareCoins(
  { instance, family, name }: Branch,
  chain: Chain,
  signal: AbortSignal,
): Promise<Disagreement | undefined> {
  const { status, balance: coins, data } = await chain.account(family.proxy, signal);
  if (status !== 'active' || data === undefined) return undefined;
  let earnings: bigint;
  let stake: bigint;
  try {
    ({ balance: earnings, stake } = readProxyData(data));
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { between: BETWEEN, what: `${name}: data`, left: 'a proxy contract', right: error.message };
  }
  const { pricePerToken } = instance.terms;
  let deposits = 0n;
  for (const { id, usedOnChain } of instance.accounts.clients()) {
    deposits += (instance.clientContract(id)?.balance ?? 0n) + usedOnChain * pricePerToken;
  }
  for (const { paidOnChain } of instance.accounts.workers()) deposits -= paidOnChain * pricePerToken;
  const needed = deposits + earnings + stake;
  if (coins >= needed) return undefined;
  return { between: BETWEEN, what: `${name}: nanoTON that must be there`, left: String(needed), right: String(coins) };
}

function text(contract: object | undefined): string {
  if (!contract) return 'nothing';
  return Object.entries(contract)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
