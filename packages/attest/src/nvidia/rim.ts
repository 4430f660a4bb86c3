/**
 * Reference values (RIM): what NVIDIA says a driver or VBIOS measures to. A SWID tag with an XML signature.
 * Source: attestation.md §14.3; TCG Reference Integrity Manifest Information Model.
 */
import { equalBytes, fromHex } from '../bytes.ts';
import type { GpuEvidence } from './evidence.ts';
import { attributeOf, isElement, readXml, type XmlElement, XmlError } from './xml.ts';
import { readXmlSignature, type XmlSignature } from './xml-signature.ts';

const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd';
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384';
const MAX_ALTERNATIVES = 64;
/** Measurement of the first video decoder: may be anything where the device says that it is off. */
const NVDEC0_INDEX = 35;

export interface Rim {
  /** Chip that it is for: "GH100". */
  readonly product: string;
  /** Of the driver or VBIOS: "550.144.03", "96.00.5E.00.01". */
  readonly version: string;
  /** Values that pass, by index. Index i belongs to measurement i + 1 of the evidence. */
  readonly measurements: ReadonlyMap<number, readonly Uint8Array[]>;
  /** Measurements listed, those that are not active included. */
  readonly listed: number;
  readonly signature: XmlSignature;
}

/** Reads without believing: whether NVIDIA signed it is said by `verifyRim`. @throws {MalformedError} */
export function readRim(xml: string): Rim {
  const document = readXml(xml);
  if (document.name.local !== 'SoftwareIdentity' || document.name.namespace !== SWID)
    throw new XmlError('not a SWID tag');
  const meta = onlyChild(document, 'Meta');
  const payload = onlyChild(document, 'Payload');
  const measurements = new Map<number, readonly Uint8Array[]>();
  const indexes = new Set<number>();
  for (const resource of payload.children.filter(isElement)) {
    if (resource.name.local !== 'Resource' || resource.name.namespace !== SWID) throw new XmlError('payload');
    if (wanted(resource, 'type') !== 'Measurement') throw new XmlError('resource that is no measurement');
    const index = readCount(wanted(resource, 'index'), 254);
    if (indexes.has(index)) throw new XmlError(`measurement ${index} comes twice`);
    indexes.add(index);
    const values = readValues(resource);
    if (attributeOf(resource, 'active') !== 'False') measurements.set(index, values);
  }
  return {
    product: wanted(meta, 'product'),
    version: wanted(meta, 'colloquialVersion'),
    measurements,
    listed: indexes.size,
    signature: readXmlSignature(document),
  };
}

function readValues(resource: XmlElement): Uint8Array[] {
  const size = readCount(wanted(resource, 'size'), 64);
  const alternatives = readCount(wanted(resource, 'alternatives'), MAX_ALTERNATIVES);
  return Array.from({ length: alternatives }, (_, i) => fromHex(wanted(resource, `Hash${i}`, SHA384), size));
}

function onlyChild(parent: XmlElement, local: string): XmlElement {
  const found = parent.children.filter(isElement).filter((child) => child.name.local === local);
  const [only] = found;
  if (only === undefined || found.length !== 1 || only.name.namespace !== SWID)
    throw new XmlError(`${found.length} elements ${local}`);
  return only;
}

function wanted(element: XmlElement, local: string, namespace = ''): string {
  const value = attributeOf(element, local, namespace);
  if (value === undefined) throw new XmlError(`${element.name.local} without ${local}`);
  return value;
}

function readCount(text: string, most: number): number {
  if (!/^(?:0|[1-9][0-9]{0,3})$/.test(text) || Number(text) > most) throw new XmlError('number');
  return Number(text);
}

export interface RimMatch {
  /** Measurements that are as they should be. */
  readonly matched: number;
  /** Indexes of the others, those that the evidence lacks included. */
  readonly mismatched: readonly number[];
}

/** Compares what a device measured with what it should have. Judges no signature. */
export function matchRim({ measurements, nvdec0 }: GpuEvidence, rim: Rim): RimMatch {
  const mismatched: number[] = [];
  let matched = 0;
  for (const [index, values] of rim.measurements) {
    const measured = measurements.get(index + 1);
    if (measured !== undefined && values.some((value) => equalBytes(value, measured))) matched++;
    else if (index !== NVDEC0_INDEX || nvdec0 !== false) mismatched.push(index);
  }
  return { matched, mismatched };
}
