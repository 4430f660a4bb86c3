/**
 * Judges a peer's RA-TLS certificate on its DER. Node enforces none of this for self-signed certificates: not
 * the dates, not unknown critical extensions, not even the self-signature.
 * Source: attestation.md §2 and §3 (the C++ rules, plus strictness that no C++ certificate fails).
 */
import { equalBytes } from './bytes.ts';
import type { AttestCrypto } from './crypto/port.ts';
import { MalformedError } from './malformed.ts';
import { type Certificate, type Extension, isAuthority, Oid, readCertificate } from './x509/certificate.ts';
import { unknownCritical } from './x509/chain.ts';
import { DerReader, readOid, Tag } from './x509/der.ts';

const Usage = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  any: '2.5.29.37.0',
} as const;

/** Largest quote inside a certificate, in bytes: what the C++ programs read. */
const MAX_QUOTE_BYTES = 32_768;
/** Longest life of a certificate. */
const MAX_LIFE_MS = 2 * 86_400_000;
const CLOCK_SKEW_MS = 60_000;

/** Extensions that carry attestation; the octet string holds the raw bytes. */
export const QUOTE_OID = '1.3.6.1.4.1.12345.1';
export const CLAIMS_OID = '1.3.6.1.4.1.12345.2';

/** Critical extensions a verifier here understands; OpenSSL's list is longer, but no RA-TLS certificate needs more. */
const understood: ReadonlySet<string> = new Set([
  QUOTE_OID,
  CLAIMS_OID,
  Oid.basicConstraints,
  Oid.keyUsage,
  Oid.extendedKeyUsage,
  Oid.subjectAltName,
]);

/** The name the connecting side asks for; a dNSName that reads like an address. */
export const SERVER_NAME = '127.0.0.1';

/** Role of the side that presented the certificate. */
export type Role = 'server' | 'client';

export type CertificateVerdict =
  | { readonly ok: true; readonly certificate: Certificate; readonly publicKey: Uint8Array }
  | { readonly ok: false; readonly failures: readonly string[] };

/**
 * Everything about a peer certificate that no policy decides. That the peer holds the key is shown by TLS itself, so
 * call this after the handshake is complete.
 * @returns every failed check, not only the first
 */
export function judgeCertificate(der: Uint8Array, role: Role, nowMs: number, crypto: AttestCrypto): CertificateVerdict {
  let certificate: Certificate;
  try {
    certificate = readCertificate(der);
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, failures: [`malformed certificate: ${error.message}`] };
    throw error;
  }
  const failures: string[] = [];
  const { notBeforeMs, notAfterMs, extensions } = certificate;
  const publicKey = ed25519Of(certificate);
  if (publicKey === undefined) failures.push('key is not Ed25519');
  else if (!selfSigned(certificate, crypto)) failures.push('not signed by its own key');
  if (nowMs < notBeforeMs - CLOCK_SKEW_MS) failures.push('not valid yet');
  if (nowMs > notAfterMs + CLOCK_SKEW_MS) failures.push('expired');
  if (notAfterMs - notBeforeMs > MAX_LIFE_MS) failures.push('valid for more than two days');
  const unknown = unknownCritical(extensions, understood);
  if (unknown !== undefined) failures.push(unknown);
  const quote = extensions.get(QUOTE_OID);
  if (quote !== undefined && quote.value.length > MAX_QUOTE_BYTES) failures.push('quote too large');
  try {
    if (isAuthority(certificate)) failures.push('certificate of an authority');
    if (!permits(extensions.get(Oid.extendedKeyUsage), role)) failures.push(`not meant for a TLS ${role}`);
    if (role === 'server' && !isNamed(extensions.get(Oid.subjectAltName))) failures.push(`no DNS:${SERVER_NAME}`);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    failures.push(`malformed extension: ${error.message}`);
  }
  if (failures.length > 0 || publicKey === undefined) return { ok: false, failures };
  return { ok: true, certificate, publicKey };
}

/** 32 bytes, undefined for any other kind of key. */
export function ed25519Of({ publicKey }: Certificate): Uint8Array | undefined {
  return publicKey?.kind === 'ed25519' ? publicKey.bytes : undefined;
}

/** Depth 0: issuer and subject are one, and the key in it made the signature. */
function selfSigned(
  { issuer, subject, publicKey, scheme, signed, signature }: Certificate,
  crypto: AttestCrypto,
): boolean {
  if (scheme !== 'ed25519' || publicKey === undefined || !equalBytes(issuer, subject)) return false;
  return crypto.importKey(publicKey)?.verify(scheme, signed, signature) === true;
}

/** Extended Key Usage, where there is one, must include the role. */
function permits(extendedKeyUsage: Extension | undefined, role: Role): boolean {
  if (extendedKeyUsage === undefined) return true;
  const outer = new DerReader(extendedKeyUsage.value);
  const list = outer.enter(Tag.sequence);
  outer.end();
  const usages = new Set<string>();
  while (!list.done) usages.add(readOid(list.take(Tag.oid).content));
  return usages.has(Usage.any) || usages.has(role === 'server' ? Usage.serverAuth : Usage.clientAuth);
}

/** Subject Alternative Name holds the dNSName (context tag 2) that C++ clients ask for. */
function isNamed(subjectAltName: Extension | undefined): boolean {
  if (subjectAltName === undefined) return false;
  const outer = new DerReader(subjectAltName.value);
  const names = outer.enter(Tag.sequence);
  outer.end();
  let found = false;
  while (!names.done) {
    const { tag, content } = names.next();
    if (tag === 0x82 && new TextDecoder().decode(content) === SERVER_NAME) found = true;
  }
  return found;
}
