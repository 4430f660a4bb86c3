/** `attest show`: whatever the file is, what it says. */
import { MalformedError } from '@bombyx/attest';
import { plain } from '../table.ts';
import { CliError } from '../usage.ts';
import { readBytes } from './files.ts';
import { type Evidence, recognise } from './kinds.ts';
import { viewBundle } from './show-bundle.ts';
import { viewCertificates } from './show-certificate.ts';
import { viewCollateral } from './show-collateral.ts';
import { viewCcelLog, viewCcelTable, viewDstackLog } from './show-event-log.ts';
import { viewGpus, viewRim, viewTokens } from './show-nvidia.ts';
import { viewQuote } from './show-quote.ts';
import { viewSnp } from './show-snp.ts';
import { viewTdReport } from './show-td-report.ts';
import { linesOf, type View } from './view.ts';

export const KINDS =
  'a TDX or SGX quote, a TDREPORT, an SEV-SNP report, NVIDIA evidence, a RIM, NRAS tokens, certificates, an event log, collateral or a bundle of ours';

/** @throws {CliError} `CLI_CONFIG` for a file that is no evidence, or damaged evidence */
export function show(file: string, json: boolean): number {
  const evidence = recognise(readBytes(file, 'evidence'));
  const view = viewOf(evidence, file);
  if (json) console.log(JSON.stringify({ file, kind: evidence.kind, title: view.title, ...view.json }));
  else {
    console.log(plain(view.title));
    for (const line of linesOf(view.rows)) console.log(line);
  }
  return 0;
}

export function viewOf(evidence: Evidence, file: string): View {
  try {
    return view(evidence, file);
  } catch (cause) {
    if (!(cause instanceof MalformedError || cause instanceof SyntaxError)) throw cause;
    throw new CliError('CLI_CONFIG', `the ${evidence.kind} ${file} cannot be read: ${cause.message}`, {}, { cause });
  }
}

function view(evidence: Evidence, file: string): View {
  switch (evidence.kind) {
    case 'quote':
      return viewQuote(evidence.bytes);
    case 'td-report':
      return viewTdReport(evidence.bytes);
    case 'snp-report':
      return viewSnp(evidence.bytes);
    case 'gpu':
      return viewGpus(evidence.devices);
    case 'rim':
      return viewRim(evidence.xml);
    case 'nras':
      return viewTokens(evidence.tokens);
    case 'certificates':
      return viewCertificates(evidence);
    case 'ccel-table':
      return viewCcelTable(evidence.bytes);
    case 'ccel-log':
      return viewCcelLog(evidence.bytes);
    case 'dstack-log':
      return viewDstackLog(evidence.events);
    case 'collateral':
      return viewCollateral(evidence.fields, file);
    case 'bundle':
      return viewBundle(evidence.bytes);
    case 'unknown':
      throw new CliError('CLI_CONFIG', `the file ${file} ${evidence.reason}, and is no evidence known here: ${KINDS}`);
  }
}
