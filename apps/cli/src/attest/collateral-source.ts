/** Where `attest verify` gets collateral from: the file or folder that is named, or what is kept and fetched here. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { COLLATERAL_FIELDS, type Collateral, type CollateralNeed, type Failure } from '@bombyx/attest';
import { jsonFault } from '../json-fault.ts';
import { type Arguments, CliError } from '../usage.ts';
import { readBytes, textOf } from './files.ts';
import { identity, recognise } from './kinds.ts';
import { collateralOf, coverage } from './show-collateral.ts';

/** @returns the collateral, or the failed check that there is none @throws {CliError} `CLI_CONFIG` for a file that is none */
export async function collateralFor(
  need: CollateralNeed | undefined,
  args: Arguments,
  atMs: number,
  signal: AbortSignal,
): Promise<Collateral | Failure> {
  const named = args.text('collateral');
  if (named !== undefined && !isFolder(named)) return readCollateral(named);
  if (need === undefined) return {} as Collateral; // no quote that could need any: the verdict says so before it looks
  if (named !== undefined) return inFolder(named, need, atMs);
  const { keptCollateral } = await import('./kept-collateral.ts');
  return await keptCollateral(need, args, atMs, signal);
}

/** Nine fields of JSON. @throws {CliError} `CLI_CONFIG`: another file, broken JSON, or the fields that are missing */
export function readCollateral(file: string): Collateral {
  const bytes = readBytes(file, 'collateral');
  const evidence = recognise(bytes);
  if (evidence.kind === 'collateral') return collateralOf(evidence.fields, file);
  const wanted = 'collateral is JSON with nine fields';
  if (evidence.kind !== 'unknown' || jsonFault(textOf(bytes) ?? '') !== undefined) {
    throw new CliError('CLI_CONFIG', `the collateral ${file} ${identity(evidence)}; ${wanted}`);
  }
  throw new CliError('CLI_CONFIG', `the collateral ${file} lacks all of ${COLLATERAL_FIELDS.join(', ')}; ${wanted}`);
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Files of a folder that are looked at. */
const MAX_FILES = 512;

/** A bundle: files of any name, in the folder and one folder deep, as the store of collateral writes them. */
function inFolder(folder: string, need: CollateralNeed, atMs: number): Collateral | Failure {
  const found = filesIn(folder).flatMap((file) => {
    const evidence = recognise(readBytes(file, 'collateral'));
    if (evidence.kind !== 'collateral') return [];
    const { tee, fmspc, ca, issuedAt } = coverage(evidence.fields);
    return tee === need.tee && fmspc === need.fmspc && ca === need.ca ? [{ file, issuedAt }] : [];
  });
  // the newest of those that were there at the time; where all are newer, the verdict says so
  const newestFirst = found.toSorted((a, b) => (a.issuedAt < b.issuedAt ? 1 : -1));
  const newest = newestFirst.find(({ issuedAt }) => Date.parse(issuedAt) <= atMs) ?? newestFirst[0];
  if (newest !== undefined) return readCollateral(newest.file);
  return {
    code: 'COLLATERAL_MISSING',
    message: `the folder ${folder} has no collateral for ${need.tee}, FMSPC ${need.fmspc}, CA ${need.ca}`,
    fix: `bombyx attest collateral fetch --tee ${need.tee} --fmspc ${need.fmspc} --ca ${need.ca} --out ${folder}`,
  };
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const inner = entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(folder, name), { withFileTypes: true }));
  return [...entries, ...inner]
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .slice(0, MAX_FILES)
    .map(({ parentPath, name }) => join(parentPath, name));
}
