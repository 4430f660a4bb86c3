/** `attest verify` of SEV-SNP reports: AMD's rules, and a policy if one is named. */
import {
  type Failure,
  judgeMachine,
  type SnpCertificates,
  type SnpVerdict,
  type Trust,
  verifySnp,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { type Arguments, CliError } from '../usage.ts';
import { readBytes } from './files.ts';
import { type ChosenPolicy, certificatesIn, oneCertificate } from './options.ts';
import { viewSnp } from './show-snp.ts';
import { type Outcome, vendorFirst } from './verdict.ts';
import { instant, present, type Row, readable } from './view.ts';

const crypto = nodeCrypto;

/** `--vcek FILE --chain FILE [--crl FILE]`, or what AMD's key service answers for the chip. */
export async function verifySnpFile(
  bytes: Uint8Array,
  args: Arguments,
  atMs: number,
  chosen: ChosenPolicy | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const view = readable(() => viewSnp(bytes), 'a damaged SEV-SNP report');
  const title = view.title;
  const rules = chosen === undefined ? "AMD's rules" : `AMD's rules and the policy "${chosen.policy.name}"`;
  const policy = chosen && { policy: chosen.policy.name, imageJudged: chosen.imagesJudged };
  const root = oneCertificate(args, 'root');
  const roots = root && { roots: [root] };
  const certificates = await chipCertificates(bytes, args, atMs, signal);
  const judged = (trust: Trust) =>
    chosen === undefined || chosen.policy.type === 'any'
      ? []
      : judgeMachine([{ kind: 'sev-snp', data: bytes }], chosen.policy, trust, { atMs, crypto }).failures;
  if ('code' in certificates) {
    const failures = vendorFirst([certificates], judged({}));
    return { title, rules, failures, genuine: false, facts: { ...view.json, ...policy }, rows: view.rows };
  }
  const verdict = verifySnp(bytes, certificates, { atMs, crypto, ...roots });
  const failures = vendorFirst(verdict.ok ? [] : verdict.failures, judged({ amd: { ...certificates, ...roots } }));
  return {
    title,
    rules,
    failures,
    genuine: verdict.ok,
    facts: { ...snpFacts(verdict), ...view.json, ...policy },
    rows: [...snpRows(verdict), ...view.rows],
  };
}

async function chipCertificates(
  report: Uint8Array,
  args: Arguments,
  atMs: number,
  signal: AbortSignal,
): Promise<SnpCertificates | Failure> {
  const vcek = oneCertificate(args, 'vcek');
  const chain = args.text('chain');
  const crl = args.text('crl');
  if (vcek !== undefined && chain !== undefined) {
    const list = crl !== undefined && { crl: readBytes(crl, 'revocation list') };
    return { vcek, chain: certificatesIn(chain, 'chain'), ...list };
  }
  if (vcek !== undefined || chain !== undefined || crl !== undefined) {
    throw new CliError('CLI_USAGE', '--vcek and --chain belong together, and --crl to both');
  }
  const { keptChip } = await import('./kept-collateral.ts');
  return await keptChip(report, args, atMs, signal);
}

function snpFacts(verdict: SnpVerdict): Record<string, unknown> {
  if (!verdict.ok) return {};
  return { tcb: verdict.tcb, revocation: verdict.revocation, expiresAt: instant(verdict.expiresAtMs) };
}

function snpRows(verdict: SnpVerdict): Row[] {
  if (!verdict.ok) return [];
  const { revocation, expiresAtMs } = verdict;
  return present([
    ['revocation', revocation === 'good' ? 'not revoked' : 'not asked: give the list with --crl'],
    ['holds until', instant(expiresAtMs)],
  ]);
}
