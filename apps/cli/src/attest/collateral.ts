/** `attest collateral fetch` and `attest collateral show`. */
import { statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  COLLATERAL_FIELDS,
  type Collateral,
  type CollateralNeed,
  collateralNeed,
  judgeCollateral,
  openCollateral,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { EvidenceError } from '@bombyx/evidence';
import { plain } from '../table.ts';
import { type Arguments, CliError } from '../usage.ts';
import { readCollateral } from './collateral-source.ts';
import { readBytes } from './files.ts';
import { openStore } from './kept-collateral.ts';
import { recognise } from './kinds.ts';
import { oneCertificate, timeOf } from './options.ts';
import { viewCollateral } from './show-collateral.ts';
import { instant, linesOf, present } from './view.ts';

export async function collateral(words: readonly string[], args: Arguments, signal: AbortSignal): Promise<number> {
  const [action, file, ...more] = words;
  if (action === 'fetch' && file === undefined) return await fetch(args, signal);
  if (action === 'show' && file !== undefined && more.length === 0) return show(file, args);
  throw new CliError(
    'CLI_USAGE',
    'say "attest collateral fetch --fmspc HEX --ca platform|processor --out FILE", or "attest collateral show FILE"',
  );
}

/** Verified on arrival: what is written can be used. It is kept in the data folder as well. */
async function fetch(args: Arguments, signal: AbortSignal): Promise<number> {
  const need = needOf(args);
  const atMs = timeOf(args);
  await using store = openStore(args, atMs, oneCertificate(args, 'root'));
  let value: Collateral;
  try {
    value = await store.intel.get(need, signal);
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw new CliError(
      'CLI_REFUSED',
      `no collateral for ${keyOf(need)}: ${cause.message} (${cause.code})`,
      {},
      { cause },
    );
  }
  const out = args.text('out');
  const file = out === undefined ? undefined : writeCollateral(out, need, value);
  const { json, rows, title } = viewCollateral({ ...value }, file ?? 'fetched');
  if (args.flag('json')) console.log(JSON.stringify({ event: 'fetched', ...need, file: file ?? null, ...json }));
  else {
    console.log(plain(title));
    for (const line of linesOf(rows)) console.log(line);
    console.log(
      file === undefined ? 'kept in the data folder; --out FILE writes it elsewhere, too' : `written to ${file}`,
    );
  }
  return 0;
}

/** From a quote, or in words. */
function needOf(args: Arguments): CollateralNeed {
  const quote = args.text('for');
  if (quote !== undefined) {
    const evidence = recognise(readBytes(quote, 'quote'));
    const need = evidence.kind === 'quote' ? collateralNeed(evidence.bytes) : undefined;
    if (need === undefined) throw new CliError('CLI_CONFIG', `the file ${quote} is no quote that names its platform`);
    return need;
  }
  const fmspc = args.text('fmspc')?.toLowerCase();
  const ca = args.text('ca');
  const tee = args.text('tee') ?? 'tdx';
  if (fmspc === undefined || !/^[0-9a-f]{12}$/.test(fmspc)) {
    throw new CliError('CLI_USAGE', '--fmspc must be 12 hex digits; "bombyx attest show QUOTE" tells them');
  }
  if (ca !== 'platform' && ca !== 'processor') throw new CliError('CLI_USAGE', '--ca must be platform or processor');
  if (tee !== 'tdx' && tee !== 'sgx') throw new CliError('CLI_USAGE', '--tee must be tdx or sgx');
  return { fmspc, ca, tee };
}

const keyOf = ({ tee, fmspc, ca }: CollateralNeed) => `${tee}-${fmspc}-${ca}`;

function writeCollateral(out: string, need: CollateralNeed, value: Collateral): string {
  const folder = statSync(out, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = resolve(folder ? join(out, `${keyOf(need)}.json`) : out);
  try {
    writeFileSync(file, `${JSON.stringify(value, [...COLLATERAL_FIELDS], 1)}\n`);
    return file;
  } catch (cause) {
    throw new CliError('CLI_CONFIG', `cannot write ${file}: ${(cause as Error).message}`, {}, { cause });
  }
}

/** What a file covers, and whether all of it is genuine and in time. @returns 1 if it is not */
function show(file: string, args: Arguments): number {
  const atMs = timeOf(args);
  const value = readCollateral(file);
  const { json, rows, title } = viewCollateral({ ...value }, file);
  const root = oneCertificate(args, 'root');
  const opened = openCollateral(value, { crypto: nodeCrypto, ...(root && { root }) });
  const failures = judgeCollateral(opened, atMs);
  const verdict = failures.length === 0 ? 'good' : 'refused';
  if (args.flag('json')) console.log(JSON.stringify({ file, verdict, at: instant(atMs), failures, ...json }));
  else {
    console.log(plain(title));
    const facts = present([['verdict', `${verdict} at ${instant(atMs)}`]]);
    for (const line of linesOf([...facts, ...rows])) console.log(line);
    for (const { code, message, fix } of failures) {
      console.log(`  ${code}: ${plain(message)}${fix === undefined ? '' : `\n    fix: ${fix}`}`);
    }
  }
  return failures.length === 0 ? 0 : 1;
}
