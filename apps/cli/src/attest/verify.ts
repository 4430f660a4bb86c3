/** `attest verify`: the verdict on one piece of evidence, by the rules of whoever made it and by a policy. */
import type { Collateral, CollateralNeed, Failure } from '@bombyx/attest';
import { type Arguments, CliError } from '../usage.ts';
import { collateralFor } from './collateral-source.ts';
import { readBytes, textOf } from './files.ts';
import { refuseForeignOptions } from './foreign-options.ts';
import { type Evidence, identity, recognise } from './kinds.ts';
import { oneCertificate, policyOf, timeOf } from './options.ts';
import { KINDS } from './show.ts';
import { type Outcome, tell } from './verdict.ts';
import { verifyGpuFile, verifyRimFile, verifyTokensFile } from './verify-nvidia.ts';
import { verifyBundleFile, verifyCertificateFile } from './verify-peer.ts';
import { type QuoteChecks, verifyQuoteFile } from './verify-quote.ts';
import { verifySnpFile } from './verify-snp.ts';

/** @returns 0 only for evidence without a failed check */
export async function verify(file: string, args: Arguments, signal: AbortSignal): Promise<number> {
  const evidence = recognise(readBytes(file, 'evidence'));
  refuseForeignOptions(evidence, file, args);
  const atMs = timeOf(args);
  const checks: QuoteChecks = {
    atMs,
    chosen: policyOf(args),
    root: oneCertificate(args, 'root'),
    eventLog: eventLogOf(args),
    collateral: collateralOnce(args, atMs, signal),
  };
  return tell(await outcomeOf(evidence, file, args, checks, signal), atMs, args.flag('json'));
}

async function outcomeOf(
  evidence: Evidence,
  file: string,
  args: Arguments,
  checks: QuoteChecks,
  signal: AbortSignal,
): Promise<Outcome> {
  const { atMs, chosen } = checks;
  switch (evidence.kind) {
    case 'quote':
      return await verifyQuoteFile(evidence.bytes, checks);
    case 'snp-report':
      return await verifySnpFile(evidence.bytes, args, atMs, chosen, signal);
    case 'gpu':
      withoutPolicy(args, 'GPU evidence');
      return verifyGpuFile(evidence.devices, args, atMs);
    case 'rim':
      withoutPolicy(args, 'a RIM');
      return verifyRimFile(evidence.xml, args, atMs);
    case 'nras':
      withoutPolicy(args, 'tokens');
      return verifyTokensFile(evidence.tokens, args, atMs);
    case 'certificates':
      return await verifyCertificateFile(evidence, args, checks);
    case 'bundle':
      return await verifyBundleFile(evidence.bytes, args, checks, signal);
    case 'td-report':
      throw cannot(file, 'is a TDREPORT: only the machine that made it can check its MAC');
    case 'ccel-log':
    case 'ccel-table':
    case 'dstack-log':
      throw cannot(
        file,
        'is an event log: it proves nothing by itself; compare the registers of "attest show" with a quote',
      );
    case 'collateral':
      throw cannot(file, 'is collateral: say --collateral, and verify a quote with it');
    case 'unknown':
      return unknown(await verifyQuoteFile(evidence.bytes, checks), evidence);
  }
}

function eventLogOf(args: Arguments): Evidence | undefined {
  const file = args.text('event-log');
  if (file === undefined) return undefined;
  const log = recognise(readBytes(file, 'event log'));
  if (log.kind === 'ccel-log' || log.kind === 'dstack-log') return log;
  throw new CliError('CLI_CONFIG', `the event log ${file} is none: it ${identity(log)}`);
}

/** What is recognised as nothing was meant as a quote more often than not; the sentence says what it really is. */
function unknown(outcome: Outcome, { bytes, reason }: Extract<Evidence, { kind: 'unknown' }>): Outcome {
  const failures = outcome.failures.map((failure) => {
    if (failure.code !== 'QUOTE_FORMAT') return failure;
    const isText = textOf(bytes) !== undefined; // which version of a quote its first letters would be tells nobody anything
    const message = `the file ${reason}${isText ? '' : `; as a quote it would be: ${failure.message}`}`;
    return { ...failure, message, fix: `give evidence: ${KINDS}` };
  });
  return { ...outcome, failures };
}

function cannot(file: string, why: string): CliError {
  return new CliError('CLI_USAGE', `${file} ${why}`);
}

function withoutPolicy(args: Arguments, what: string): void {
  if (args.text('policy') === undefined) return;
  throw new CliError('CLI_USAGE', `policies judge machines, not ${what} alone: leave --policy out`);
}

/** Read or fetched when first needed: a file that is no collateral is told even where it would change nothing. */
function collateralOnce(args: Arguments, atMs: number, signal: AbortSignal) {
  let found: Promise<Collateral | Failure> | undefined;
  return (need: CollateralNeed | undefined) => {
    found ??= collateralFor(need, args, atMs, signal);
    return found;
  };
}
