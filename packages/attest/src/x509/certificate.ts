/**
 * Reads X.509 v3 certificates, and nothing else about them: whom to believe is said in `chain.ts`, `intel`, `amd`,
 * `nvidia` and, for the certificates of TLS, in `ra-tls.ts`. Source: RFC 5280.
 */
import { concat, equalBytes, toHex } from '../bytes.ts';
import type { PublicKey, SignatureScheme } from '../crypto/port.ts';
import { DerError, DerReader, readBits, readBoolean, readNumber, readOid, readTime, readUnsigned, Tag } from './der.ts';

/** Largest certificate read, in bytes: what TLS carries. */
export const MAX_CERTIFICATE_BYTES = 96 * 1024;

export const Oid = {
  ed25519: '1.3.101.112',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
} as const;

export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** What verdicts need of a certificate. Bytes are views of `der`. */
export interface Certificate {
  readonly der: Uint8Array;
  /** Big-endian, without leading zeros. */
  readonly serial: Uint8Array;
  /** Undefined for a kind of key nobody here uses. */
  readonly publicKey: PublicKey | undefined;
  /** SubjectPublicKeyInfo, whole. */
  readonly spki: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DER of the names: compared as bytes. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly signed: Uint8Array;
  /** As the port takes it: r ‖ s for ECDSA. */
  readonly signature: Uint8Array;
  /** Undefined for an algorithm nobody here uses: such a certificate is signed by nobody. */
  readonly scheme: SignatureScheme | undefined;
}

/** @throws {DerError} anything but one strict v3 certificate, an extension that comes twice included */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new DerError(`certificate of ${der.length} bytes`);
  const outer = new DerReader(der);
  const certificate = outer.enter(Tag.sequence);
  outer.end();
  const signedElement = certificate.take(Tag.sequence);
  const algorithm = certificate.take(Tag.sequence);
  const bits = readBits(certificate.take(Tag.bitString).content);
  certificate.end();

  const body = new DerReader(signedElement.content);
  const version = body.enter(0xa0);
  if (readNumber(version.take(Tag.integer).content) !== 2) throw new DerError('not version 3');
  version.end();
  const serial = readUnsigned(body.take(Tag.integer).content);
  const inner = body.take(Tag.sequence);
  if (!equalBytes(inner.raw, algorithm.raw)) throw new DerError('signature algorithms differ');
  const issuer = body.take(Tag.sequence).raw;
  const validity = body.enter(Tag.sequence);
  const notBeforeMs = readTime(validity.next());
  const notAfterMs = readTime(validity.next());
  validity.end();
  const subject = body.take(Tag.sequence).raw;
  const spki = body.take(Tag.sequence);
  const extensions = body.nextTag === 0xa3 ? readExtensions(body.enter(0xa3)) : new Map<string, Extension>();
  body.end();
  const scheme = readScheme(algorithm.content);
  return {
    der,
    serial,
    publicKey: readPublicKey(spki.content),
    spki: spki.raw,
    notBeforeMs,
    notAfterMs,
    issuer,
    subject,
    extensions,
    signed: signedElement.raw,
    signature: plainSignature(scheme, bits),
    scheme,
  };
}

