/** `bombyx contracts build`: the code cells of the five contracts, from their sources. */
import { resolve } from 'node:path';
import { makeFolder } from '@bombyx/config';
import { buildContracts } from '@bombyx/ton';
import { CliError, type Command } from '../usage.ts';

export const contracts: Command = {
  name: 'contracts',
  summary: 'Build the code cells of the TON contracts from their sources',
  positional: 'build',
  options: { out: { type: 'string', value: 'DIR', help: 'folder for root.boc, proxy.boc, … and hashes.json' } },
  examples: ['bombyx contracts build --out ./contracts', 'bombyx contracts build --out ./contracts --json'],
  async run(args) {
    const [action, ...rest] = args.positionals;
    if (action !== 'build' || rest.length > 0) {
      throw new CliError('CLI_USAGE', 'say "bombyx contracts build --out DIR"');
    }
    const out = args.text('out');
    if (out === undefined || out === '') throw new CliError('CLI_USAGE', 'contracts build needs --out DIR');
    const folder = resolve(out);
    const hashes = await buildIn(folder);
    if (args.flag('json')) console.log(JSON.stringify({ event: 'built', folder, hashes }));
    else {
      for (const [name, hash] of Object.entries(hashes)) console.log(`${name.padEnd(8)}${hash}`);
      console.log(`written to ${folder}`);
    }
    return 0;
  },
};

async function buildIn(folder: string): ReturnType<typeof buildContracts> {
  try {
    makeFolder(folder);
    return await buildContracts(folder);
  } catch (error) {
    if (!(error instanceof Error && 'errno' in error)) throw error;
    throw new CliError('CLI_CONFIG', `cannot write to ${folder}: ${error.message}`, {}, { cause: error });
  }
}
