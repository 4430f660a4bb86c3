/**
 * Reads the answers of an OCSP responder; who signed one, and about what, is judged in `revocation.ts`.
 * Source: RFC 6960, section 4.2; RFC 9654 (nonce).
 */
import type { HashName, SignatureScheme } from '../crypto/port.ts';
import { type Certificate, plainSignature, readCertificate, readExtensions, readScheme } from '../x509/certificate.ts';
import { DerError, DerReader, readBits, readNumber, readOid, readTime, readUnsigned, Tag } from '../x509/der.ts';

/** Largest answer read, in bytes, and most certificates and statements in it. */
const MAX_ANSWER_BYTES = 65_536;
const MAX_CERTIFICATES = 8;
const MAX_STATEMENTS = 16;

const Ocsp = { basic: '1.3.6.1.5.5.7.48.1.1', nonce: '1.3.6.1.5.5.7.48.1.2' } as const;
const hashes: Readonly<Record<string, HashName>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** `hold` is a revocation that may be taken back: no better than another while it lasts. */
export type OcspStatus = 'good' | 'revoked' | 'hold' | 'unknown';

/** What is said about one certificate. */
export interface OcspStatement {
  readonly hash: HashName;
  /** Of the issuer's name and of its key. */
  readonly issuerName: Uint8Array;
  readonly issuerKey: Uint8Array;
  readonly serial: Uint8Array;
  readonly status: OcspStatus;
  readonly thisUpdateMs: number;
  /** Undefined in an answer without an end. */
  readonly nextUpdateMs: number | undefined;
}

export interface OcspAnswer {
  readonly statements: readonly OcspStatement[];
  readonly nonce: Uint8Array | undefined;
  readonly certificates: readonly Certificate[];
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly scheme: SignatureScheme | undefined;
}

/** @throws {MalformedError} anything but a successful basic answer */
export function readOcspAnswer(der: Uint8Array): OcspAnswer {
  if (der.length > MAX_ANSWER_BYTES) throw new DerError(`answer of ${der.length} bytes`);
  const outer = new DerReader(der);
  const answer = outer.enter(Tag.sequence);
  outer.end();
  const status = readNumber(answer.take(Tag.enumerated).content);
  if (status !== 0) throw new DerError(`the responder failed with status ${status}`);
  const wrapped = answer.enter(0xa0);
  answer.end();
  const typed = wrapped.enter(Tag.sequence);
  wrapped.end();
  if (readOid(typed.take(Tag.oid).content) !== Ocsp.basic) throw new DerError('not a basic answer');
  const inner = new DerReader(typed.take(Tag.octetString).content);
  typed.end();
  const basic = inner.enter(Tag.sequence);
  inner.end();
  const data = basic.take(Tag.sequence);
  const scheme = readScheme(basic.take(Tag.sequence).content);
  const bits = readBits(basic.take(Tag.bitString).content);
  const certificates = basic.nextTag === 0xa0 ? readCertificates(basic.enter(0xa0)) : [];
  basic.end();
  return {
    ...readData(new DerReader(data.content)),
    certificates,
    signed: data.raw,
    signature: plainSignature(scheme, bits),
    scheme,
  };
}

function readCertificates(wrapped: DerReader): Certificate[] {
  const list = wrapped.enter(Tag.sequence);
  wrapped.end();
  const found: Certificate[] = [];
  while (!list.done) {
    if (found.length === MAX_CERTIFICATES) throw new DerError('too many certificates');
    found.push(readCertificate(list.take(Tag.sequence).raw));
  }
  return found;
}

/** ResponseData: version (only 1, which is never written), responder, time of making, statements, extensions. */
function readData(data: DerReader): Pick<OcspAnswer, 'statements' | 'nonce'> {
  if (data.nextTag !== 0xa1 && data.nextTag !== 0xa2) throw new DerError('responder');
  data.next(); // its name or the hash of its key: the signature says who it is
  readTime(data.take(Tag.generalizedTime));
  const list = data.enter(Tag.sequence);
  const statements: OcspStatement[] = [];
  while (!list.done) {
    if (statements.length === MAX_STATEMENTS) throw new DerError('too many statements');
    statements.push(readStatement(list.enter(Tag.sequence)));
  }
  const extensions = data.nextTag === 0xa1 ? readExtensions(data.enter(0xa1)) : new Map();
  data.end();
  for (const [oid, { critical }] of extensions)
    if (critical && oid !== Ocsp.nonce) throw new DerError(`unknown critical extension ${oid}`);
  const nonce = extensions.get(Ocsp.nonce);
  return { statements, nonce: nonce && readNonce(nonce.value) };
}

function readNonce(value: Uint8Array): Uint8Array {
  const from = new DerReader(value);
  const nonce = from.take(Tag.octetString).content;
  from.end();
  return nonce;
}

function readStatement(from: DerReader): OcspStatement {
  const id = from.enter(Tag.sequence);
  const algorithm = id.enter(Tag.sequence);
  const hash = hashes[readOid(algorithm.take(Tag.oid).content)];
  if (algorithm.nextTag === Tag.null) algorithm.next();
  algorithm.end();
  if (hash === undefined) throw new DerError('hash of another kind');
  const [issuerName, issuerKey] = [id.take(Tag.octetString).content, id.take(Tag.octetString).content];
  const serial = readUnsigned(id.take(Tag.integer).content);
  id.end();
  const status = readStatus(from);
  const thisUpdateMs = readTime(from.take(Tag.generalizedTime));
  const nextUpdateMs = from.nextTag === 0xa0 ? readTime(from.enter(0xa0).take(Tag.generalizedTime)) : undefined;
  const extensions = from.nextTag === 0xa1 ? readExtensions(from.enter(0xa1)) : new Map();
  from.end();
  for (const [oid, { critical }] of extensions) if (critical) throw new DerError(`unknown critical extension ${oid}`);
  return { hash, issuerName, issuerKey, serial, status, thisUpdateMs, nextUpdateMs };
}

/** CRLReason certificateHold. */
const HOLD = 6;

function readStatus(from: DerReader): OcspStatus {
  const { tag, content } = from.next();
  if ((tag === 0x80 || tag === 0x82) && content.length === 0) return tag === 0x80 ? 'good' : 'unknown';
  if (tag !== 0xa1) throw new DerError('status');
  const revoked = new DerReader(content);
  readTime(revoked.take(Tag.generalizedTime));
  const reason = revoked.nextTag === 0xa0 ? readNumber(revoked.enter(0xa0).take(Tag.enumerated).content) : undefined;
  revoked.end();
  return reason === HOLD ? 'hold' : 'revoked';
}
