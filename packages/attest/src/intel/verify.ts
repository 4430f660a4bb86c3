/** The verdict on an SGX or TDX quote by Intel's rules, in the order of attestation.md §6; every failed check is told. */
import { equalBytes } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { type Collateral, OpenedCollateral, openCollateral } from './collateral.ts';
import { type PolicyFinding, policyFindings } from './findings.ts';
import { type Quote, readQuote } from './quote.ts';
import { failure, type IntelFailure } from './reasons.ts';
import { INTEL_ROOT } from './root.ts';
import { judgeQuote } from './rules.ts';
import type { PartStatus } from './tcb-info.ts';
import type { TcbStatus } from './tcb-level.ts';

export interface QuoteOptions {
  /** The time to judge at, ms since the epoch. */
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  /** DER of a root to believe in place of Intel's. */
  readonly root?: Uint8Array | undefined;
}

/** By Intel's rules: whether such a machine is let in, with these findings, is the business of a policy. */
export type QuoteVerdict =
  | {
      readonly ok: true;
      readonly quote: Quote;
      readonly tcbStatus: TcbStatus;
      /** Intel's advisories that apply to the level, the module and the QE; sorted. */
      readonly advisories: readonly string[];
      /** Of the platform's level, as Intel writes it. */
      readonly tcbDate: string;
      /** Identity of the TDX module: `TDX_` and two hex digits. */
      readonly tdxModule?: string;
      readonly qeStatus: PartStatus;
      /** The lower of TCB info's and QE identity's. */
      readonly evaluationNumber: number;
      /** Earliest end of anything this verdict rests on, certificates included. */
      readonly collateralExpiresAtMs: number;
      /** SHA-256 of the PPID: one CPU package, one value. */
      readonly platform: Uint8Array;
      /** 12 lower-case hex digits. */
      readonly fmspc: string;
      readonly policyFindings: readonly PolicyFinding[];
    }
  | {
      readonly ok: false;
      /** Never empty; the first is the reason. */
      readonly failures: readonly IntelFailure[];
      /** Undefined when the bytes are no quote. What it says is believed by nobody. */
      readonly quote?: Quote;
      readonly policyFindings: readonly PolicyFinding[];
    };

/** Never throws for what is in the bytes or the collateral. */
export function verifyQuote(
  bytes: Uint8Array,
  collateral: Collateral | OpenedCollateral,
  { atMs, crypto, root = INTEL_ROOT }: QuoteOptions,
): QuoteVerdict {
  let quote: Quote;
  try {
    quote = readQuote(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { ok: false, failures: [failure('QUOTE_FORMAT', error.message)], policyFindings: [] };
  }
  const opened = openedFor(collateral, crypto, root);
  const platform = opened.platform(quote.platform);
  const findings = policyFindings(quote);
  const { failures, level } = judgeQuote(quote, platform, opened, atMs);
  const { chain, id } = platform;
  const [tcbInfo, qeIdentity] = [opened.tcbInfo.value, opened.qeIdentity.value];
  if (failures.length > 0 || !level?.ok || !chain || !id || !tcbInfo || !qeIdentity)
    return { ok: false, failures, quote, policyFindings: findings };
  return {
    ...level,
    quote,
    evaluationNumber: Math.min(tcbInfo.evaluationNumber, qeIdentity.evaluationNumber),
    collateralExpiresAtMs: Math.min(opened.expiresAtMs, chain.leaf.notAfterMs, chain.intermediate.notAfterMs),
    platform: id,
    fmspc: chain.extension.fmspc,
    policyFindings: findings,
  };
}

/** Collateral opened under another root is opened again under the one asked for. */
function openedFor(
  collateral: Collateral | OpenedCollateral,
  crypto: AttestCrypto,
  root: Uint8Array,
): OpenedCollateral {
  if (!(collateral instanceof OpenedCollateral)) return openCollateral(collateral, { crypto, root });
  return equalBytes(collateral.trusted, root) ? collateral : openCollateral(collateral.source, { crypto, root });
}
