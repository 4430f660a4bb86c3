/**
 * `bombyx stake|topup|withdraw|close`: the coins of a client at its proxies. The client that runs holds the key, so that it
 * is asked over its management HTTP, with the password that its configuration file has.
 */
import { join } from 'node:path';
import { formatTon } from '@bombyx/base';
import { type ClientSnapshot, parseClientConfig } from '@bombyx/client';
import { readConfig } from '../config-file.ts';
import { folderOptions } from '../data-folder.ts';
import { splitGatewayConfig } from '../gateway-config.ts';
import { askPart, type PartPage, pageOf } from '../part-page.ts';
import { dataDir } from '../state-file.ts';
import { table } from '../table.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

type Account = ClientSnapshot['proxies'][number];

const options = folderOptions('client');

export const stake: Command = {
  name: 'stake',
  summary: 'Show the coins of this client: its wallet, and its account at each proxy',
  options: {
    trust: { type: 'string', value: 'PROXY', help: 'use a proxy again that claimed more than it served' },
    ...options,
  },
  examples: ['bombyx stake', 'bombyx stake --json', 'bombyx stake --trust UQ…'],
  async run(args, signal) {
    const gateway = gatewayOf(args);
    const trusted = args.text('trust');
    if (trusted === undefined) show(await snapshotOf(gateway, signal), args.flag('json'));
    else {
      const account = accountOf(await snapshotOf(gateway, signal), trusted);
      await order(gateway, 'trust', account, signal);
      tell(args, 'trust', account, 'is used again: requests and coins go there from now on');
    }
    return 0;
  },
};

export const topup = orderCommand({
  name: 'topup',
  summary: 'Pay one more stake in at a proxy, within the daily limit',
  done: ({ stake: amount }) => `gets ${ton(amount)} TON, which are on their way`,
});

export const withdraw = orderCommand({
  name: 'withdraw',
  summary: 'Take what is above the stake back from a proxy into the operating wallet',
  done: ({ stake: kept }) => `gives back what is above the stake of ${ton(kept)} TON`,
});

export const close = orderCommand({
  name: 'close',
  summary: 'Close the account at a proxy: all of it comes back into the operating wallet',
  done: () =>
    'is being closed, for good until the network changes its terms: what is above the stake comes back now, the rest when the proxy has settled or its time is over, by itself',
});

interface Order {
  readonly name: 'topup' | 'withdraw' | 'close';
  readonly summary: string;
  /** What is told of the account as it was before. */
  readonly done: (account: Account) => string;
}

function orderCommand({ name, summary, done }: Order): Command {
  return {
    name,
    summary,
    positional: '[PROXY]',
    options,
    examples: [`bombyx ${name}`, `bombyx ${name} UQ…`],
    async run(args, signal) {
      const [proxy, ...more] = args.positionals;
      if (more.length > 0) throw new CliError('CLI_USAGE', `name one proxy: bombyx ${name} [PROXY]`);
      const gateway = gatewayOf(args);
      const account = accountOf(await snapshotOf(gateway, signal), proxy);
      await order(gateway, name, account, signal);
      tell(args, name, account, done(account));
      return 0;
    },
  };
}

function gatewayOf(args: Arguments): PartPage {
  const file = args.text('config') ?? join(dataDir(args.text('data-dir')), 'client.json');
  const parse = (json: unknown) => parseClientConfig(splitGatewayConfig(json).client);
  const {
    http_host: host,
    http_port: port,
    http_access_hash: accessHash,
  } = readConfig(file, 'client configuration', parse);
  return pageOf('client', file, { host, port, accessHash });
}

async function snapshotOf(gateway: PartPage, signal: AbortSignal): Promise<ClientSnapshot> {
  const text = await askPart(gateway, 'client', 'GET', '/jsonstats', signal);
  try {
    return JSON.parse(text) as ClientSnapshot;
  } catch (cause) {
    throw new CliError('CLI_NOT_AN_API', `what answers at ${gateway.base} is no Bombyx client`, {}, { cause });
  }
}

async function order(gateway: PartPage, action: string, { proxy_sc_address: proxy }: Account, signal: AbortSignal) {
  await askPart(gateway, 'client', 'POST', `/request/${action}?proxy=${encodeURIComponent(proxy)}`, signal);
}

