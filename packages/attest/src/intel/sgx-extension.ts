/** What Intel writes about a CPU into its PCK certificate, OID 1.2.840.113741.1.13.1. Source: attestation.md §6. */
import { toHex } from '../bytes.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type DerElement, DerError, DerReader, readNumber, readOid, Tag } from '../x509/der.ts';

export const SGX_EXTENSION = '1.2.840.113741.1.13.1';

export interface SgxExtension {
  /** Names the CPU package, 16 bytes. */
  readonly ppid: Uint8Array;
  /** SVNs of the 16 components. */
  readonly components: readonly number[];
  readonly pceSvn: number;
  readonly cpuSvn: Uint8Array;
  /** Lower-case hex: 4 digits, 12 digits. */
  readonly pceId: string;
  readonly fmspc: string;
}

/** @throws {DerError} no such extension, a field that is missing, out of its order, twice or of another type */
export function readSgxExtension({ extensions }: Certificate): SgxExtension {
  const extension = extensions.get(SGX_EXTENSION);
  if (extension === undefined) throw new DerError('no SGX extension');
  const outer = new DerReader(extension.value);
  const fields = outer.enter(Tag.sequence);
  outer.end();
  const ppid = octets(field(fields, '1'), 16);
  const tcb = inside(field(fields, '2'));
  const components = Array.from({ length: 16 }, (_, i) => svn(field(tcb, `2.${i + 1}`)));
  const pceSvn = svn(field(tcb, '2.17'));
  const cpuSvn = octets(field(tcb, '2.18'), 16);
  tcb.end();
  const pceId = toHex(octets(field(fields, '3'), 2));
  const fmspc = toHex(octets(field(fields, '4'), 6));
  const sgxType = field(fields, '5');
  if (sgxType.tag !== Tag.enumerated || readNumber(sgxType.content) > 2) throw new DerError('SGX type');
  if (!fields.done) octets(field(fields, '6'), 16); // platform instance id
  if (!fields.done) inside(field(fields, '7')); // configuration of a multi-package platform
  fields.end();
  return { ppid, components, pceSvn, cpuSvn, pceId, fmspc };
}

/** The next SEQUENCE (OID, value), which must be this arc of the extension. */
function field(from: DerReader, arc: string): DerElement {
  const pair = from.enter(Tag.sequence);
  const oid = readOid(pair.take(Tag.oid).content);
  if (oid !== `${SGX_EXTENSION}.${arc}`) throw new DerError(`${oid} where ${SGX_EXTENSION}.${arc} belongs`);
  const value = pair.next();
  pair.end();
  return value;
}

function inside({ tag, content }: DerElement): DerReader {
  if (tag !== Tag.sequence) throw new DerError('not a sequence');
  return new DerReader(content);
}

function octets({ tag, content }: DerElement, size: number): Uint8Array {
  if (tag !== Tag.octetString || content.length !== size) throw new DerError(`not ${size} octets`);
  return content;
}

function svn({ tag, content }: DerElement): number {
  const value = tag === Tag.integer ? readNumber(content) : Number.NaN;
  if (!(value <= 0xffff)) throw new DerError('SVN');
  return value;
}
