/**
 * Reads the evidence of an NVIDIA GPU or NVSwitch: an SPDM 1.1 request for measurements and the response to it.
 * Source: attestation.md §14.2; DMTF DSP0274.
 */
import { ByteReader, concat, toHex } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

/** Largest evidence read, in bytes: a 24-bit record, opaque data and the rest would allow 16 MiB; real ones take 4 KiB. */
export const MAX_EVIDENCE_BYTES = 65_536;

const VERSION = 0x11;
const GET_MEASUREMENTS = 0xe0;
const MEASUREMENTS = 0x60;
const REQUEST_BYTES = 37;
const NONCE_BYTES = 32;
const SIGNATURE_BYTES = 96;
const DMTF_SPECIFICATION = 1;

/** Types of opaque entries that are understood here. */
export const Opaque = {
  driverVersion: 3,
  vbiosVersion: 6,
  nvdec0: 11,
  chipSku: 15,
  project: 17,
  projectSku: 18,
  fwid: 20,
  protectedPcie: 21,
  chipName: 35,
  featureFlag: 36,
} as const;

/** How a GPU shares the machine's links. */
export type GpuMode = 'single' | 'multi' | 'protected-pcie';

/** Bytes are views of the evidence. */
export interface GpuEvidence {
  readonly nonce: Uint8Array;
  /** Of the certificate chain that signed. */
  readonly slot: number;
  /** Measured values by the number of their block; numbers begin with 1. */
  readonly measurements: ReadonlyMap<number, Uint8Array>;
  readonly responderNonce: Uint8Array;
  readonly opaque: ReadonlyMap<number, Uint8Array>;
  readonly signed: Uint8Array;
  /** r ‖ s, 96 bytes. */
  readonly signature: Uint8Array;
  /** NVSwitches have none. */
  readonly driverVersion: string | undefined;
  /** As reference values name it: "96.00.5E.00.01". */
  readonly vbiosVersion: string | undefined;
  /** Newer devices say what reference values call them: "GB100". */
  readonly chipName: string | undefined;
  readonly chipSku: string | undefined;
  readonly project: string | undefined;
  readonly projectSku: string | undefined;
  /** Whether the first video decoder is on; decides if measurement 36 counts. */
  readonly nvdec0: boolean | undefined;
  /** Digest of the firmware that holds the signing key; drivers before about 550 say nothing. */
  readonly fwid: Uint8Array | undefined;
  /** The switch for protected PCIe. */
  readonly protectedPcie: boolean | undefined;
  /** As the feature flag says it, which newer drivers add. */
  readonly mode: GpuMode | undefined;
}

/** @throws {MalformedError} anything but one request and one response to it, with nothing between, behind or twice */
export function readGpuEvidence(bytes: Uint8Array): GpuEvidence {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw new MalformedError(`evidence of ${bytes.length} bytes`);
  const from = new ByteReader(bytes);
  if (from.uint8() !== VERSION || from.uint8() !== GET_MEASUREMENTS)
    throw new MalformedError('not an SPDM 1.1 request');
  from.take(2);
  const nonce = from.take(NONCE_BYTES);
  const slot = from.uint8();
  if (from.at !== REQUEST_BYTES || from.uint8() !== VERSION || from.uint8() !== MEASUREMENTS)
    throw new MalformedError('not an SPDM 1.1 response');
  from.take(2);
  const count = from.uint8();
  const recordBytes = from.uint16() + from.uint8() * 0x1_0000;
  const measurements = readBlocks(from.take(recordBytes), count);
  const responderNonce = from.take(NONCE_BYTES);
  const opaque = readOpaque(from.take(from.uint16()));
  const signature = from.take(SIGNATURE_BYTES);
  from.end();
  return {
    nonce,
    slot,
    measurements,
    responderNonce,
    opaque,
    signed: bytes.subarray(0, bytes.length - SIGNATURE_BYTES),
    signature,
    ...readFacts(opaque),
  };
}

function readBlocks(record: Uint8Array, count: number): Map<number, Uint8Array> {
  const from = new ByteReader(record);
  const blocks = new Map<number, Uint8Array>();
  while (from.left > 0) {
    const index = from.uint8();
    if (from.uint8() !== DMTF_SPECIFICATION) throw new MalformedError('measurement of another specification');
    const block = new ByteReader(from.take(from.uint16()));
    block.uint8();
    const value = block.take(block.uint16());
    block.end();
    if (index === 0 || blocks.has(index)) throw new MalformedError(`measurement ${index} is out of place`);
    blocks.set(index, value);
  }
  if (blocks.size !== count) throw new MalformedError(`${blocks.size} measurements, not ${count}`);
  return blocks;
}

function readOpaque(bytes: Uint8Array): Map<number, Uint8Array> {
  const from = new ByteReader(bytes);
  const entries = new Map<number, Uint8Array>();
  while (from.left > 0) {
    const type = from.uint16();
    if (entries.has(type)) throw new MalformedError(`opaque entry ${type} comes twice`);
    entries.set(type, from.take(from.uint16()));
  }
  return entries;
}

const modes: Readonly<Record<number, GpuMode>> = { 0: 'single', 1: 'multi', 2: 'protected-pcie' };

function readFacts(opaque: ReadonlyMap<number, Uint8Array>) {
  const read = <T>(type: number, as: (value: Uint8Array) => T): T | undefined => {
    const value = opaque.get(type);
    return value === undefined ? undefined : as(value);
  };
  const fwid = opaque.get(Opaque.fwid);
  if (fwid !== undefined && fwid.length !== 48) throw new MalformedError(`firmware digest of ${fwid.length} bytes`);
  return {
    driverVersion: read(Opaque.driverVersion, readText),
    vbiosVersion: read(Opaque.vbiosVersion, readVbios),
    chipName: read(Opaque.chipName, readText),
    chipSku: read(Opaque.chipSku, readText),
    project: read(Opaque.project, readText),
    projectSku: read(Opaque.projectSku, readText),
    nvdec0: read(Opaque.nvdec0, readSwitch),
    fwid,
    protectedPcie: read(Opaque.protectedPcie, readSwitch),
    mode: read(Opaque.featureFlag, (value) => {
      const mode = value.length === 2 ? modes[new ByteReader(value).uint16()] : undefined;
      if (mode === undefined) throw new MalformedError('feature flag');
      return mode;
    }),
  };
}

/** Printable ASCII, filled up with zeros. */
function readText(value: Uint8Array): string {
  const text = String.fromCharCode(...value.subarray(0, 256)).replace(/\0+$/, '');
  if (value.length > 256 || !/^[\x21-\x7e]+$/.test(text)) throw new MalformedError('text of an opaque entry');
  return text;
}

function readSwitch(value: Uint8Array): boolean {
  if (value.length !== 1 || (value[0] !== 0xaa && value[0] !== 0x55))
    throw new MalformedError('switch of an opaque entry');
  return value[0] === 0xaa;
}

/** GPUs write 8 bytes, `005e009601000000` for 96.00.5E.00.01; NVSwitches write the text. */
function readVbios(value: Uint8Array): string {
  if (value.length !== 8) return readText(value).toUpperCase();
  const digits = toHex(concat(value.slice(0, 4).reverse(), value.subarray(4, 5))).toUpperCase();
  return (digits.match(/../g) ?? []).join('.');
}