/** @throws {CliError} `CLI_USAGE` when it is not clear which */
function accountOf({ proxies, money }: ClientSnapshot, proxy: string | undefined): Account {
  if (money === undefined) throw new CliError('CLI_USAGE', 'this client runs without TON: it has no coins anywhere');
  if (proxies.length === 0) throw new CliError('CLI_USAGE', 'there is no account at any proxy yet');
  const found = proxies.filter(({ proxy_sc_address: at }) => proxy === undefined || at === proxy);
  const [account] = found;
  if (account !== undefined && found.length === 1) return account;
  const known = proxies.map(({ proxy_sc_address: at }) => at).join(', ');
  throw new CliError(
    'CLI_USAGE',
    proxy === undefined ? `say which proxy: ${known}` : `there are accounts at ${known} only`,
  );
}

function tell(args: Arguments, event: string, { proxy_sc_address: proxy }: Account, what: string): void {
  if (args.flag('json')) console.log(JSON.stringify({ event, proxy }));
  else console.log(`The account at ${proxy} ${what}. "bombyx stake" shows how it goes.`);
}

function show({ wallet, money, proxies }: ClientSnapshot, asJson: boolean): void {
  if (money === undefined) throw new CliError('CLI_USAGE', 'this client runs without TON: it has no coins anywhere');
  const own = {
    address: wallet.address,
    balance: ton(wallet.balance),
    toppedUpToday: ton(money.topped_up_today),
    topUpPerDay: ton(money.top_up_per_day),
    lack: money.lack,
  };
  if (asJson) {
    console.log(JSON.stringify({ event: 'wallet', ...own }));
    for (const account of proxies) console.log(JSON.stringify({ event: 'account', ...jsonOf(account) }));
    return;
  }
  console.log(`Wallet  ${own.address}\n        ${own.balance} TON`);
  console.log(`Today   ${own.toppedUpToday} of ${own.topUpPerDay} TON were paid in at proxies`);
  if (own.lack !== '') console.log(`\nTo do: ${own.lack}.`);
  if (proxies.length === 0) {
    console.log('\nThere is no account at any proxy yet: the client opens one when it connects.');
    return;
  }
  const rows = proxies
    .map(jsonOf)
    .map((at) => [at.proxy, at.state, at.balance, at.stake, at.used, at.signed, at.charged]);
  const headings = ['Proxy', 'State', 'TON', 'Stake', 'Tokens used', 'signed for', 'charged'];
  console.log(`\n${table(headings, rows, [false, false, true, true, true, true, true])}`);
  for (const account of proxies) for (const line of notesOf(account)) console.log(`\n${line}`);
}

const STATES = ['open', 'closing', 'closed'] as const;

function stateOf({ fault, state, stake: staked }: Account): string {
  if (fault) return 'not trusted';
  return state === 0 && staked === 0 ? 'not open yet' : (STATES[state] ?? '');
}

function jsonOf(at: Account) {
  return {
    proxy: at.proxy_sc_address,
    contract: at.sc_address,
    state: stateOf(at),
    balance: ton(at.balance),
    stake: ton(at.stake),
    used: String(at.tokens_used_proxy_max),
    signed: String(at.tokens_signed),
    charged: String(at.tokens_charged),
    underWay: at.under_way,
    lastDeed: at.last_deed,
    trouble: at.trouble,
    unlockAt: at.unlock_at,
    fault: at.fault ?? null,
  };
}

function* notesOf(at: Account): Generator<string> {
  const name = at.proxy_sc_address;
  if (at.under_way !== '') yield `${name}: "${at.under_way}" is under way.`;
  if (at.trouble !== '') yield `${name}: ${at.trouble}.`;
  if (at.state === 1 && at.unlock_at > 0) {
    yield `${name}: what is left comes back by itself after ${new Date(at.unlock_at * 1_000).toISOString()}.`;
  }
  if (at.fault) {
    const { failures, claimed, explained } = at.fault;
    yield `${name} claimed ${claimed} tokens where ${explained} are explained: ${failures.join('; ')}.
No coins and no requests go there. "bombyx stake --trust ${name}" forgives it, "bombyx close ${name}" takes the coins back.`;
  }
}

function ton(nanoTon: number): string {
  return formatTon(BigInt(Math.trunc(nanoTon)));
}
