/** `bombyx ledger check`: whether what a proxy has in memory, on disk, signed and on chain agrees. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@bombyx/base';
import {
  BOOKS_FILE,
  Bookkeeper,
  checkLedger,
  type LedgerReport,
  type ProxyConfig,
  parseProxyConfig,
} from '@bombyx/proxy';
import { readConfig } from '../config-file.ts';
import { dataDir } from '../state-file.ts';
import { CliError, type Command } from '../usage.ts';

/** For the answer of a running proxy: it reads its file anew, seal by seal, and may ask the chain about every party. */
const TIMEOUT_MS = 120_000;

export const ledger: Command = {
  name: 'ledger',
  summary: 'Check the books of a proxy: memory, disk, signed payments and chain must agree',
  positional: 'check',
  options: {
    config: { type: 'string', short: 'c', value: 'FILE', help: 'configuration of the proxy' },
    'data-dir': { type: 'string', value: 'DIR', help: 'or the folder of a local network (default ~/.bombyx)' },
  },
  examples: ['bombyx ledger check', 'bombyx ledger check --config proxy.json --json'],
  async run(args) {
    if (args.positionals.length !== 1 || args.positionals[0] !== 'check') {
      throw new CliError('CLI_USAGE', 'what about the ledger? "bombyx ledger check" is the one thing it does');
    }
    const file = args.text('config') ?? join(dataDir(args.text('data-dir')), 'proxy.json');
    const config = readConfig(file, 'proxy configuration', parseProxyConfig);
    const report = (await askRunning(config)) ?? readFile(config);
    console.log(args.flag('json') ? JSON.stringify(report) : told(report));
    return report.difference ? 1 : 0;
  },
};

/** @returns undefined when no proxy answers there */
async function askRunning({ httpHost, httpPort, accessHash }: ProxyConfig): Promise<LedgerReport | undefined> {
  if (!httpPort) return undefined;
  const url = new URL(`http://${httpHost}:${httpPort}/request/check`);
  if (accessHash !== '') url.searchParams.set('access_hash', accessHash);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    return undefined;
  }
  const text = await response.text();
  if (!response.ok) throw new CliError('CLI_REFUSED', `the proxy at ${url.host} refuses: ${text.trim()}`);
  return JSON.parse(text) as LedgerReport;
}

/** @throws {ProxyError} for a file that is damaged, or open in a proxy without pages */
function readFile({ dbPath, machineKey }: ProxyConfig): LedgerReport {
  const path = join(dbPath, BOOKS_FILE);
  if (!existsSync(path)) throw new CliError('CLI_CONFIG', `there are no books yet: ${path} is missing`);
  using keeper = new Bookkeeper({ path, key: machineKey }, { clock: systemClock });
  return checkLedger(keeper);
}

function told({ records, chain, contracts, difference }: LedgerReport): string {
  const lines = contracts.map(
    ({ contract, phase, clients, workers, tokens, committed, charged_on_chain, paid_on_chain }) =>
      `${contract}  ${phase}\n  ${clients} clients used and ${workers} workers earned ${tokens} tokens; committed ${committed}, ` +
      `charged on chain ${charged_on_chain}, paid on chain ${paid_on_chain}`,
  );
  const verdict = difference
    ? `NOT CLEAN: ${difference.between} differ\n  ${difference.what}\n  ${difference.left} | ${difference.right}`
    : `Clean: ${records} records; ${chain ? 'accounts, disk, signed payments and chain' : 'accounts and disk'} agree.`;
  return [...lines, verdict].join('\n');
}
