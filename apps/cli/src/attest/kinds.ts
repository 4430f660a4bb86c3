/** Tells kinds of evidence apart by their content: a file's name says nothing. Nothing is judged here. */
import { describe, textOf } from './files.ts';

/** One GPU or switch, as the tools of NVIDIA hand it out. */
export interface DeviceEvidence {
  readonly evidence: Uint8Array;
  /** PEM, leaf first. */
  readonly certificates?: string;
  readonly arch?: string;
}

/** One event of dstack's log; hashes in hex. */
export interface DstackEvent {
  readonly imr: number;
  readonly event_type: number;
  readonly digest: string;
  readonly event: string;
  readonly event_payload: string;
}

export type Evidence =
  | {
      readonly kind: 'quote' | 'td-report' | 'snp-report' | 'bundle' | 'ccel-table' | 'ccel-log';
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'gpu'; readonly devices: readonly DeviceEvidence[] }
  | { readonly kind: 'rim'; readonly xml: string }
  | { readonly kind: 'nras'; readonly tokens: unknown }
  /** `pem` as text, or the DER of one. */
  | { readonly kind: 'certificates'; readonly pem?: string; readonly der?: Uint8Array }
  | { readonly kind: 'dstack-log'; readonly events: readonly DstackEvent[] }
  | { readonly kind: 'collateral'; readonly fields: Readonly<Record<string, unknown>> }
  /** `reason` completes "the file …". */
  | { readonly kind: 'unknown'; readonly bytes: Uint8Array; readonly reason: string };

/** As sentences name them. */
export const WORDS: Readonly<Record<Exclude<Evidence['kind'], 'unknown'>, string>> = {
  quote: 'a TDX or SGX quote',
  'td-report': 'a TDREPORT',
  'snp-report': 'a SEV-SNP report',
  bundle: 'a bundle of ours',
  'ccel-table': 'a CCEL table',
  'ccel-log': 'a CCEL event log',
  gpu: 'NVIDIA evidence',
  rim: 'a RIM',
  nras: 'NRAS tokens',
  certificates: 'certificates',
  'dstack-log': 'an event log of dstack',
  collateral: "Intel's collateral",
};

/** What a file is, to complete "the file …". */
export function identity(evidence: Evidence): string {
  return evidence.kind === 'unknown' ? evidence.reason : `is ${WORDS[evidence.kind]}`;
}

const SNP_REPORT_BYTES = 1_184;
const TD_REPORT_BYTES = 1_024;
/** What Intel's tools write behind a quote's version: ECDSA P-256 or P-384, and a TEE type of 0 or 0x81. */
const QUOTE_VERSIONS: ReadonlySet<number> = new Set([3, 4, 5]);

/** @param bytes of a file; quotes and other binary evidence may also come as hexadecimal text */
export function recognise(bytes: Uint8Array): Evidence {
  return binary(bytes) ?? textual(bytes) ?? { kind: 'unknown', bytes, reason: describe(bytes) };
}

function binary(bytes: Uint8Array): Evidence | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [u16, next16, u32] = [view.getUint16(0, true), view.getUint16(2, true), view.getUint32(0, true)];
  if (ascii(bytes, 0, 4) === 'CCEL') return { kind: 'ccel-table', bytes };
  if (ascii(bytes, 32, 15) === 'Spec ID Event03') return { kind: 'ccel-log', bytes };
  if (bytes.length === SNP_REPORT_BYTES && u32 >= 2 && u32 <= 5) return { kind: 'snp-report', bytes };
  if (QUOTE_VERSIONS.has(u16) && (next16 === 2 || next16 === 3)) return { kind: 'quote', bytes };
  if (u16 === 0xe011) return { kind: 'gpu', devices: [{ evidence: bytes }] };
  if (bytes[0] === 0x30 && bytes[1] === 0x82) return { kind: 'certificates', der: bytes };
  if (bytes[0] === 0xa2 && ascii(bytes, 2, 5) === 'items') return { kind: 'bundle', bytes };
  if (bytes.length === TD_REPORT_BYTES && textOf(bytes) === undefined) return { kind: 'td-report', bytes };
  return undefined;
}

function textual(bytes: Uint8Array): Evidence | undefined {
  const text = textOf(bytes)?.trim();
  if (text === undefined || text === '') return undefined;
  const digits = text.replace(/^0x/, '').replace(/\s+/g, '');
  if (digits.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(digits)) {
    const decoded = new Uint8Array(Buffer.from(digits, 'hex'));
    return (
      binary(decoded) ?? { kind: 'unknown', bytes: decoded, reason: `holds ${decoded.length} bytes in hexadecimal` }
    );
  }
  if (text.startsWith('<') && /<(\w+:)?SoftwareIdentity[\s>]/.test(text)) return { kind: 'rim', xml: text };
  if (!/^[[{]/.test(text))
    return text.includes('-----BEGIN CERTIFICATE-----') ? { kind: 'certificates', pem: text } : encoded(text, bytes);
  try {
    return json(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Text in base64 is told as what it holds, and not decoded: a file that stood for two things would have two hashes. */
function encoded(text: string, bytes: Uint8Array): Evidence | undefined {
  if (!/^[A-Za-z0-9+/_=\s-]+$/.test(text)) return undefined;
  const inside = binary(new Uint8Array(Buffer.from(text, 'base64')));
  if (inside === undefined) return undefined;
  return {
    kind: 'unknown',
    bytes,
    reason: `is base64 text of ${identity(inside).replace(/^is /, '')}: decode it first, with "base64 -d"`,
  };
}

function json(value: unknown): Evidence | undefined {
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isDevice)) return { kind: 'gpu', devices: value.map(deviceOf) };
    if (value.length > 0 && value.every(isDstackEvent)) return { kind: 'dstack-log', events: value };
    if (isTokens(value)) return { kind: 'nras', tokens: value };
    return undefined;
  }
  if (!isObject(value)) return undefined;
  if ('tcb_info' in value || 'pck_crl' in value) return { kind: 'collateral', fields: value };
  if (Array.isArray(value['evidences']) && value['evidences'].every(isDevice)) {
    return { kind: 'gpu', devices: value['evidences'].map(deviceOf) };
  }
  if (isTokens(value['detached_eat'])) return { kind: 'nras', tokens: value['detached_eat'] };
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const BASE64 = /^[A-Za-z0-9+/=\s]+$/;

function isDevice(value: unknown): value is Fields & { readonly evidence: string; readonly certificate: string } {
  if (!isObject(value)) return false;
  return [value['evidence'], value['certificate']].every((part) => typeof part === 'string' && BASE64.test(part));
}

function deviceOf({ evidence, certificate, arch }: Fields & { evidence: string; certificate: string }): DeviceEvidence {
  return {
    evidence: new Uint8Array(Buffer.from(evidence, 'base64')),
    certificates: Buffer.from(certificate, 'base64').toString(),
    ...(typeof arch === 'string' && { arch }),
  };
}

function isTokens(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [outer, inner] = value as unknown[];
  return Array.isArray(outer) && outer[0] === 'JWT' && isObject(inner);
}

function isDstackEvent(value: unknown): value is DstackEvent {
  if (!isObject(value)) return false;
  const { imr, event_type, digest, event, event_payload } = value;
  return (
    typeof imr === 'number' &&
    typeof event_type === 'number' &&
    [digest, event, event_payload].every((part) => typeof part === 'string')
  );
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
