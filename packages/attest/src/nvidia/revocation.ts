/**
 * Judges what NVIDIA's OCSP responder says about the certificates of a device. They never end by themselves: only this
 * takes them back. Source: attestation.md §14.2; RFC 6960, sections 3.2 and 4.2.2.2.
 */
import { attempt } from '../attempt.ts';
import { equalBytes } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { type Certificate, Oid } from '../x509/certificate.ts';
import { type Authority, hasSignatureOf, includes, judgeLink, openAuthority, periodOf } from '../x509/chain.ts';
import { DerReader, readBits, readOid, Tag } from '../x509/der.ts';
import { type OcspAnswer, type OcspStatement, readOcspAnswer } from './ocsp.ts';

export type RevocationReason =
  | 'GPU_OCSP_FORMAT'
  | 'GPU_OCSP_NONCE'
  | 'GPU_OCSP_SIGNATURE'
  | 'GPU_OCSP_FUTURE'
  | 'GPU_OCSP_EXPIRED'
  | 'GPU_OCSP_MISSING'
  | 'GPU_OCSP_UNKNOWN'
  | 'GPU_REVOKED';

export interface OcspGiven {
  /** DER, one or more for the device, its provisioner and its family; answers about others are left alone. */
  readonly answers: readonly Uint8Array[];
  /** What they were asked with; without, only their dates say how old they are. */
  readonly nonce?: Uint8Array;
}

interface JudgedRevocation {
  readonly failures: readonly Failure<RevocationReason>[];
  readonly untilMs: number;
}

/** Most answers looked at. */
const MAX_ANSWERS = 16;
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';

/** @param links the chain, leaf first, root last; that it is one is judged elsewhere */
export function judgeRevocation(
  { answers, nonce }: OcspGiven,
  links: readonly Authority[],
  { atMs, crypto }: { readonly atMs: number; readonly crypto: AttestCrypto },
): JudgedRevocation {
  const failures: Failure<RevocationReason>[] = [];
  const fail = (code: RevocationReason, message: string, fix?: string) =>
    failures.push({ code, message, ...(fix && { fix }) });
  const covered = new Set<number>();
  let untilMs = Number.POSITIVE_INFINITY;
  if (answers.length > MAX_ANSWERS) fail('GPU_OCSP_FORMAT', `${answers.length} answers`);
  for (const der of answers.slice(0, MAX_ANSWERS)) {
    const answer = attempt(() => readOcspAnswer(der));
    if (answer instanceof MalformedError) {
      fail('GPU_OCSP_FORMAT', answer.message, 'ask the responder again');
      continue;
    }
    if (nonce !== undefined && (answer.nonce === undefined || !equalBytes(answer.nonce, nonce)))
      fail('GPU_OCSP_NONCE', 'the answer was made for another question', 'ask the responder again');
    for (const statement of answer.statements) {
      const place = links.findIndex((link, i) => isAbout(statement, link.certificate, links[i + 1], crypto));
      const issuer = links[place + 1];
      if (place < 0 || issuer === undefined) continue;
      const name = `certificate ${place + 1} of ${links.length}`;
      // one that asks and answers in one breath, or about a certificate of others, is not believed
      if (!isSigned(answer, links.slice(place + 1), atMs, crypto))
        fail('GPU_OCSP_SIGNATURE', `the answer about ${name} is not signed by those who may`);
      if (!(statement.thisUpdateMs <= atMs)) fail('GPU_OCSP_FUTURE', `the answer about ${name} is not valid yet`);
      if (!(atMs <= (statement.nextUpdateMs ?? 0)))
        fail('GPU_OCSP_EXPIRED', `the answer about ${name} is out of date`, 'ask the responder again');
      if (statement.status === 'unknown') fail('GPU_OCSP_UNKNOWN', `the responder does not know ${name}`);
      else if (statement.status !== 'good')
        fail('GPU_REVOKED', `NVIDIA ${statement.status === 'hold' ? 'holds back' : 'revoked'} ${name}`);
      covered.add(place);
      untilMs = Math.min(untilMs, statement.nextUpdateMs ?? 0);
    }
  }
  // the device makes its leaf itself, and NVIDIA answers for what lies between it and the root
  for (let place = 1; place < links.length - 1; place++)
    if (!covered.has(place)) fail('GPU_OCSP_MISSING', `no answer about certificate ${place + 1} of ${links.length}`);
  return { failures, untilMs };
}

function isAbout(
  { hash, issuerName, issuerKey, serial }: OcspStatement,
  certificate: Certificate,
  issuer: Authority | undefined,
  crypto: AttestCrypto,
): boolean {
  if (issuer === undefined || !equalBytes(serial, certificate.serial)) return false;
  const { subject, spki } = issuer.certificate;
  return equalBytes(crypto.hash(hash, subject), issuerName) && equalBytes(crypto.hash(hash, keyBits(spki)), issuerKey);
}

/** The key without its algorithm. */
function keyBits(spki: Uint8Array): Uint8Array {
  const fields = new DerReader(spki).enter(Tag.sequence);
  fields.take(Tag.sequence);
  return readBits(fields.take(Tag.bitString).content);
}

/**
 * By the issuer of the certificate or an authority above it, or by a responder that one of them has made one. A
 * certificate below cannot answer for itself.
 */
function isSigned(answer: OcspAnswer, above: readonly Authority[], atMs: number, crypto: AttestCrypto): boolean {
  const item = { ...answer, issuer: new Uint8Array(0) };
  if (above.some((authority) => hasSignatureOf(item, authority))) return true;
  return answer.certificates.some(
    (certificate) =>
      isResponder(certificate) &&
      includes(periodOf(certificate), atMs) &&
      hasSignatureOf(item, openAuthority(certificate, crypto)) &&
      above.some(
        (authority) => judgeLink(certificate, authority, undefined, new Set([Oid.extendedKeyUsage])).length === 0,
      ),
  );
}

function isResponder({ extensions }: Certificate): boolean {
  const usage = extensions.get(Oid.extendedKeyUsage);
  if (usage === undefined) return false;
  const purposes = attempt(() => {
    const outer = new DerReader(usage.value);
    const list = outer.enter(Tag.sequence);
    outer.end();
    const found: string[] = [];
    while (!list.done) found.push(readOid(list.take(Tag.oid).content));
    return found;
  });
  return !(purposes instanceof MalformedError) && purposes.includes(OCSP_SIGNING);
}
