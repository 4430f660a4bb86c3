/** The file by which others join a network: where its root contract is, and on which chain. */
import { writeFileSync } from 'node:fs';
import { address, describeFaults, tonApiFile } from '@bombyx/config';
import { type Address, formatAddress } from '@bombyx/ton';
import { z } from 'zod';
import { readConfig } from '../config-file.ts';
import { type Arguments, CliError, type OptionSpec } from '../usage.ts';
import type { ChainChoice } from './chain-options.ts';
import { readRecipient } from './recipient.ts';

export const rootOptions = {
  root: { type: 'string', value: 'ADDRESS', help: 'the root contract, where the network file does not name it' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

const File = z.looseObject({ root_contract_address: address });

/**
 * The members that configurations of proxy, worker and client begin with. Without API keys: those are everybody's own.
 */
export function networkFile(root: Address, isTest: boolean, { api, testnet }: ChainChoice): object {
  const endpoints = api.endpoints.map(({ apiKey: _own, ...endpoint }) => endpoint);
  return {
    is_test: isTest,
    is_testnet: testnet,
    root_contract_address: formatAddress(root, { testnet }),
    ton_api: tonApiFile({ ...api, endpoints }),
  };
}

/** @throws {CliError} `CLI_CONFIG` when there is a file, or the system refuses */
export function writeNetworkFile(path: string, content: object): void {
  try {
    writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' });
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const why = taken ? 'is there already: name another one with --out FILE' : 'cannot be written';
    throw new CliError('CLI_CONFIG', `the network file ${path} ${why}`, {}, { cause });
  }
}

/** The root contract that a command is about: `--root`, or what the file of `--ton` says. @throws {CliError}, {MoneyError} */
export function rootAddressOf(args: Arguments, { testnet }: ChainChoice): Address {
  const [text, file] = [args.text('root'), args.text('ton')];
  if (text !== undefined) return readRecipient(text, testnet).address;
  if (file === undefined) throw new CliError('CLI_USAGE', 'say which network: --ton FILE, or --root ADDRESS');
  return readConfig(file, 'network file', (json) => {
    const read = File.safeParse(json, { reportInput: true });
    if (read.success) return read.data.root_contract_address;
    throw new CliError('CLI_CONFIG', describeFaults(read.error));
  });
}
