/** Certificates in PEM. */
import { fromBase64 } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/y;

/**
 * @param text only certificates and white space between them; a zero byte at the end is allowed, as quotes carry one
 * @param most certificates
 * @returns DER of each, in order
 * @throws {MalformedError} anything else in it, none, or more than `most`
 */
export function readPemCertificates(text: string, most = 8): Uint8Array[] {
  const found: Uint8Array[] = [];
  let end = text.length; // not by a regular expression: on a long run of spaces inside, `\s+$` takes the square of its length
  while (end > 0 && /[\s\0]/.test(text.charAt(end - 1))) end--;
  let at = skipSpace(text, 0);
  while (at < end) {
    BLOCK.lastIndex = at;
    const block = BLOCK.exec(text);
    if (block === null || block[1] !== 'CERTIFICATE') throw new MalformedError('not a PEM certificate');
    if (found.length === most) throw new MalformedError(`more than ${most} certificates`);
    found.push(fromBase64(block[2] as string)); // the group takes part in every match
    at = skipSpace(text, BLOCK.lastIndex);
  }
  if (found.length === 0) throw new MalformedError('no PEM certificate');
  return found;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at++;
  return at;
}
