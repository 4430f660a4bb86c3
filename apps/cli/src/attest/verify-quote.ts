/** `attest verify` of a TDX or SGX quote: Intel's rules, and a policy if one is named. */
import {
  type Collateral,
  type CollateralNeed,
  collateralNeed,
  type Failure,
  imageHash,
  judgeMachine,
  MalformedError,
  type QuoteVerdict,
  verifyEventLogs,
  verifyQuote,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import type { Evidence } from './kinds.ts';
import type { ChosenPolicy } from './options.ts';
import { viewQuote } from './show-quote.ts';
import { type Outcome, vendorFirst } from './verdict.ts';
import { hex, instant, present, type Row } from './view.ts';

export interface QuoteChecks {
  readonly atMs: number;
  readonly root: Uint8Array | undefined;
  readonly chosen: ChosenPolicy | undefined;
  /** A log that must lead to the registers of the quote. */
  readonly eventLog: Evidence | undefined;
  /** Where collateral comes from; a failure says why there is none. */
  collateral(need: CollateralNeed | undefined): Promise<Collateral | Failure>;
}

export async function verifyQuoteFile(bytes: Uint8Array, checks: QuoteChecks): Promise<Outcome> {
  const { atMs, root, chosen } = checks;
  const found = await checks.collateral(collateralNeed(bytes));
  const collateral = 'code' in found ? undefined : found;
  const verdict = collateral ? verifyQuote(bytes, collateral, { atMs, crypto: nodeCrypto, root }) : unjudged(bytes);
  const missing = 'code' in found ? [found] : [];
  return {
    title: titleOf(bytes),
    rules: chosen === undefined ? "Intel's rules" : `Intel's rules and the policy "${chosen.policy.name}"`,
    failures: [
      ...vendorFirst(
        [...missing, ...(verdict.ok ? [] : verdict.failures)],
        policyFailures(bytes, verdict, found, checks),
      ),
      ...logFailures(verdict, checks.eventLog),
    ],
    genuine: verdict.ok,
    facts: factsOf(verdict, chosen),
    rows: rowsOf(verdict, chosen),
  };
}

/** By whatever kind of policy: one for other machines hides nothing of what Intel's rules say. */
function policyFailures(
  data: Uint8Array,
  { quote }: QuoteVerdict,
  found: Collateral | Failure,
  { atMs, root, chosen }: QuoteChecks,
): readonly Failure[] {
  if (chosen === undefined || chosen.policy.type === 'any' || quote === undefined) return [];
  const trust = 'code' in found ? {} : { intel: { collateral: found, ...(root && { root }) } };
  return judgeMachine([{ kind: quote.tee, data }], chosen.policy, trust, { atMs, crypto: nodeCrypto }).failures;
}

function logFailures({ quote }: QuoteVerdict, log: Evidence | undefined): readonly Failure[] {
  if (log === undefined || quote === undefined) return [];
  if (quote.body.kind === 'sgx') return [{ code: 'LOG_REGISTER_MISMATCH', message: 'an SGX enclave has no event log' }];
  const logs =
    log.kind === 'ccel-log' ? { ccel: log.bytes } : { dstack: log.kind === 'dstack-log' ? log.events : undefined };
  const verdict = verifyEventLogs(logs, quote.body.rtmr, nodeCrypto);
  return verdict.ok ? [] : verdict.failures;
}

/** Without collateral only the bytes can be judged. */
function unjudged(bytes: Uint8Array): QuoteVerdict {
  const nothing = {} as Collateral; // the failures it causes are not told: the one that there is none is
  const verdict = verifyQuote(bytes, nothing, { atMs: 0, crypto: nodeCrypto });
  if (verdict.ok || verdict.quote === undefined) return verdict;
  return { ...verdict, failures: [] };
}

function titleOf(bytes: Uint8Array): string {
  try {
    return viewQuote(bytes).title;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return 'not a TDX or SGX quote';
  }
}

/** In the words of cases.json; what only a good verdict knows is missing from a bad one. */
export function factsOf(verdict: QuoteVerdict, chosen: ChosenPolicy | undefined): Record<string, unknown> {
  const { policyFindings, quote } = verdict;
  const image = quote && { imageHash: hex(imageHash(quote, nodeCrypto)) };
  const policy = chosen && { policy: chosen.policy.name, imageJudged: chosen.imagesJudged };
  if (!verdict.ok) return { policyFindings, ...image, ...policy };
  return {
    tcbStatus: verdict.tcbStatus,
    advisories: verdict.advisories,
    tcbDate: verdict.tcbDate,
    tdxModule: verdict.tdxModule ?? null,
    qeStatus: verdict.qeStatus,
    evaluationNumber: verdict.evaluationNumber,
    collateralExpiresAt: instant(verdict.collateralExpiresAtMs),
    policyFindings,
    fmspc: verdict.fmspc,
    platform: hex(verdict.platform),
    ...image,
    ...policy,
  };
}

/** What each finding means to somebody who is not told by Intel. */
const meaning: Readonly<Record<string, string>> = {
  DEBUG: 'DEBUG: the host can read the memory of this TD',
  SGX_DEBUG: 'SGX_DEBUG: the host can read the memory of this enclave',
  SERVICE_TD: 'SERVICE_TD: another TD may move this one to another machine',
  MIGRATABLE: 'MIGRATABLE: the TD may be moved to another machine',
  NO_SEPT_VE_DISABLE: 'NO_SEPT_VE_DISABLE: the host can make pages vanish under the guest',
};

function rowsOf(verdict: QuoteVerdict, chosen: ChosenPolicy | undefined): Row[] {
  const { quote, policyFindings } = verdict;
  if (quote === undefined) return [];
  const findings = policyFindings.map((finding) => meaning[finding] ?? finding);
  const unjudgedImage = chosen !== undefined && !chosen.imagesJudged ? ' (not judged: name it with --image)' : '';
  const shown: Row[] = present([
    ['image hash', `${hex(imageHash(quote, nodeCrypto))}${unjudgedImage}`],
    ['findings', findings.length === 0 ? 'none' : findings.join('; ')],
  ]);
  if (!verdict.ok) return shown;
  const { tcbStatus, tcbDate, advisories, tdxModule, qeStatus, evaluationNumber, collateralExpiresAtMs } = verdict;
  return present([
    ['TCB status', `${tcbStatus}, level of ${tcbDate.slice(0, 10)}`],
    ['advisories', advisories.length === 0 ? 'none' : advisories.join(', ')],
    ['TDX module', tdxModule],
    ['quoting enclave', qeStatus],
    ['evaluation', evaluationNumber],
    ['holds until', instant(collateralExpiresAtMs)],
    ['platform', `${hex(verdict.platform)}, FMSPC ${verdict.fmspc}`],
    ...shown.filter((row) => typeof row !== 'string'),
  ]);
}
