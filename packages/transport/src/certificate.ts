/**
 * Reads and judges a peer's RA-TLS certificate on its DER. Node enforces none of this for self-signed certificates: not
 * the dates, not unknown critical extensions, not even the self-signature.
 * Source: attestation.md §2 and §3 (the C++ rules, plus strictness that no C++ certificate fails).
 */
import { createPublicKey, verify } from 'node:crypto';
import { DerError, DerReader, readBits, readBoolean, readOid, readTime, Tag } from './der.ts';
import { CLOCK_SKEW_MS, MAX_CERTIFICATE_BYTES, MAX_CERTIFICATE_LIFE_MS, MAX_QUOTE_BYTES } from './limits.ts';

const Oid = {
  ed25519: '1.3.101.112',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyUsage: '2.5.29.37.0',
} as const;

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

export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** What a verdict needs of a certificate. Buffers are views of `der`. */
export interface Certificate {
  readonly der: Buffer;
  /** 32 bytes of Ed25519, undefined for any other key. */
  readonly publicKey: Buffer | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly signed: Buffer;
  readonly signature: Buffer;
  readonly signatureAlgorithm: string;
}

/** @throws {DerError} anything but one strict v3 certificate, an extension that comes twice included */
export function readCertificate(der: Buffer): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new DerError(`certificate of ${der.length} bytes`);
  const outer = new DerReader(der);
  const certificate = outer.enter(Tag.sequence);
  outer.end();
  const signedElement = certificate.take(Tag.sequence);
  const signatureAlgorithm = algorithm(certificate.enter(Tag.sequence));
  const signature = readBits(certificate.take(Tag.bitString).content);
  certificate.end();

  const body = new DerReader(signedElement.content);
  const version = body.enter(0xa0);
  if (!version.take(Tag.integer).content.equals(Buffer.of(2))) throw new DerError('not version 3');
  version.end();
  body.take(Tag.integer); // serial number
  if (algorithm(body.enter(Tag.sequence)) !== signatureAlgorithm) throw new DerError('signature algorithms differ');
  const issuer = body.take(Tag.sequence).raw;
  const validity = body.enter(Tag.sequence);
  const notBeforeMs = readTime(validity.next());
  const notAfterMs = readTime(validity.next());
  validity.end();
  const subject = body.take(Tag.sequence).raw;
  const publicKey = ed25519Key(body.enter(Tag.sequence));
  const extensions = body.nextTag === 0xa3 ? readExtensions(body.enter(0xa3)) : new Map<string, Extension>();
  body.end();
  return {
    der,
    publicKey,
    notBeforeMs,
    notAfterMs,
    issuer,
    subject,
    extensions,
    signed: signedElement.raw,
    signature,
    signatureAlgorithm,
  };
}

/** Algorithm identifier; Ed25519 must have no parameters, others are only named. */
function algorithm(from: DerReader): string {
  const oid = readOid(from.take(Tag.oid).content);
  if (oid === Oid.ed25519) from.end();
  return oid;
}

function ed25519Key(spki: DerReader): Buffer | undefined {
  const kind = algorithm(spki.enter(Tag.sequence));
  const key = readBits(spki.take(Tag.bitString).content);
  spki.end();
  return kind === Oid.ed25519 && key.length === 32 ? key : undefined;
}

function readExtensions(wrapped: DerReader): Map<string, Extension> {
  const list = wrapped.enter(Tag.sequence);
  wrapped.end();
  const extensions = new Map<string, Extension>();
  while (!list.done) {
    const item = list.enter(Tag.sequence);
    const oid = readOid(item.take(Tag.oid).content);
    const critical = item.nextTag === Tag.boolean && readBoolean(item.next().content);
    const value = item.take(Tag.octetString).content;
    item.end();
    if (extensions.has(oid)) throw new DerError(`extension ${oid} comes twice`);
    extensions.set(oid, { critical, value });
  }
  return extensions;
}

/** Role of the side that presented the certificate. */
export type Role = 'server' | 'client';

export type CertificateVerdict =
  | { readonly ok: true; readonly certificate: Certificate; readonly publicKey: Buffer }
  | { readonly ok: false; readonly failures: readonly string[] };

/**
 * Everything about a peer certificate that no policy decides. That the peer holds the key is shown by TLS itself, so
 * call this after the handshake is complete.
 * @returns every failed check, not only the first
 */
export function judgeCertificate(der: Buffer, role: Role, nowMs: number): CertificateVerdict {
  let certificate: Certificate;
  try {
    certificate = readCertificate(der);
  } catch (error) {
    if (error instanceof DerError) return { ok: false, failures: [`malformed certificate: ${error.message}`] };
    throw error;
  }
  const failures: string[] = [];
  const { publicKey, notBeforeMs, notAfterMs, extensions } = certificate;
  if (publicKey === undefined) failures.push('key is not Ed25519');
  else if (!selfSigned(certificate, publicKey)) failures.push('not signed by its own key');
  if (nowMs < notBeforeMs - CLOCK_SKEW_MS) failures.push('not valid yet');
  if (nowMs > notAfterMs + CLOCK_SKEW_MS) failures.push('expired');
  if (notAfterMs - notBeforeMs > MAX_CERTIFICATE_LIFE_MS) failures.push('valid for more than two days');
  for (const [oid, { critical }] of extensions) {
    if (critical && !understood.has(oid)) failures.push(`unknown critical extension ${oid}`);
  }
  const quote = extensions.get(QUOTE_OID);
  if (quote !== undefined && quote.value.length > MAX_QUOTE_BYTES) failures.push('quote too large');
  try {
    if (isAuthority(extensions.get(Oid.basicConstraints))) failures.push('certificate of an authority');
    if (!permits(extensions.get(Oid.extendedKeyUsage), role)) failures.push(`not meant for a TLS ${role}`);
    if (role === 'server' && !isNamed(extensions.get(Oid.subjectAltName))) failures.push(`no DNS:${SERVER_NAME}`);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    failures.push(`malformed extension: ${error.message}`);
  }
  if (failures.length > 0 || publicKey === undefined) return { ok: false, failures };
  return { ok: true, certificate, publicKey };
}

/** Depth 0: issuer and subject are one, and the key in it made the signature. */
function selfSigned({ issuer, subject, signed, signature, signatureAlgorithm }: Certificate, key: Buffer): boolean {
  if (signatureAlgorithm !== Oid.ed25519 || !issuer.equals(subject)) return false;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') };
  return verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

function isAuthority(basicConstraints: Extension | undefined): boolean {
  if (basicConstraints === undefined) return false;
  const outer = new DerReader(basicConstraints.value);
  const fields = outer.enter(Tag.sequence);
  outer.end();
  return fields.nextTag === Tag.boolean && readBoolean(fields.next().content);
}

/** Extended Key Usage, where there is one, must include the role. */
function permits(extendedKeyUsage: Extension | undefined, role: Role): boolean {
  if (extendedKeyUsage === undefined) return true;
  const outer = new DerReader(extendedKeyUsage.value);
  const list = outer.enter(Tag.sequence);
  outer.end();
  const usages = new Set<string>();
  while (!list.done) usages.add(readOid(list.take(Tag.oid).content));
  return usages.has(Oid.anyUsage) || usages.has(role === 'server' ? Oid.serverAuth : Oid.clientAuth);
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
    if (tag === 0x82 && content.toString('latin1') === SERVER_NAME) found = true;
  }
  return found;
}
