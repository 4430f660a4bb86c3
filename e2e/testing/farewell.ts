/** The end of a network: everybody takes his coins, and every nanoTON is looked for. */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTon, silentLogger, systemClock } from '@bombyx/base';
import { tonApi, tonApiOf } from '@bombyx/config';
import { Toncenter } from '@bombyx/ton';
import { type Audit, auditOf, faucetOf, type Sheet, sheetsOf } from './coins.ts';
import type { Holding, LocalNetwork } from './local-network.ts';

const PATIENCE_MS = 180_000;
/** An owner needs a wallet that stands to be heard by the wallet of his node. */
const OWNERS_COINS = '3';

/** The client closes its account at the proxy, and its owner takes all there is. @returns nanoTON that the owner has */
export async function clientLeaves(network: LocalNetwork, told: (line: string) => void): Promise<bigint> {
  await until('nothing else is under way for the account', async () => {
    const { code, stdout, stderr } = await network.try('close');
    if (code !== 0 && !stderr.includes('already running')) throw new Error(`"bombyx close" says ${stderr}`);
    told((stdout || stderr).trim());
    return code === 0;
  });
  await until('the account of the client is closed', async () => {
    const { clients } = await network.page<{ clients: { closed: boolean }[] }>('proxy');
    return clients.every(({ closed }) => closed);
  });
  await untilQuiet(network);
  return await ownerCollects(network, 'client', told);
}

/** The worker cashes what the proxy has signed; it goes to its owner. */
export async function workerIsPaid(network: LocalNetwork, told: (line: string) => void): Promise<void> {
  const [proxy] = (await network.page<{ proxies: { proxy_sc_address: string }[] }>('worker')).proxies;
  await until('the worker is paid', async () => {
    const { workers } = await network.page<{ workers: { unpayed_tokens: number }[] }>('proxy');
    const left = workers.reduce((sum, { unpayed_tokens }) => sum + unpayed_tokens, 0);
    if (left === 0) return true;
    const said = await network.order('worker', `payout?proxy=${proxy!.proxy_sc_address}`);
    told(`${left} tokens are not paid to the worker; ordered to cash them: ${said}`);
    await sleep(5_000);
    return false;
  });
  await untilQuiet(network);
}

/** The operating wallet of a role is emptied into the wallet of its owner. @returns nanoTON that the owner has then */
export async function ownerCollects(
  network: LocalNetwork,
  role: 'client' | 'worker' | 'proxy',
  told: (line: string) => void,
) {
  const owner = await network.holding(role, 'owner');
  const { address } = await network.holding(role, 'wallet');
  await wallet(network, 'network', told, ['send', owner.address, OWNERS_COINS]);
  const coins = (of: string) => network.chain<string>(`/api/v2/getAddressBalance?address=${of}`);
  const hasMore = async () => BigInt(await coins(owner.address)) > owner.coins;
  await until(`the owner of the ${role} has coins`, hasMore);
  await wallet(network, role, told, ['collect', address], role);
  await until(`the wallet of the ${role} is empty`, async () => (await coins(address)) === '0');
  await untilQuiet(network);
  return (await network.holding(role, 'owner')).coins;
}

async function wallet(
  network: LocalNetwork,
  whose: string,
  told: (line: string) => void,
  args: readonly string[],
  file?: string,
) {
  const { code, stdout, stderr } = await network.wallet(whose, args, file);
  if (code !== 0) throw new Error(`the wallet of ${whose} refuses "${args.join(' ')}": ${stderr}${stdout}`);
  const { amount, to } = JSON.parse(stdout) as { amount: string; to: string };
  told(`the owner ${whose} sent ${amount} TON to ${to}`);
}

export interface Reckoning {
  readonly audit: Audit;
  readonly given: bigint;
  readonly holdings: readonly Holding[];
  readonly sheets: ReadonlyMap<string, Sheet>;
  /** What the faucet gave, less all holdings and all fees but its own; nanoTON: 0. */
  readonly missing: bigint;
}

/** Looks for every nanoTON, when nothing is on its way. */
export async function reckon(network: LocalNetwork): Promise<Reckoning> {
  const holdings = await network.holdings();
  await using chain = openChain(network);
  const sheets = await sheetsOf(
    holdings.map(({ whose, address }) => ({ party: whose, address })),
    chain,
  );
  const [audit, faucet] = [await auditOf(network), await faucetOf(network)];
  const held = holdings.reduce((sum, { coins }) => sum + coins, 0n);
  // What has left the faucet is what it gave and its own fees; the other fees are everybody else's.
  const others = [...sheets.values()].reduce((sum, { fees }) => sum + fees, 0n);
  const faucetFees = audit.supply - faucet.balance - faucet.given;
  if (others + faucetFees !== audit.fees) {
    throw new Error(`fees of all accounts are ${others + faucetFees}, and the chain says ${audit.fees}`);
  }
  return { audit, given: faucet.given, holdings, sheets, missing: faucet.given - held - others };
}

function openChain(network: LocalNetwork): Toncenter {
  const api = tonApiOf(tonApi.parse(network.config('proxy')['ton_api']), true);
  return new Toncenter(api, { clock: systemClock, log: silentLogger, random: { bytes: (size) => randomBytes(size) } });
}

/** Resolves when no coin moved for a while. */
export async function untilQuiet(network: LocalNetwork): Promise<void> {
  let before = '';
  await until('no coins are on their way', async () => {
    const { balances, inTransit } = await auditOf(network);
    const now = `${balances} ${inTransit}`;
    const isQuiet = inTransit === 0n && now === before;
    before = now;
    if (!isQuiet) await sleep(3_000);
    return isQuiet;
  });
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS / 1_000} s: ${what}`);
    await sleep(500);
  }
}

export function reckoningText({ audit, given, sheets, missing }: Reckoning): string {
  const lines = [
    `faucet gave ${formatTon(given)} TON; chain: supply ${audit.supply} = balances ${audit.balances} + fees ${audit.fees} + in transit ${audit.inTransit}, difference ${audit.difference}`,
  ];
  for (const { party, given: got, earned, fees, holds } of sheets.values()) {
    const [had, has, burnt, came] = [got, holds, fees, earned].map(formatTon);
    lines.push(`${party.padEnd(8)} was given ${had}, holds ${has}; fees ${burnt}, from the others ${came}`);
  }
  lines.push(`given - held - fees = ${missing} nanoTON`);
  return lines.join('\n');
}
