/** Collateral that is kept in the data folder and fetched when it is missing or old: what the parts of Bombyx go by, too. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Collateral, type CollateralNeed, type Failure, needsOf, type SnpCertificates } from '@bombyx/attest';
import { silentLogger, systemClock } from '@bombyx/base';
import { AMD_SERVICE, CollateralStore, EvidenceError, INTEL_SERVICE, NVIDIA_RIM_SERVICE } from '@bombyx/evidence';
import { dataDir } from '../state-file.ts';
import { type Arguments, CliError } from '../usage.ts';

/** Below the data folder, beside the state of the parts. */
const FOLDER = 'collateral';

/** @param atMs the time by which records are judged @param root DER of a root to believe in place of Intel's */
export function openStore(args: Arguments, atMs: number, root?: Uint8Array): CollateralStore {
  const intel = { endpoints: endpointsOf(args, 'pccs', INTEL_SERVICE), fmspcs: 'any', ...(root && { root }) } as const;
  const amd = { endpoints: endpointsOf(args, 'kds', AMD_SERVICE) };
  const nvidia = { endpoints: [{ url: NVIDIA_RIM_SERVICE }] };
  return new CollateralStore(
    { intel, amd, nvidia, folder: join(dataDir(args.text('data-dir')), FOLDER) },
    { clock: { ...systemClock, nowMs: () => atMs }, random: { bytes: randomBytes }, log: silentLogger },
  );
}

/** `--pccs URL…` and the like. @throws {CliError} `CLI_USAGE` */
export function endpointsOf(args: Arguments, option: string, vendor: string): { readonly url: string }[] {
  const urls = args.texts(option);
  const wrong = urls.find((url) => !URL.canParse(url) || !/^https?:/.test(url));
  if (wrong !== undefined) throw new CliError('CLI_USAGE', `--${option} must be a URL, not "${wrong}"`);
  return (urls.length === 0 ? [vendor] : urls).map((url) => ({ url }));
}

/** Certificates of the chip of a SEV-SNP report, or the failed check that there are none. */
export async function keptChip(
  report: Uint8Array,
  args: Arguments,
  atMs: number,
  signal: AbortSignal,
): Promise<SnpCertificates | Failure> {
  const fix = 'give them with --vcek FILE and --chain FILE, and the list of revoked chips with --crl FILE';
  const missing = (why: string): Failure => ({
    code: 'SNP_CERTIFICATES_MISSING',
    message: `no certificates of this chip: ${why}`,
    fix,
  });
  const { amd } = needsOf({ items: [{ kind: 'sev-snp', data: report }] });
  if (amd === undefined) return missing('the report does not tell which one it is');
  await using store = openStore(args, atMs);
  try {
    return (await store.amd.get(amd, signal)).certificates;
  } catch (error) {
    if (error instanceof EvidenceError) return missing(`${error.message} (${error.code})`);
    throw error;
  }
}

/** @returns the collateral, or the failed check that there is none */
export async function keptCollateral(
  need: CollateralNeed,
  args: Arguments,
  atMs: number,
  signal: AbortSignal,
): Promise<Collateral | Failure> {
  await using store = openStore(args, atMs);
  try {
    return await store.intel.get(need, signal);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return {
      code: 'COLLATERAL_MISSING',
      message: `no collateral for ${need.tee}, FMSPC ${need.fmspc}, CA ${need.ca}: ${error.message} (${error.code})`,
      fix: 'give it with --collateral FILE, or name a PCCS that answers with --pccs URL',
    };
  }
}
