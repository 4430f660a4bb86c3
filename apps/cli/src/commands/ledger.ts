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
import { askPart, pageOf } from '../part-page.ts';
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
  async run(args, signal) {
    if (args.positionals.length !== 1 || args.positionals[0] !== 'check') {
      throw new CliError('CLI_USAGE', 'what about the ledger? "bombyx ledger check" is the one thing it does');
    }
    const file = args.text('config') ?? join(dataDir(args.text('data-dir')), 'proxy.json');
    const config = readConfig(file, 'proxy configuration', parseProxyConfig);
    const report = (await askRunning(file, config, signal)) ?? readFile(config);
    console.log(args.flag('json') ? JSON.stringify(report) : told(report));
    return report.difference ? 1 : 0;
  },
};

/** @returns undefined when no proxy answers there */
async function askRunning(
  file: string,
  { httpHost: host, httpPort: port, accessHash }: ProxyConfig,
  signal: AbortSignal,
): Promise<LedgerReport | undefined> {
  if (!port) return undefined;
  const page = pageOf('proxy', file, { host, port, accessHash });
  const patience = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    return JSON.parse(await askPart(page, 'proxy', 'POST', '/request/check', patience)) as LedgerReport;
  } catch (error) {
    if (error instanceof CliError && error.code !== 'CLI_REFUSED' && !signal.aborted) return undefined;
    throw error;
  }
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
