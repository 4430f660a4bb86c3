/** Which chain a command speaks to: `--ton FILE`, or `--network` and `--api`. */
import { randomBytes } from 'node:crypto';
import { type Clock, type Logger, silentLogger, systemClock } from '@bombyx/base';
import { describeFaults, flag, type TonApi, tonApi, tonApiOf } from '@bombyx/config';
import { MAINNET, Toncenter } from '@bombyx/ton';
import { z } from 'zod';
import { readConfig } from '../config-file.ts';
import { type Arguments, CliError, type OptionSpec } from '../usage.ts';
import { describeNetwork, isLoopback } from './own-network.ts';

export const chainOptions = {
  ton: { type: 'string', short: 'c', value: 'FILE', help: 'the network file, or any configuration with "ton_api"' },
  network: { type: 'string', value: 'NAME', help: 'or mainnet (default), testnet, devnet (on this machine)' },
  api: { type: 'string', value: 'URL', help: 'and another HTTP API than the public one: …/api/v2/jsonRPC' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** A chain to speak to, and how addresses look there. */
export interface ChainChoice {
  readonly api: TonApi;
  /** Any network but the main one: its addresses carry the mark of a test network. */
  readonly testnet: boolean;
}

interface ChainDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What files of ours say about the chain; what else they hold is for others. */
const File = z.looseObject({ ton_api: tonApi.optional(), is_testnet: flag.optional() });

/**
 * @throws {CliError} `CLI_USAGE`, `CLI_CONFIG`
 * @throws {ChainError} when a network on this machine does not say which one it is
 */
export async function chooseChain(args: Arguments, signal: AbortSignal): Promise<ChainChoice> {
  const [file, network, url] = [args.text('ton'), args.text('network'), args.text('api')];
  if (file !== undefined) {
    if (network !== undefined || url !== undefined) {
      throw new CliError('CLI_USAGE', '--ton FILE says which network it is: leave out --network and --api');
    }
    return choiceOf(readConfig(file, 'network file', parseFile));
  }
  switch (network ?? 'mainnet') {
    case 'mainnet':
    case 'testnet':
      return choiceOf(parse({ ton_api: { network: network ?? 'mainnet', ...(url ? { endpoints: [{ url }] } : {}) } }));
    case 'devnet':
      return choiceOf(parse({ ton_api: await ownNetwork(url, signal) }));
    default:
      throw new CliError('CLI_USAGE', `--network is mainnet, testnet or devnet, not "${network}"`);
  }
}

/** @returns for whoever disposes of it. Opens no connection yet */
export function openChain(
  api: TonApi,
  { clock, log }: ChainDeps = { clock: systemClock, log: silentLogger },
): Toncenter {
  return new Toncenter(api, { clock, log, random: { bytes: (size) => randomBytes(size) } });
}

/** How often to look at a chain while something is outstanding, milliseconds: two looks within what an API grants. */
export function pollMsOf({ endpoints }: TonApi): number {
  return Math.max(200, 2_000 / (endpoints[0]?.requestsPerSecond ?? 1));
}

function choiceOf({ ton_api, is_testnet }: z.output<typeof File>): ChainChoice {
  const api = tonApiOf(ton_api, is_testnet ?? false);
  return { api, testnet: is_testnet ?? api.network.zerostate !== MAINNET.zerostate };
}

function parse(json: unknown): z.output<typeof File> {
  try {
    return parseFile(json);
  } catch (cause) {
    if (!(cause instanceof CliError)) throw cause;
    throw new CliError('CLI_USAGE', cause.message.replace('"ton_api.endpoints.0.url"', '--api'), {}, { cause });
  }
}

function parseFile(json: unknown): z.output<typeof File> {
  const read = File.safeParse(json, { reportInput: true });
  if (read.success) return read.data;
  throw new CliError('CLI_CONFIG', describeFaults(read.error));
}

/** A chain of this machine is believed when it says which one it is: there is no way to know beforehand. */
async function ownNetwork(url: string | undefined, signal: AbortSignal): Promise<z.input<typeof tonApi>> {
  if (url === undefined)
    throw new CliError('CLI_USAGE', '--network devnet needs --api URL, as "bombyx devnet" tells it');
  if (!isLoopback(url)) {
    throw new CliError('CLI_USAGE', '--network devnet is for this machine only: a network elsewhere needs --ton FILE');
  }
  return await describeNetwork(url, signal);
}
