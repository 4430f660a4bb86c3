/** `bombyx payout`: a worker that runs cashes what proxies have signed, without waiting for its limits. */
import { join } from 'node:path';
import { formatTon } from '@bombyx/base';
import { parseWorkerConfig, type WorkerSnapshot } from '@bombyx/worker';
import { readConfig } from '../config-file.ts';
import { folderOptions } from '../data-folder.ts';
import { askPart, pageOf } from '../part-page.ts';
import { dataDir } from '../state-file.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

export const payout: Command = {
  name: 'payout',
  summary: 'Pay out now what a worker has earned: everywhere, or at one proxy',
  positional: '[PROXY]',
  options: folderOptions('worker'),
  examples: ['bombyx payout', 'bombyx payout UQ… --config worker.json'],
  async run(args, signal) {
    const [proxy, ...more] = args.positionals;
    if (more.length > 0) throw new CliError('CLI_USAGE', 'name one proxy: bombyx payout [PROXY]');
    const page = workerPage(args);
    const { proxies } = JSON.parse(await askPart(page, 'worker', 'GET', '/jsonstats', signal)) as WorkerSnapshot;
    const wanted = proxies.filter((at) => (proxy === undefined ? at.due !== '0' : at.proxy_sc_address === proxy));
    if (wanted.length === 0) throw new CliError('CLI_REFUSED', nothing(proxies, proxy));
    for (const { proxy_sc_address: at } of wanted) {
      const path = `/request/payout?proxy=${encodeURIComponent(at)}`;
      const told = (await askPart(page, 'worker', 'POST', path, signal)).trim();
      console.log(args.flag('json') ? JSON.stringify({ event: 'payout', proxy: at, told }) : `${at}: ${told}`);
    }
    return 0;
  },
};

function workerPage(args: Arguments) {
  const file = args.text('config') ?? join(dataDir(args.text('data-dir')), 'worker.json');
  const {
    http_host: host,
    http_port: port,
    http_access_hash: accessHash,
  } = readConfig(file, 'worker configuration', parseWorkerConfig);
  return pageOf('worker', file, { host, port, accessHash });
}

function nothing(proxies: WorkerSnapshot['proxies'], proxy: string | undefined): string {
  if (proxy !== undefined) {
    const known = proxies.map(({ proxy_sc_address: at }) => at).join(', ');
    return known === '' ? 'this worker has earned nothing anywhere yet' : `this worker has accounts at ${known} only`;
  }
  const due = proxies.reduce((sum, at) => sum + BigInt(at.due), 0n);
  return `${formatTon(due)} TON are due: proxies sign what was earned once they have committed it, within the hour`;
}