export function readExtensions(wrapped: DerReader): Map<string, Extension> {
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

const schemes: Readonly<Record<string, SignatureScheme>> = {
  [Oid.ed25519]: 'ed25519',
  '1.2.840.10045.4.3.2': 'ecdsa-sha256',
  '1.2.840.10045.4.3.3': 'ecdsa-sha384',
  '1.2.840.113549.1.1.11': 'rsa-sha256',
  '1.2.840.113549.1.1.12': 'rsa-sha384',
};
const RSA_PSS = '1.2.840.113549.1.1.10';
/** SHA-384, MGF1 with SHA-384, a salt of 48 bytes, trailer 1 in so many words or by default: the two forms AMD writes. */
const PSS_SHA384_FIELDS =
  'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130';
const pssSha384: readonly string[] = [PSS_SHA384_FIELDS, `${PSS_SHA384_FIELDS}a303020101`];

/** @param content of an AlgorithmIdentifier; parameters must be absent, except NULL for RSA and one form for PSS */
export function readScheme(content: Uint8Array): SignatureScheme | undefined {
  const from = new DerReader(content);
  const oid = readOid(from.take(Tag.oid).content);
  if (oid === RSA_PSS) {
    const fields = toHex(from.take(Tag.sequence).content);
    from.end();
    return pssSha384.includes(fields) ? 'rsa-pss-sha384' : undefined;
  }
  const scheme = schemes[oid];
  if (scheme?.startsWith('rsa') && from.nextTag === Tag.null && from.next().content.length > 0)
    throw new DerError('null');
  if (scheme !== undefined) from.end();
  return scheme;
}

/** ECDSA signatures come as SEQUENCE (r, s); a curve's width is not known here, so each is as wide as its hash. */
export function plainSignature(scheme: SignatureScheme | undefined, bits: Uint8Array): Uint8Array {
  if (scheme !== 'ecdsa-sha256' && scheme !== 'ecdsa-sha384') return bits;
  const width = scheme === 'ecdsa-sha256' ? 32 : 48;
  const outer = new DerReader(bits);
  const pair = outer.enter(Tag.sequence);
  outer.end();
  const [r, s] = [0, 1].map(() => readUnsigned(pair.take(Tag.integer).content)) as [Uint8Array, Uint8Array];
  pair.end();
  if (r.length > width || s.length > width) throw new DerError('signature too long');
  return concat(new Uint8Array(width - r.length), r, new Uint8Array(width - s.length), s);
}

const EC_KEY = '1.2.840.10045.2.1';
const RSA_KEY = '1.2.840.113549.1.1.1';
const curves: Readonly<Record<string, readonly ['p256' | 'p384', number]>> = {
  '1.2.840.10045.3.1.7': ['p256', 64],
  '1.3.132.0.34': ['p384', 96],
};

/** @param spki content of a SubjectPublicKeyInfo */
function readPublicKey(spki: Uint8Array): PublicKey | undefined {
  const from = new DerReader(spki);
  const algorithm = from.enter(Tag.sequence);
  const key = readBits(from.take(Tag.bitString).content);
  from.end();
  const kind = readOid(algorithm.take(Tag.oid).content);
  if (kind === Oid.ed25519) {
    algorithm.end();
    return key.length === 32 ? { kind: 'ed25519', bytes: key } : undefined;
  }
  if (kind === EC_KEY) {
    const [curve, size] = curves[readOid(algorithm.take(Tag.oid).content)] ?? [];
    algorithm.end();
    if (curve === undefined || size === undefined || key.length !== 1 + size || key[0] !== 4) return undefined;
    return { kind: curve, point: key.subarray(1) };
  }
  if (kind !== RSA_KEY) return undefined;
  const outer = new DerReader(key);
  const parts = outer.enter(Tag.sequence);
  outer.end();
  const modulus = readUnsigned(parts.take(Tag.integer).content);
  const exponent = readUnsigned(parts.take(Tag.integer).content);
  parts.end();
  return { kind: 'rsa', modulus, exponent };
}

/** The first common name of a DER name, if it has one. */
export function commonName(name: Uint8Array): string | undefined {
  const outer = new DerReader(name);
  const sets = outer.enter(Tag.sequence);
  outer.end();
  while (!sets.done) {
    const pairs = sets.enter(Tag.set);
    while (!pairs.done) {
      const pair = pairs.enter(Tag.sequence);
      const oid = readOid(pair.take(Tag.oid).content);
      const { content } = pair.next();
      pair.end();
      if (oid === Oid.commonName) return new TextDecoder().decode(content);
    }
  }
  return undefined;
}

/** Basic Constraints say that this key may sign certificates. @throws {DerError} */
export function isAuthority({ extensions }: Certificate): boolean {
  const constraints = extensions.get(Oid.basicConstraints);
  if (constraints === undefined) return false;
  const outer = new DerReader(constraints.value);
  const fields = outer.enter(Tag.sequence);
  outer.end();
  return fields.nextTag === Tag.boolean && readBoolean(fields.next().content);
}
