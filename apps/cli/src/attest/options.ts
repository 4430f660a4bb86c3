/** What `bombyx attest verify` is told beside the evidence. */
import {
  builtinPolicy,
  type Failure,
  MalformedError,
  type Policy,
  parsePolicy,
  readCertificate,
  readPemCertificates,
  withMeasurements,
} from '@bombyx/attest';
import { doubledName } from '@bombyx/config';
import { type Arguments, CliError } from '../usage.ts';
import { describe, readBytes, readJson, textOf } from './files.ts';
import { instant } from './view.ts';

/** Days, or instants with their zone: `2026-02-05`, `2026-02-05T12:00:00Z`. */
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/** @returns ms since the epoch; now without `--at` @throws {CliError} `CLI_USAGE` */
export function timeOf(args: Arguments, nowMs = Date.now()): number {
  const text = args.text('at');
  if (text === undefined) return nowMs;
  const atMs = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  const day = text.slice(0, 10);
  if (Number.isNaN(atMs) || instant(Date.parse(day))?.slice(0, 10) !== day) {
    throw new CliError('CLI_USAGE', `--at must be a time such as 2026-02-05T12:00:00Z, not "${text}"`);
  }
  return atMs;
}

const BUILT_IN = ['any', 'fake_tdx', 'tdx', 'sev-snp'] as const;

/** A policy, and whether anything said which images it admits. */
export interface ChosenPolicy {
  readonly policy: Policy;
  readonly imagesJudged: boolean;
}

/**
 * `--policy NAME|FILE` and `--image HASH…`. A built-in policy takes its lists from the root contract, which is not at hand
 * here: the images are those of `--image`, or not judged, and the verdict says so.
 * @throws {CliError} `CLI_USAGE` for a name nobody knows, `CLI_CONFIG` for a file with every fault in it
 */
export function policyOf(args: Arguments): ChosenPolicy | undefined {
  const said = args.text('policy');
  const images = args.texts('image').map((text) => hexOf('image', text, 32).toString('hex'));
  if (said === undefined) {
    if (images.length > 0) throw new CliError('CLI_USAGE', '--image needs --policy: vendors know no images');
    return undefined;
  }
  const lists = { images: images.length === 0 ? ('any' as const) : images, models: 'any' as const };
  const name = BUILT_IN.find((known) => known === said);
  if (name !== undefined) {
    if (name === 'any' && images.length > 0) throw new CliError('CLI_USAGE', 'the policy any looks at no image');
    return { policy: withMeasurements(builtinPolicy(name), lists), imagesJudged: images.length > 0 };
  }
  if (said === 'simulated') throw new CliError('CLI_USAGE', 'the policy simulated needs a file that lists its roots');
  if (!/[./]/.test(said)) {
    const known = `${BUILT_IN.join(', ')}, or a JSON file (a policy simulated needs one)`;
    throw new CliError('CLI_USAGE', `there is no policy "${said}": name ${known}`);
  }
  const policy = policyFile(said);
  const judged = policy.type !== 'any' && policy.measurements !== 'any';
  const waits = judged && policy.measurements === 'root-contract';
  if (!waits) return { policy, imagesJudged: judged };
  return { policy: withMeasurements(policy, lists), imagesJudged: images.length > 0 };
}

function policyFile(file: string): Policy {
  const { value: json, text } = readJson(file, 'policy');
  const doubled = doubledName(text);
  if (doubled !== undefined) {
    throw new CliError('CLI_CONFIG', `the policy ${file} is wrong: the name ${JSON.stringify(doubled)} stands twice`);
  }
  const parsed = parsePolicy(json);
  if (parsed.ok) return parsed.policy;
  const faults = (parsed.failures as readonly Failure[]).map(({ message, fix }) =>
    fix ? `${message} (${fix})` : message,
  );
  throw new CliError('CLI_CONFIG', `the policy ${file} is wrong: ${faults.join('; ')}`);
}

/** @param option names the option of the value @throws {CliError} `CLI_USAGE` */
export function hexOf(option: string, text: string, size: number): Buffer {
  const digits = text.replace(/^0x/, '');
  if (digits.length !== 2 * size || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw new CliError('CLI_USAGE', `--${option} must be ${2 * size} hex digits`);
  }
  return Buffer.from(digits, 'hex');
}

export function optionalHex(args: Arguments, option: string, size: number): Uint8Array | undefined {
  const text = args.text(option);
  return text === undefined ? undefined : new Uint8Array(hexOf(option, text, size));
}

/** DER of the certificates in a file: PEM, or DER of one. @throws {CliError} `CLI_CONFIG` */
export function certificatesIn(file: string, what: string): Uint8Array[] {
  const bytes = readBytes(file, what);
  try {
    const ders = bytes[0] === 0x30 ? [bytes] : readPemCertificates(textOf(bytes) ?? '', 16);
    for (const der of ders) readCertificate(der);
    return ders;
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new CliError('CLI_CONFIG', `the ${what} ${file} is no certificate: it ${describe(bytes)}`, {}, { cause });
  }
}

/** The one certificate of `--root`, `--vcek` and the like. */
export function oneCertificate(args: Arguments, option: string): Uint8Array | undefined {
  const file = args.text(option);
  if (file === undefined) return undefined;
  const [first, ...more] = certificatesIn(file, option);
  if (first === undefined || more.length > 0) {
    throw new CliError(
      'CLI_CONFIG',
      `--${option} must name a file with one certificate, and ${file} has ${more.length + 1}`,
    );
  }
  return first;
}
