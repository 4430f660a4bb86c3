/** Configuration files, as the C++ programs take them: JSON. */
import { readFileSync } from 'node:fs';
import { BombyxError } from '@bombyx/base';
import { doubledName } from '@bombyx/config';
import { jsonFault } from './json-fault.ts';
import { CliError } from './usage.ts';

/** @throws {CliError} `CLI_CONFIG` in one sentence: missing, not readable, not JSON, a name that stands twice, or what `parse` said about it */
export function readConfig<T>(file: string, what: string, parse: (json: unknown) => T): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'is missing' : 'cannot be read';
    throw new CliError('CLI_CONFIG', `the ${what} ${file} ${reason}`, {}, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CliError('CLI_CONFIG', `the ${what} ${file} ${jsonFault(text)}`, {}, { cause: error });
  }
  const doubled = doubledName(text);
  if (doubled !== undefined) {
    throw new CliError('CLI_CONFIG', `the ${what} ${file} is wrong: the name ${JSON.stringify(doubled)} stands twice`);
  }
  try {
    return parse(json);
  } catch (error) {
    if (!(error instanceof BombyxError)) throw error;
    const faults = error.message.replace(`${what}: `, ''); // said already
    throw new CliError('CLI_CONFIG', `the ${what} ${file} is wrong: ${faults}`, {}, { cause: error });
  }
}
