/** Which key file, and where its passphrase comes from: `--passphrase-file`, the environment, or the person. Never argv. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dataDir } from '../state-file.ts';
import { type Arguments, CliError, type OptionSpec } from '../usage.ts';
import { askHidden, type Terminal } from './terminal.ts';

const VARIABLE = 'BOMBYX_PASSPHRASE';
const LEAST_LENGTH = 8;
const MAX_LENGTH = 1_024;

export const keyOptions = {
  wallet: { type: 'string', short: 'w', value: 'FILE', help: 'the key file (default ~/.bombyx/wallet.json)' },
  'passphrase-file': { type: 'string', value: 'FILE', help: `its first line, instead of ${VARIABLE} or a question` },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** The key file that `--wallet` names, or the usual one. */
export function keyFilePath(args: Arguments): string {
  return resolve(args.text('wallet') ?? join(dataDir(undefined), 'wallet.json'));
}

export interface PassphraseDeps {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws {CliError} `CLI_CONFIG` for a file that cannot be read, `CLI_USAGE` when nobody can be asked */
export async function readPassphrase(args: Arguments, deps: PassphraseDeps, signal: AbortSignal): Promise<string> {
  return given(args, deps) ?? (await asked('Passphrase: ', deps, signal));
}

/** For a key that is made now: asked twice, and not too short. */
export async function choosePassphrase(args: Arguments, deps: PassphraseDeps, signal: AbortSignal): Promise<string> {
  const told = given(args, deps);
  const passphrase = told ?? (await asked('Choose a passphrase for the key file: ', deps, signal));
  if (passphrase.length < LEAST_LENGTH || passphrase.length > MAX_LENGTH) {
    throw new CliError('CLI_USAGE', `a passphrase has ${LEAST_LENGTH} to ${MAX_LENGTH} characters`);
  }
  if (told === undefined && (await asked('Once more: ', deps, signal)) !== passphrase) {
    throw new CliError('CLI_USAGE', 'the two passphrases differ');
  }
  return passphrase;
}

function given(args: Arguments, { environment }: PassphraseDeps): string | undefined {
  const file = args.text('passphrase-file');
  if (file === undefined) return environment[VARIABLE];
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (cause) {
    throw new CliError('CLI_CONFIG', `the passphrase file ${file} cannot be read`, {}, { cause });
  }
}

function asked(question: string, { terminal }: PassphraseDeps, signal: AbortSignal): Promise<string> {
  if (terminal.input.isTTY === true) return askHidden(question, terminal, signal);
  throw new CliError(
    'CLI_USAGE',
    `the key file needs its passphrase: run this in a terminal, or give --passphrase-file FILE or ${VARIABLE}`,
  );
}
