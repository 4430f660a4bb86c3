/** Judges reference values: the XML signature, its certificates, their dates. Source: attestation.md §14.3. */
import { attempt } from '../attempt.ts';
import { equalBytes, toHex } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { commonName, readCertificate } from '../x509/certificate.ts';
import { judgePath } from '../x509/path.ts';
import { type Rim, readRim } from './rim.ts';
import { RIM_ROOT_SHA256 } from './roots.ts';

export type RimReason =
  | 'RIM_FORMAT'
  | 'RIM_CERT_FORMAT'
  | 'RIM_ROOT'
  | 'RIM_CHAIN'
  | 'RIM_VALIDITY'
  | 'RIM_DIGEST'
  | 'RIM_SIGNATURE';

export interface RimOptions {
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  /** DER of a root to trust instead of NVIDIA's. */
  readonly root?: Uint8Array;
}

export type RimVerdict =
  | { readonly ok: true; readonly rim: Rim; readonly signer: string; readonly expiresAtMs: number }
  | { readonly ok: false; readonly failures: readonly Failure<RimReason>[]; readonly rim?: Rim };

const RENEW = 'fetch the reference values again: NVIDIA signs them anew before the signer ends';

/** @param xml as NVIDIA's service gives it, decoded. @returns every check that failed. Never throws */
export function verifyRim(xml: string, { atMs, crypto, root }: RimOptions): RimVerdict {
  const rim = attempt(() => readRim(xml));
  if (rim instanceof MalformedError) return { ok: false, failures: [{ code: 'RIM_FORMAT', message: rim.message }] };
  const { certificates, content, digest, signed, signature } = rim.signature;
  const chain = attempt(() => certificates.map(readCertificate));
  if (chain instanceof MalformedError)
    return { ok: false, failures: [{ code: 'RIM_CERT_FORMAT', message: chain.message }], rim };
  const isRoot = (der: Uint8Array) =>
    root === undefined ? toHex(crypto.hash('sha256', der)) === RIM_ROOT_SHA256 : equalBytes(der, root);
  const reasonOf = { root: 'RIM_ROOT', chain: 'RIM_CHAIN', validity: 'RIM_VALIDITY' } as const;
  const path = judgePath(chain, { isRoot, atMs, crypto });
  const failures: Failure<RimReason>[] = path.faults.map(({ problem, message }) => ({
    code: reasonOf[problem],
    message,
    ...(problem === 'validity' ? { fix: RENEW } : {}),
  }));
  if (!equalBytes(crypto.hash('sha384', content), digest))
    failures.push({ code: 'RIM_DIGEST', message: 'the document is not the one that was signed' });
  const [signer] = path.links;
  const signedBySigner = signer?.key?.kind === 'p384' && signer.key.verify('ecdsa-sha384', signed, signature);
  if (!signedBySigner) failures.push({ code: 'RIM_SIGNATURE', message: 'not signed by the first of its certificates' });
  if (failures.length > 0 || signer === undefined) return { ok: false, failures, rim };
  return { ok: true, rim, signer: commonName(signer.certificate.subject) ?? '', expiresAtMs: path.untilMs };
}
