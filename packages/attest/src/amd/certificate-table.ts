/**
 * Reads the certificates that a host hands to its guests beside each report (`auxblob` of configfs-tsm): entries of GUID,
 * offset and length, 24 bytes each, then one of zeros, then what they point to. Nobody signed the table; what is in it is
 * believed for its own signatures alone. Source: AMD GHCB standardization (56421), "SNP Extended Guest Request".
 */
import { attempt } from '../attempt.ts';
import { allZero, ByteReader, toHex } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { readPemCertificates } from '../x509/pem.ts';
import type { SnpCertificates } from './chip.ts';

/** GUIDs in the order of their text. */
const guids = {
  vcek: '63da758de6644564adc5f4b93be8accd',
  ask: '4ab7b379bbac4fe4a02f05aef327c782',
  ark: 'c0b406a4a803495297433fb6014cd0ae',
} as const;

/** Hosts have three or four. */
const MAX_ENTRIES = 32;

/** @returns views of the table; undefined where VCEK, ASK and ARK are not all there, or nothing can be read. Never throws */
export function readCertificateTable(bytes: Uint8Array): Pick<SnpCertificates, 'vcek' | 'chain'> | undefined {
  const found = attempt(() => {
    const entries = readEntries(bytes);
    const [vcek, ask, ark] = [guids.vcek, guids.ask, guids.ark].map((guid) => certificateIn(entries.get(guid)));
    return vcek && ask && ark && { vcek, chain: [ask, ark] };
  });
  return found instanceof MalformedError ? undefined : found;
}

/** By GUID in hex. @throws {MalformedError} an entry that points outside, or no end within {@link MAX_ENTRIES} */
function readEntries(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const from = new ByteReader(bytes);
  const entries = new Map<string, Uint8Array>();
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const guid = from.take(16);
    const [offset, length] = [from.uint32(), from.uint32()];
    if (allZero(guid)) return entries;
    if (offset + length > bytes.length) throw new MalformedError(`entry ${i} of the table points outside`);
    entries.set(toHex(guid), bytes.subarray(offset, offset + length));
  }
  throw new MalformedError(`a table of more than ${MAX_ENTRIES} entries`);
}

/** DER as AMD asks for it, or PEM, in which some hosts have it. @throws {MalformedError} */
function certificateIn(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes?.[0] !== '-'.charCodeAt(0)) return bytes;
  return readPemCertificates(new TextDecoder().decode(bytes))[0];
}
