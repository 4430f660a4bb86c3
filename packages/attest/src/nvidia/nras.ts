/**
 * Judges the answer of NVIDIA's remote attestation service: an outer token and one for each GPU, which the outer one names
 * by digest. Source: attestation.md §14.1 and §14.4.
 */
import { attempt } from '../attempt.ts';
import { toHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { type Claims, isSignedToken, objectOf, readKeys, readToken, type Token } from './jwt.ts';

export type NrasReason =
  | 'NRAS_FORMAT'
  | 'NRAS_KEYS'
  | 'NRAS_ALGORITHM'
  | 'NRAS_KEY'
  | 'NRAS_SIGNATURE'
  | 'NRAS_ISSUER'
  | 'NRAS_NOT_YET'
  | 'NRAS_EXPIRED'
  | 'NRAS_NONCE'
  | 'NRAS_RESULT'
  | 'NRAS_DIGEST'
  | 'NRAS_CLAIMS';

export const NRAS_ISSUER = 'https://nras.attestation.nvidia.com';
/** Most GPUs in one answer. */
const MAX_SUBMODULES = 16;

export interface NrasOptions {
  /** Keys to believe, as JSON.parse gives them. */
  readonly jwks: unknown;
  /** DER: with it, keys count only with certificates that lead to it. */
  readonly root?: Uint8Array;
  /** 32 bytes that we asked with. */
  readonly nonce: Uint8Array;
  readonly atMs: number;
  readonly crypto: AttestCrypto;
}

/** What NVIDIA says about one GPU. */
export interface NrasGpu {
  /** "GPU-0". */
  readonly name: string;
  readonly model: string;
  readonly driver: string;
  readonly vbios: string;
  /** Serial number of the leaf certificate, decimal. */
  readonly ueid: string;
}

export type NrasVerdict =
  | { readonly ok: true; readonly gpus: readonly NrasGpu[]; readonly expiresAtMs: number }
  | { readonly ok: false; readonly failures: readonly Failure<NrasReason>[] };

/** @param answer as JSON.parse gives it: `[["JWT", outer], { "GPU-0": inner, … }]`. Never throws */
export function verifyNras(answer: unknown, options: NrasOptions): NrasVerdict {
  const tokens = attempt(() => readAnswer(answer));
  if (tokens instanceof MalformedError) return refused('NRAS_FORMAT', tokens.message);
  const keys = attempt(() => readKeys(options.jwks, options));
  if (keys instanceof MalformedError) return refused('NRAS_KEYS', keys.message);

  const { outer, inner } = tokens;
  const failures: Failure<NrasReason>[] = [];
  for (const [name, token] of [['the answer', outer] as const, ...inner]) {
    const fail = (code: NrasReason, message: string) => failures.push({ code, message: `${name} ${message}` });
    const key = typeof token.keyId === 'string' ? keys.get(token.keyId) : undefined;
    if (token.algorithm !== 'ES384')
      fail('NRAS_ALGORITHM', 'is not signed with ES384: it is worth what its sender is worth');
    else if (key === undefined) fail('NRAS_KEY', 'is signed with a key that is not in the set');
    else if (!isSignedToken(token, key)) fail('NRAS_SIGNATURE', 'is not signed by its key');
    judgeFrame(token.claims, options, fail);
  }
  if (outer.claims['x-nvidia-overall-att-result'] !== true)
    failures.push({ code: 'NRAS_RESULT', message: 'NVIDIA says that the attestation failed' });
  failures.push(...judgeDigests(outer, inner, options.crypto));
  for (const [name, { claims }] of inner) {
    for (const message of claimFaults(claims)) failures.push({ code: 'NRAS_CLAIMS', message: `${name}: ${message}` });
  }
  if (failures.length > 0) return { ok: false, failures };
  return {
    ok: true,
    gpus: [...inner].map(([name, { claims }]) => describe(name, claims)),
    expiresAtMs: Math.min(...[outer, ...inner.values()].map(({ claims }) => Number(claims['exp']) * 1_000)),
  };
}

function refused(code: NrasReason, message: string): NrasVerdict {
  return { ok: false, failures: [{ code, message }] };
}

interface Answer {
  readonly outer: Token;
  readonly inner: ReadonlyMap<string, Token>;
}

function readAnswer(answer: unknown): Answer {
  if (!Array.isArray(answer) || answer.length !== 2) throw new MalformedError('not a detached EAT');
  const [pair, submodules] = answer;
  if (!Array.isArray(pair) || pair.length !== 2 || pair[0] !== 'JWT') throw new MalformedError('no outer token');
  const entries = Object.entries(objectOf(submodules));
  if (entries.length === 0 || entries.length > MAX_SUBMODULES) throw new MalformedError(`${entries.length} submodules`);
  if (!entries.every(([name]) => /^[A-Za-z0-9_-]{1,64}$/.test(name))) throw new MalformedError('name of a submodule');
  return { outer: readToken(pair[1]), inner: new Map(entries.map(([name, text]) => [name, readToken(text)])) };
}

/** Issuer, time and nonce: the same for the answer and its parts. */
function judgeFrame(
  { iss, nbf, exp, eat_nonce }: Claims,
  { atMs, nonce }: NrasOptions,
  fail: (code: NrasReason, message: string) => void,
): void {
  if (iss !== NRAS_ISSUER) fail('NRAS_ISSUER', 'is issued by somebody else than NVIDIA');
  if (!(typeof nbf === 'number' && nbf * 1_000 <= atMs)) fail('NRAS_NOT_YET', 'is not valid yet');
  if (!(typeof exp === 'number' && atMs <= exp * 1_000)) fail('NRAS_EXPIRED', 'is out of date');
  if (eat_nonce !== toHex(nonce)) fail('NRAS_NONCE', 'answers another nonce');
}

/** The outer token names every part by the SHA-256 of its text, and no part that is not there. */
function judgeDigests({ claims }: Token, inner: Answer['inner'], crypto: AttestCrypto): Failure<NrasReason>[] {
  const fail = (message: string): Failure<NrasReason> => ({ code: 'NRAS_DIGEST', message });
  const named = attempt(() => new Map(Object.entries(objectOf(claims['submods']))));
  if (named instanceof MalformedError) return [fail('the answer names no parts')];
  const failures: Failure<NrasReason>[] = [];
  for (const name of named.keys()) if (!inner.has(name)) failures.push(fail(`${name} is missing`));
  for (const [name, { text }] of inner) {
    if (digestIn(named.get(name)) !== toHex(crypto.hash('sha256', utf8(text))))
      failures.push(fail(`${name} is not the one that the answer names`));
  }
  return failures;
}

/** Of `["DIGEST", ["SHA-256", "hex"]]`; undefined for anything else. */
function digestIn(part: unknown): unknown {
  if (!Array.isArray(part) || part.length !== 2 || part[0] !== 'DIGEST') return undefined;
  const [, digest] = part;
  return Array.isArray(digest) && digest.length === 2 && digest[0] === 'SHA-256' ? digest[1] : undefined;
}

/** What the appraisal policy of NVIDIA's verifiers wants to be true of each GPU. */
const wantedTrue = [
  'secboot',
  'x-nvidia-gpu-arch-check',
  'x-nvidia-gpu-attestation-report-parsed',
  'x-nvidia-gpu-attestation-report-nonce-match',
  'x-nvidia-gpu-attestation-report-signature-verified',
  'x-nvidia-gpu-attestation-report-cert-chain-fwid-match',
  'x-nvidia-gpu-vbios-index-no-conflict',
  ...['driver', 'vbios'].flatMap((subject) =>
    ['fetched', 'schema-validated', 'signature-verified', 'version-match', 'measurements-available'].map(
      (check) => `x-nvidia-gpu-${subject}-rim-${check}`,
    ),
  ),
] as const;
const chains = ['attestation-report', 'driver-rim', 'vbios-rim'].map((of) => `x-nvidia-gpu-${of}-cert-chain`);

function* claimFaults(claims: Claims): Generator<string> {
  if (claims['measres'] !== 'success') yield 'measurements differ from the reference values';
  if (claims['dbgstat'] !== 'disabled') yield 'debugging is not disabled';
  for (const claim of wantedTrue) if (claims[claim] !== true) yield `${claim} is not true`;
  for (const chain of chains) {
    const status = attempt(() => objectOf(claims[chain]));
    if (status instanceof MalformedError) yield `${chain} is missing`;
    else {
      if (status['x-nvidia-cert-status'] !== 'valid') yield `${chain} is not valid`;
      if (status['x-nvidia-cert-ocsp-status'] !== 'good') yield `${chain} is not good by OCSP`;
    }
  }
  for (const claim of texts) if (typeof claims[claim] !== 'string') yield `${claim} is missing`;
}

const texts = ['hwmodel', 'x-nvidia-gpu-driver-version', 'x-nvidia-gpu-vbios-version', 'ueid'] as const;

function describe(name: string, claims: Claims): NrasGpu {
  const [model, driver, vbios, ueid] = texts.map((claim) => String(claims[claim])) as [string, string, string, string];
  return { name, model, driver, vbios, ueid };
}
