/** What the certificates of an NVIDIA device say: the chip, its serial number and the firmware that holds its key. */
import { toHex } from '../bytes.ts';
import { type Certificate, commonName, readCertificate } from '../x509/certificate.ts';
import { DerError, DerReader, readOid, Tag } from '../x509/der.ts';
import { readPemCertificates } from '../x509/pem.ts';

/** Leaf, device, provisioner, chip family, root. */
const CHAIN_LENGTH = 5;
/** Longest text of certificates read, in characters. */
const MAX_PEM = 65_536;

/** @param pem leaf first. @throws {MalformedError} anything but five certificates */
export function readDeviceChain(pem: string): [Certificate, ...Certificate[]] {
  if (pem.length > MAX_PEM) throw new DerError(`${pem.length} characters of certificates`);
  const [leaf, ...rest] = readPemCertificates(pem, CHAIN_LENGTH).map(readCertificate);
  if (leaf === undefined || rest.length !== CHAIN_LENGTH - 1)
    throw new DerError(`${rest.length + 1} certificates, not ${CHAIN_LENGTH}`);
  return [leaf, ...rest];
}

export type DeviceKind = 'gpu' | 'switch';

export interface DeviceIdentity {
  readonly kind: DeviceKind;
  /** "GH100", "GB100", "LS_10". */
  readonly chip: string;
  /** Of the leaf: one for each device. Hexadecimal. */
  readonly serial: string;
  /** Digests of the firmware that the leaf was made for; the first one counts. */
  readonly firmware: readonly Uint8Array[];
}

const GPU_NAME = /^G[A-Z][0-9]{3}$/;
const SWITCH_NAME = /^LS_[0-9]{2}$/;
/** Of a chip of either kind. */
export const CHIP_NAME: RegExp = new RegExp(`${GPU_NAME.source}|${SWITCH_NAME.source}`);

const SHA384_OID = '2.16.840.1.101.3.4.2.2';
/** TCG DICE: composite device id (Hopper) and TCB info (Blackwell). */
const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1';
const TCB_INFO = '2.23.133.5.4.1.1';
const FWIDS = 0xa6;

/** @throws {MalformedError} a leaf that is not of a GPU or NVSwitch, or names no firmware */
export function readIdentity(leaf: Certificate): DeviceIdentity {
  const name = commonName(leaf.subject) ?? '';
  const [chip = ''] = name.split(' ');
  const kind = GPU_NAME.test(chip) ? 'gpu' : SWITCH_NAME.test(chip) ? 'switch' : undefined;
  if (kind === undefined) throw new DerError('certificate of neither a GPU nor an NVSwitch');
  return { kind, chip, serial: toHex(leaf.serial), firmware: readFirmware(leaf) };
}

function readFirmware({ extensions }: Certificate): Uint8Array[] {
  const composite = extensions.get(COMPOSITE_DEVICE_ID);
  const info = extensions.get(TCB_INFO);
  if (composite !== undefined && info !== undefined) throw new DerError('firmware named in two ways');
  if (composite !== undefined) return [readComposite(composite.value)];
  if (info !== undefined) return readTcbInfo(info.value);
  throw new DerError('certificate names no firmware');
}

function readComposite(value: Uint8Array): Uint8Array {
  const outer = new DerReader(value);
  const fields = outer.enter(Tag.sequence);
  outer.end();
  fields.take(Tag.integer);
  fields.take(Tag.sequence); // public key
  const digest = readDigest(fields.enter(Tag.sequence));
  fields.end();
  return digest;
}

/** DiceTcbInfo: fields with context tags, all optional, in order; 6 is the list of digests. */
function readTcbInfo(value: Uint8Array): Uint8Array[] {
  const outer = new DerReader(value);
  const fields = outer.enter(Tag.sequence);
  outer.end();
  const digests: Uint8Array[] = [];
  let last = -1;
  while (!fields.done) {
    const { tag, content } = fields.next();
    const number = tag & 0x1f;
    if ((tag & 0xc0) !== 0x80 || number <= last) throw new DerError('fields of TCB info');
    last = number;
    if (tag !== FWIDS) continue;
    const list = new DerReader(content);
    while (!list.done) digests.push(readDigest(list.enter(Tag.sequence)));
  }
  if (digests.length === 0) throw new DerError('TCB info without firmware');
  return digests;
}

function readDigest(pair: DerReader): Uint8Array {
  const algorithm = readOid(pair.take(Tag.oid).content);
  const digest = pair.take(Tag.octetString).content;
  pair.end();
  if (algorithm !== SHA384_OID || digest.length !== 48) throw new DerError('digest of another kind');
  return digest;
}
