/** `attest verify` of what one part shows another: certificates of TLS, and bundles. */
import {
  type AttestedPeer,
  collateralNeed,
  decodeClaims,
  decodeEvidence,
  type EvidenceItem,
  type Failure,
  judgeCertificate,
  judgePeer,
  judgeQuotedCertificate,
  MalformedError,
  needsOf,
  type PeerVerdict,
  QUOTE_OID,
  type Role,
  readPemCertificates,
  reportDataV1,
  type Trust,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { type Arguments, CliError } from '../usage.ts';
import { type ChosenPolicy, optionalHex } from './options.ts';
import { FAKE_QUOTE_BYTES, viewCertificates } from './show-certificate.ts';
import { viewQuote } from './show-quote.ts';
import type { Outcome } from './verdict.ts';
import { type QuoteChecks, verifyQuoteFile } from './verify-quote.ts';
import { hex, instant, present, type Row, readable } from './view.ts';

const crypto = nodeCrypto;

/**
 * A certificate of TLS: what no policy decides, and then the policy; without one, the quote inside by Intel's rules. It is
 * judged as that of a server unless `--role client` says otherwise.
 */
export async function verifyCertificateFile(
  { pem, der }: { readonly pem?: string; readonly der?: Uint8Array },
  args: Arguments,
  checks: QuoteChecks,
): Promise<Outcome> {
  const { atMs, chosen } = checks;
  const bytes = der ?? onlyOne(pem ?? '');
  const role = args.text('role') ?? 'server';
  if (role !== 'server' && role !== 'client') throw new CliError('CLI_USAGE', '--role must be server or client');
  if (chosen !== undefined && checks.eventLog !== undefined)
    throw new CliError(
      'CLI_USAGE',
      'policies judge certificates without an event log: leave --event-log or --policy out',
    );
  const plain = judgeCertificate(bytes, role as Role, atMs, crypto);
  const view = readable(() => viewCertificates({ der: bytes }), 'certificate that cannot be read');
  const quote = plain.ok ? plain.certificate.extensions.get(QUOTE_OID)?.value : undefined;
  const rules = `the rules for certificates of TLS${chosen === undefined ? '' : ` and the policy "${chosen.policy.name}"`}`;
  const shown = { title: view.title, rules, rows: view.rows };
  if (!plain.ok) return { ...shown, failures: plain.failures.map(coded), genuine: false, facts: view.json };
  if (chosen === undefined) {
    const inside = await judgeInside(quote, plain.publicKey, checks);
    return {
      ...shown,
      ...inside,
      rules: `${rules}, and the quote by Intel's`,
      facts: { ...view.json, ...inside.facts },
    };
  }
  const trust = chosen.policy.type === 'tdx' && quote !== undefined ? await intelTrust(quote, checks) : {};
  const missing = 'code' in trust ? [trust] : [];
  const verdict = judgeQuotedCertificate(plain.certificate, chosen.policy, 'code' in trust ? {} : trust, {
    atMs,
    crypto,
  });
  const outcome = outcomeOf(verdict, chosen, missing);
  return { ...shown, ...outcome, facts: { ...view.json, ...outcome.facts } };
}

type Judged = Pick<Outcome, 'failures' | 'genuine' | 'facts'>;

/** Without a policy: what Intel says of the quote, and that it was made for the key of the certificate. */
async function judgeInside(quote: Uint8Array | undefined, publicKey: Uint8Array, checks: QuoteChecks): Promise<Judged> {
  const refused = (failure: Failure): Judged => ({ failures: [failure], genuine: false, facts: {} });
  if (quote === undefined) {
    const fix = 'say --policy any to judge the certificate alone';
    return refused({
      code: 'EVIDENCE_MISSING',
      message: 'the certificate has no quote, so no vendor vouches for it',
      fix,
    });
  }
  if (quote.length === FAKE_QUOTE_BYTES) {
    const message = `the quote is the fake_tdx stand-in of ${FAKE_QUOTE_BYTES} bytes, which anybody can write`;
    return refused({ code: 'QUOTE_STAND_IN', message, fix: 'say --policy fake_tdx to judge it as what it is' });
  }
  const { failures, genuine, facts } = await verifyQuoteFile(quote, checks);
  const reportData = readable(() => viewQuote(quote), '').json['reportData'];
  if (reportData === undefined || reportData === hex(reportDataV1(publicKey, crypto)))
    return { failures, genuine, facts };
  const message = 'the quote was made for another key than that of the certificate';
  return { failures: [...failures, { code: 'BINDING_REPORT_DATA', message }], genuine, facts };
}

/** A certificate of TLS comes alone. @throws {CliError} `CLI_CONFIG` */
function onlyOne(pem: string): Uint8Array {
  try {
    const [first, ...more] = readPemCertificates(pem, 16);
    if (first !== undefined && more.length === 0) return first;
    throw new CliError('CLI_CONFIG', `a certificate of TLS comes alone; this file has ${more.length + 1}`);
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new CliError('CLI_CONFIG', `the certificate cannot be read: ${cause.message}`, {}, { cause });
  }
}

/** The rules for certificates tell sentences only. */
function coded(failure: string | Failure): Failure {
  return typeof failure === 'string' ? { code: 'CERT_RULES', message: failure } : failure;
}

/** Collateral for the quote of a peer, or why there is none. */
async function intelTrust(quote: Uint8Array, { collateral, root }: QuoteChecks): Promise<Trust | Failure> {
  const need = collateralNeed(quote);
  if (need === undefined) return {};
  const found = await collateral(need);
  return 'code' in found ? found : { intel: { collateral: found, ...(root && { root }) } };
}

/** All that vendors say of what is in a bundle: what is named on the command line, and for the rest what is kept or fetched. */
async function trustFor(
  items: readonly EvidenceItem[],
  args: Arguments,
  checks: QuoteChecks,
  signal: AbortSignal,
): Promise<[Trust, readonly Failure[]]> {
  const { intel, ...others } = needsOf({ items });
  const quote = items.find(({ kind }) => kind === 'tdx')?.data;
  const found = quote === undefined || intel === undefined ? {} : await intelTrust(quote, checks);
  const [named, missing] = 'code' in found ? [{}, [found]] : [found, []];
  if (others.amd === undefined && others.rims.length === 0) return [named, missing];
  const { openStore } = await import('./kept-collateral.ts');
  await using store = openStore(args, checks.atMs);
  const rest = await store.trustFor(others, signal);
  return rest.ok ? [{ ...rest.trust, ...named }, missing] : [named, [...missing, ...rest.failures]];
}

/** A bundle holds for one connection: `--nonce`, `--exporter` and the policy say which and for whom. */
export async function verifyBundleFile(
  bytes: Uint8Array,
  args: Arguments,
  checks: QuoteChecks,
  signal: AbortSignal,
): Promise<Outcome> {
  const { atMs, chosen } = checks;
  const nonce = optionalHex(args, 'nonce', 32);
  const exporter = optionalHex(args, 'exporter', 32);
  if (chosen === undefined || nonce === undefined || exporter === undefined) {
    const need = 'a bundle belongs to one connection: say --policy, --nonce HEX and --exporter HEX of that connection';
    throw new CliError('CLI_USAGE', need);
  }
  const title = 'evidence bundle';
  const rules = `the policy "${chosen.policy.name}"`;
  try {
    const { claims: encoded, items } = decodeEvidence(bytes);
    const claims = decodeClaims(encoded);
    const [trust, missing] = await trustFor(items, args, checks, signal);
    const publicKey = optionalHex(args, 'key', 32) ?? claims.publicKey;
    const binding = { role: claims.role, nonce, exporter, publicKey };
    const verdict = judgePeer(bytes, binding, chosen.policy, trust, { atMs, crypto });
    return { title: `${title} of a ${claims.role}`, rules, ...outcomeOf(verdict, chosen, missing) };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return {
      title,
      rules,
      failures: [{ code: 'EVIDENCE_FORMAT', message: error.message }],
      genuine: false,
      facts: {},
      rows: [],
    };
  }
}

function outcomeOf(
  verdict: PeerVerdict,
  chosen: ChosenPolicy,
  missing: readonly Failure[],
): Pick<Outcome, 'failures' | 'genuine' | 'facts' | 'rows'> {
  const peer = verdict.ok ? verdict.peer : (verdict.seen ?? {});
  const told = new Set(missing.map(({ code }) => code)); // a judge without collateral says so, too
  const failures = verdict.ok ? [] : verdict.failures.filter(({ code }) => !told.has(code));
  return {
    failures: [...missing, ...failures],
    genuine: verdict.ok,
    facts: { policy: chosen.policy.name, imageJudged: chosen.imagesJudged, ...peerFacts(peer) },
    rows: peerRows(peer),
  };
}

function peerFacts(peer: Partial<AttestedPeer>): Record<string, unknown> {
  const { imageHash, publicKey, modelHash, promptKey, platform, evidenceDigest, notBeforeMs, expiresAtMs, ...rest } =
    peer;
  const bytes = Object.entries({ imageHash, publicKey, modelHash, promptKey, platform, evidenceDigest });
  return {
    ...rest,
    ...Object.fromEntries(bytes.flatMap(([name, value]) => (value === undefined ? [] : [[name, hex(value)]]))),
    expiresAt: instant(expiresAtMs) ?? null,
  };
}

function peerRows(peer: Partial<AttestedPeer>): Row[] {
  const tier =
    peer.tier === 'simulated'
      ? 'SIMULATED: proves no enclave'
      : peer.tier === 'open'
        ? 'open: not attested'
        : peer.tier;
  return present([
    ['tier', tier],
    ['image hash', peer.imageHash && hex(peer.imageHash)],
    ['key', peer.publicKey && hex(peer.publicKey)],
    ['model', peer.model],
    ['owner', peer.owner === '' ? undefined : peer.owner],
    ['TCB status', peer.tcbStatus],
    ['advisories', peer.advisories?.length ? peer.advisories.join(', ') : undefined],
    ['platform', peer.platform && hex(peer.platform)],
    [
      'GPUs',
      peer.gpus?.length
        ? peer.gpus.map(({ chip, driver, vbios }) => `${chip} ${driver} ${vbios}`).join('; ')
        : undefined,
    ],
    [
      'fresh',
      peer.fresh === undefined
        ? undefined
        : peer.fresh
          ? 'made for this connection'
          : 'no: the quote names a key, not a connection',
    ],
    ['holds until', instant(peer.expiresAtMs)],
  ]);
}
