/** Reads complete, direct certificate revocation lists; who signed one is judged by the caller. Source: RFC 5280, section 5. */
import { equalBytes } from '../bytes.ts';
import type { SignatureScheme } from '../crypto/port.ts';
import { type Extension, plainSignature, readExtensions, readScheme } from './certificate.ts';
import { DerError, DerReader, readBits, readNumber, readTime, readUnsigned, Tag } from './der.ts';

/** Largest list read, in bytes: about 25,000 serial numbers. */
const MAX_CRL_BYTES = 1024 * 1024;

const MAX_SERIAL_BYTES = 20;

/** Extensions that make a list something else than the complete list of its issuer, critical or not. */
const partial: ReadonlySet<string> = new Set([
  '2.5.29.27', // delta CRL indicator
  '2.5.29.28', // issuing distribution point
  '2.5.29.29', // certificate issuer, of an entry in an indirect list
]);

export interface Crl {
  /** DER of the name. */
  readonly issuer: Uint8Array;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly signed: Uint8Array;
  /** As the port takes it. */
  readonly signature: Uint8Array;
  readonly scheme: SignatureScheme | undefined;
  /** True for a serial number too long for any list, too. @param serial as {@link readCertificate} gives it */
  revokes(serial: Uint8Array): boolean;
}

/** @throws {DerError} no v2 list, one without an end, a delta or indirect one, one with an unknown critical extension */
export function readCrl(der: Uint8Array): Crl {
  if (der.length > MAX_CRL_BYTES) throw new DerError(`CRL of ${der.length} bytes`);
  const outer = new DerReader(der);
  const list = outer.enter(Tag.sequence);
  outer.end();
  const signedElement = list.take(Tag.sequence);
  const algorithm = list.take(Tag.sequence);
  const bits = readBits(list.take(Tag.bitString).content);
  list.end();

  const body = new DerReader(signedElement.content);
  if (readNumber(body.take(Tag.integer).content) !== 1) throw new DerError('not version 2');
  if (!equalBytes(body.take(Tag.sequence).raw, algorithm.raw)) throw new DerError('signature algorithms differ');
  const issuer = body.take(Tag.sequence).raw;
  const thisUpdateMs = readTime(body.next());
  const nextUpdateMs = readTime(body.next());
  const revoked = body.nextTag === Tag.sequence ? readEntries(body.enter(Tag.sequence)) : new Set<string>();
  if (body.nextTag === 0xa0) refusePartial(readExtensions(body.enter(0xa0)));
  body.end();
  const scheme = readScheme(algorithm.content);
  return {
    issuer,
    thisUpdateMs,
    nextUpdateMs,
    signed: signedElement.raw,
    signature: plainSignature(scheme, bits),
    scheme,
    revokes: (serial) => serial.length > MAX_SERIAL_BYTES || revoked.has(keyOf(serial)),
  };
}

/** Date and extensions of an entry are mostly those of the entry before: what was judged is not judged again. */
function readEntries(entries: DerReader): Set<string> {
  const revoked = new Set<string>();
  let judged: Uint8Array | undefined;
  while (!entries.done) {
    const { content } = entries.take(Tag.sequence);
    const entry = new DerReader(content);
    const number = entry.take(Tag.integer);
    const serial = readUnsigned(number.content);
    if (serial.length > MAX_SERIAL_BYTES) throw new DerError(`serial number of ${serial.length} bytes`);
    revoked.add(keyOf(serial));
    const rest = content.subarray(number.raw.length);
    if (judged !== undefined && equalBytes(rest, judged)) continue;
    readTime(entry.next());
    if (!entry.done) refusePartial(readExtensions(entry));
    entry.end();
    judged = rest;
  }
  return revoked;
}

function refusePartial(extensions: ReadonlyMap<string, Extension>): void {
  for (const [oid, { critical }] of extensions) {
    if (critical || partial.has(oid)) throw new DerError(`extension ${oid} is not understood`);
  }
}

function keyOf(serial: Uint8Array): string {
  return String.fromCharCode(...serial);
}
