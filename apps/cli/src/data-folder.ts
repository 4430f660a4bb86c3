/** Where a part keeps what it must remember, for commands that look into it while the part runs or not. */
import { join, resolve } from 'node:path';
import { readConfig } from './config-file.ts';
import { dataDir } from './state-file.ts';
import { type Arguments, CliError, type OptionSpec } from './usage.ts';

/** File of the client's diary, in its `data_dir`. */
export const COSTS_FILE = 'costs.sqlite';
/** File of the worker's diary, in its `data_dir`. */
export const EARNINGS_FILE = 'earnings.sqlite';

/** What each part's configuration says about its folder; empty: it has none. */
const folderIn = {
  async client() {
    const { parseClientConfig } = await import('@bombyx/client');
    const { splitGatewayConfig } = await import('./gateway-config.ts');
    return (json: unknown) => parseClientConfig(splitGatewayConfig(json).client).data_dir;
  },
  async worker() {
    const { parseWorkerConfig } = await import('@bombyx/worker');
    return (json: unknown) => parseWorkerConfig(json).data_dir;
  },
} as const;
type Part = keyof typeof folderIn;

export function folderOptions(part: Part): Readonly<Record<string, OptionSpec>> {
  return {
    config: { type: 'string', short: 'c', value: 'FILE', help: `configuration of the ${part}; it names data_dir` },
    'data-dir': { type: 'string', value: 'DIR', help: 'or the folder of a local network (default ~/.bombyx)' },
  };
}

/** @throws {CliError} `CLI_CONFIG` for a configuration that is missing, wrong, or names no folder */
export async function dataFolderOf(part: Part, args: Arguments): Promise<string> {
  const file = args.text('config') ?? join(dataDir(args.text('data-dir')), `${part}.json`);
  const folder = readConfig(file, `${part} configuration`, await folderIn[part]());
  if (folder !== '') return resolve(folder);
  throw new CliError('CLI_CONFIG', `the ${part} configuration ${file} names no folder: add "data_dir": "FOLDER" to it`);
}
