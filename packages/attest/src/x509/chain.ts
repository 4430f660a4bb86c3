/** Judges a chain of certificates up to a root that is already believed. Dates are judged apart: they change with time. */
import { equalBytes } from '../bytes.ts';
import type { AttestCrypto, SignatureScheme, VerifyKey } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { type Certificate, Oid } from './certificate.ts';
import { DerError, DerReader, readBoolean, readNumber, Tag } from './der.ts';

/** Somebody who may sign: a certificate with its key made ready. */
export interface Authority {
  readonly certificate: Certificate;
  /** Undefined when the key is none. */
  readonly key: VerifyKey | undefined;
}

/** Something signed, as certificates and CRLs are. */
interface Signed {
  readonly issuer: Uint8Array;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly scheme: SignatureScheme | undefined;
}

/** From … until, both included; ms since the epoch. */
export interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

export function openAuthority(certificate: Certificate, crypto: AttestCrypto): Authority {
  return { certificate, key: certificate.publicKey && crypto.importKey(certificate.publicKey) };
}

export function isNamedBy({ issuer }: Signed, { certificate }: Authority): boolean {
  return equalBytes(issuer, certificate.subject);
}

export function hasSignatureOf({ scheme, signed, signature }: Signed, { key }: Authority): boolean {
  return scheme !== undefined && key?.verify(scheme, signed, signature) === true;
}

/**
 * One certificate under its issuer: signature, extensions, and whether it may or may not sign certificates itself.
 * @param below authorities under this one; undefined for an end entity
 * @param understood critical extensions the caller judges, besides Basic Constraints and Key Usage
 * @returns what is wrong with it, apart from dates and revocation
 */
export function judgeLink(
  certificate: Certificate,
  issuer: Authority,
  below: number | undefined,
  understood: ReadonlySet<string> = new Set(),
): string[] {
  const wrong = judgeRole(certificate, below, understood);
  if (!isNamedBy(certificate, issuer)) wrong.push('is issued under another name');
  if (!hasSignatureOf(certificate, issuer)) wrong.push('is not signed by its issuer');
  return wrong;
}

/** What a certificate may be used for. @returns what is wrong */
export function judgeRole(
  { extensions }: Certificate,
  below: number | undefined,
  understood: ReadonlySet<string> = new Set(),
): string[] {
  const wrong: string[] = [];
  const unknown = unknownCritical(extensions, new Set([Oid.basicConstraints, Oid.keyUsage, ...understood]));
  if (unknown !== undefined) wrong.push(`has the ${unknown}`);
  try {
    const { authority, pathLength } = readConstraints(extensions.get(Oid.basicConstraints)?.value);
    const usage = readUsage(extensions.get(Oid.keyUsage)?.value);
    if (below === undefined) {
      if (authority) wrong.push('is an authority where an end entity belongs');
      if (usage !== undefined && !usage.signs) wrong.push('may not sign');
    } else {
      if (!authority || usage?.certifies === false) wrong.push('may not sign certificates');
      if (pathLength < below) wrong.push(`may not have ${below} authorities below it`);
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    wrong.push(`has a malformed extension: ${error.message}`);
  }
  return wrong;
}

/** @returns one text, however many there are: a stranger can pack thousands into a certificate */
export function unknownCritical(
  extensions: Certificate['extensions'],
  understood: ReadonlySet<string>,
): string | undefined {
  const [first, ...more] = [...extensions].filter(([oid, { critical }]) => critical && !understood.has(oid));
  if (first === undefined) return undefined;
  return `unknown critical extension ${first[0]}${more.length > 0 ? `, and ${more.length} more` : ''}`;
}

export function periodOf({ notBeforeMs, notAfterMs }: Certificate): Period {
  return { fromMs: notBeforeMs, untilMs: notAfterMs };
}

/** False for a time that is no number, too. */
export function includes({ fromMs, untilMs }: Period, atMs: number): boolean {
  return fromMs <= atMs && atMs <= untilMs;
}

function readConstraints(value: Uint8Array | undefined): { authority: boolean; pathLength: number } {
  if (value === undefined) return { authority: false, pathLength: 0 };
  const outer = new DerReader(value);
  const fields = outer.enter(Tag.sequence);
  outer.end();
  const authority = fields.nextTag === Tag.boolean && readBoolean(fields.next().content);
  const pathLength = fields.nextTag === Tag.integer ? readNumber(fields.next().content) : Number.POSITIVE_INFINITY;
  fields.end();
  return { authority, pathLength };
}

/** Key Usage: bit 0 digitalSignature, bit 5 keyCertSign. */
function readUsage(value: Uint8Array | undefined): { signs: boolean; certifies: boolean } | undefined {
  if (value === undefined) return undefined;
  const outer = new DerReader(value);
  const [unused, bits] = outer.take(Tag.bitString).content;
  outer.end();
  if (unused === undefined || unused > 7 || bits === undefined) throw new DerError('key usage');
  return { signs: (bits & 0x80) !== 0, certifies: (bits & 0x04) !== 0 };
}
