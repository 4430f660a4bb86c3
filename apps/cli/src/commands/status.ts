/** `bombyx status`: what runs in a data folder. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir, readState } from '../state-file.ts';
import type { Command } from '../usage.ts';

/** How long `status` waits for the chain. */
const BALANCES_TIMEOUT_MS = 5_000;

export const status: Command = {
  name: 'status',
  summary: 'Show what runs on this machine',
  options: { 'data-dir': { type: 'string', value: 'DIR', help: 'folder of the network (default ~/.bombyx)' } },
  examples: ['bombyx status', 'bombyx status --json'],
  async run(args, signal) {
    const folder = dataDir(args.text('data-dir'));
    const running = readState(folder);
    if (!running) {
      if (args.flag('json')) console.log(JSON.stringify({ running: false, dataDir: folder }));
      else console.log(`No network runs in ${folder}. Start one with "bombyx up".`);
      return 1;
    }
    const health = await gatewayHealth(running.baseUrl);
    const lacking = await lacksIn(folder);
    const tier = await tierIn(folder);
    const processes = running.processes.map((child) => ({ ...child, residentMiB: residentMiB(child.pid) }));
    const coins = running.processes.some(({ role }) => role === 'devnet')
      ? await balancesIn(folder, signal)
      : undefined;
    if (args.flag('json')) {
      const balances = coins?.json;
      const state = { ...running, processes, gateway: health, balances, lacking, tier };
      console.log(JSON.stringify({ running: true, dataDir: folder, ...state }));
      return 0;
    }
    console.log(`Base URL  ${running.baseUrl}  (${health})\nModel     ${running.model}\nData      ${folder}`);
    if (tier !== undefined) console.log(`Tier      ${tier}`);
    for (const { role, url } of statisticsPages(folder)) console.log(`Pages     ${url}  (${role})`);
    console.log('\nprocess   state       pid       up        restarts  memory');
    for (const { role, state, pid, startedAtMs, restarts, residentMiB: memory } of processes) {
      const columns = [role.padEnd(10), state.padEnd(12), String(pid ?? '-').padEnd(10), since(startedAtMs).padEnd(10)];
      console.log(`${columns.join('')}${String(restarts).padEnd(10)}${memory === undefined ? '-' : `${memory} MiB`}`);
    }
    if (coins) console.log(`\n${coins.text}`);
    for (const { role, lack } of lacking) console.log(`\nTo do (${role}): ${lack}.`);
    return 0;
  },
};

/** Undefined while the chain does not answer: the rest of the status is worth telling all the same. */
async function balancesIn(folder: string, signal: AbortSignal) {
  const { balancesJson, balancesText, localParties, readBalances } = await import('../money/balances.ts');
  const { openChain } = await import('../money/chain-options.ts');
  const parties = localParties(folder);
  if (parties === undefined) return undefined;
  await using chain = openChain(parties.chain.api);
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(BALANCES_TIMEOUT_MS)]);
    const balances = await readBalances(parties, chain, within);
    return { text: balancesText(balances, parties.chain), json: balancesJson(balances, parties.chain) };
  } catch (error) {
    console.error(`bombyx: the chain does not tell the balances: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** The pages of gateway, proxy and worker, with the password that their configuration files hold. */
function statisticsPages(folder: string): { readonly role: string; readonly url: string }[] {
  return ['client', 'proxy', 'worker'].flatMap((role) => {
    try {
      const file = JSON.parse(readFileSync(join(folder, `${role}.json`), 'utf8')) as Record<string, string | number>;
      return [{ role, url: `http://127.0.0.1:${file['http_port']}/stats?access_hash=${file['http_access_hash']}` }];
    } catch {
      return [];
    }
  });
}

/** What each part needs from its owner before it can go on, in its own words; of parts that do not answer, nothing. */
async function lacksIn(folder: string): Promise<{ readonly role: string; readonly lack: string }[]> {
  type Page = { wallet?: { lack?: string }; money?: { lack?: string }; status?: { problem?: string | null } };
  const ask = async ({ role, url }: { readonly role: string; readonly url: string }) => {
    try {
      const page = await fetch(url.replace('/stats?', '/jsonstats?'), { signal: AbortSignal.timeout(2_000) });
      const { wallet, money, status } = (await page.json()) as Page;
      return { role, lack: money?.lack || wallet?.lack || status?.problem || '' };
    } catch {
      return { role, lack: '' };
    }
  };
  return (await Promise.all(statisticsPages(folder).map(ask))).filter(({ lack }) => lack !== '');
}

/** What the connected proxies have proven, the weakest of it; undefined while none is connected. */
async function tierIn(folder: string): Promise<string | undefined> {
  const { tierName, weakestTier } = await import('@bombyx/page');
  type Page = { proxy_connections?: { is_ready: boolean; attestation: string }[] };
  const url = statisticsPages(folder).find(({ role }) => role === 'client')?.url;
  if (url === undefined) return undefined;
  try {
    const page = await fetch(url.replace('/stats?', '/jsonstats?'), { signal: AbortSignal.timeout(2_000) });
    const { proxy_connections: proxies = [] } = (await page.json()) as Page;
    const tier = weakestTier(proxies.filter(({ is_ready }) => is_ready).map(({ attestation }) => attestation));
    return tier && tierName(tier);
  } catch {
    return undefined;
  }
}

async function gatewayHealth(baseUrl: string): Promise<string> {
  try {
    const response = await fetch(new URL('/health', baseUrl), { signal: AbortSignal.timeout(2_000) });
    return response.ok ? 'answering' : `not ready: ${response.status}`;
  } catch {
    return 'not answering';
  }
}

/** Resident memory where the system tells it (Linux), in MiB. */
function residentMiB(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
  } catch {
    return undefined;
  }
}

function since(startedAtMs: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - startedAtMs) / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
