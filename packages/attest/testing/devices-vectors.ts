/** The recorded evidence of AMD and NVIDIA devices in `vectors/attestation`, and how to damage it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readPemCertificates } from '../src/x509/pem.ts';

const folder = fileURLToPath(new URL('../../../vectors/attestation/', import.meta.url));

export const readBytes = (file: string): Uint8Array => new Uint8Array(readFileSync(`${folder}${file}`));
export const readText = (file: string): string => readFileSync(`${folder}${file}`, 'utf8');
export const readJson = (file: string): unknown => JSON.parse(readText(file));

function listIn<T>(file: string, list: readonly T[]): readonly T[] {
  if (list.length === 0) throw new Error(`no cases in ${file}`); // lost vectors must not pass
  return list;
}

/** One entry of snp.json. */
export interface SnpCase {
  readonly file: string;
  readonly vcek: string;
  readonly chain: string;
  readonly vcekNotBefore: string;
  readonly vcekNotAfter: string;
  readonly arkSha256: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly version: number;
  readonly guestSvn: number;
  readonly policy: string;
  readonly debugAllowed: boolean;
  readonly migrationAgentAllowed: boolean;
  readonly smtAllowed: boolean;
  readonly vmpl: number;
  readonly signatureAlgo: number;
  readonly currentTcb: string;
  readonly platformInfo: string;
  readonly reportData: string;
  readonly measurement: string;
  readonly hostData: string;
  readonly reportedTcb: string;
  readonly chipId: string;
  readonly committedTcb: string;
  readonly launchTcb: string;
  readonly policyFindings: readonly string[];
}

export const snpCases = listIn('snp.json', readJson('snp.json') as SnpCase[]);

export function snpInput({ file, vcek, chain }: SnpCase) {
  const der = vcek.endsWith('.pem') ? (readPemCertificates(readText(vcek))[0] as Uint8Array) : readBytes(vcek);
  return { report: readBytes(file), certificates: { vcek: der, chain: readPemCertificates(readText(chain)) } };
}

/** One entry of nvidia.json. */
export interface GpuCase {
  readonly file: string;
  readonly index?: number;
  readonly nonceField?: string;
  readonly arch?: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly nonce: string;
  readonly signature: boolean;
  readonly chain: boolean;
  readonly rootPinned: boolean;
  readonly leafCn: string;
  readonly leafSerial: string;
  readonly leafNotBefore: string;
  readonly measurementBlocks: number;
  readonly driverVersion?: string;
  readonly vbiosOpaque: string;
  readonly chipSku?: string;
  readonly project?: string;
  readonly projectSku?: string;
  readonly nvdec0?: string;
  readonly fwidInReport?: string;
  readonly fwidsInCertificate: readonly string[];
  readonly fwidMatches: boolean | null;
  readonly ppcie?: string;
  readonly opaqueVersion?: string;
  readonly featureFlag?: string;
  readonly opaqueTypes: readonly number[];
  readonly measurementsSha384: string;
}

export const gpuCases = listIn('nvidia.json', readJson('nvidia.json') as GpuCase[]);

export const caseName = ({ file, index }: GpuCase) => (index === undefined ? file : `${file} #${index}`);

export function gpuCase(file: string): GpuCase {
  const found = gpuCases.find((entry) => entry.file === `nvidia/evidence/${file}`);
  if (found === undefined) throw new Error(`no case ${file}`);
  return found;
}

interface Collected {
  readonly evidence: string;
  readonly certificate: string;
  readonly nonce: string;
  readonly arch: string;
}

export function collectedIn({ file }: GpuCase): readonly Collected[] {
  const value = readJson(file) as Collected[] | { evidences: Collected[] };
  return 'evidences' in value ? value.evidences : value;
}

export function gpuInput(entry: GpuCase) {
  if (entry.index === undefined) {
    return { evidence: readBytes(entry.file), certificates: readText(entry.file.replace(/bin$/, 'chain.pem')) };
  }
  const collected = collectedIn(entry)[entry.index] as Collected;
  const decode = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
  return {
    evidence: decode(collected.evidence),
    certificates: new TextDecoder().decode(decode(collected.certificate)),
  };
}

/** One entry of nvidia-rim.json. */
export interface RimCase {
  readonly file: string;
  readonly xmlSignature: boolean;
  readonly chainSignatures: boolean;
  readonly rootPinned: boolean;
  readonly version: string;
  readonly signerCn: string;
  /** "2024-12-30..2026-12-30" */
  readonly signerValidity: string;
  readonly measurementsListed: number;
  readonly measurementsActive: number;
}

interface Matched {
  readonly matched: number;
  readonly mismatchedRimIndexes: readonly number[];
}

export interface MatchCase {
  readonly evidence: string;
  readonly driverRim: string | null;
  readonly vbiosRim: string | null;
  readonly driver?: Matched;
  readonly vbios?: Matched;
}

const rimFile = readJson('nvidia-rim.json') as { rims: RimCase[]; matches: MatchCase[] };
export const rimCases = listIn('nvidia-rim.json', rimFile.rims);
export const matchCases = listIn('nvidia-rim.json', rimFile.matches);

/** A day inside the signer's validity. */
export const duringMs = ({ signerValidity }: RimCase) => Date.parse(signerValidity.slice(0, 10)) + 1.5 * 86_400_000;

/**
 * Different single bits of the given range, spread by a fixed sequence, so that a failure can be repeated.
 * @returns copies, each with one bit turned
 */
export function* turnedBits(bytes: Uint8Array, ranges: readonly (readonly [number, number])[], count: number) {
  const places = ranges.flatMap(([from, to]) => Array.from({ length: (to - from) * 8 }, (_, i) => from * 8 + i));
  let state = 0x2545_f491;
  for (let i = 0; i < count && places.length > 0; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const [bit = 0] = places.splice(state % places.length, 1);
    const copy = bytes.slice();
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    yield { bit, copy };
  }
}
