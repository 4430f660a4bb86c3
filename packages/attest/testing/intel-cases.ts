/** The recorded quotes and the checks of vectors/attestation: read and patched as its README says. */
import { readFileSync } from 'node:fs';
import type { Collateral } from '../src/index.ts';

const folder = new URL('../../../vectors/attestation/', import.meta.url);

type Patch =
  | { op: 'xor' | 'write'; in: 'quote'; offset: number; hex: string }
  | { op: 'truncate'; in: 'quote'; length: number }
  | { op: 'append'; in: 'quote'; hex: string }
  | { op: 'set'; in: string; value: string }
  | { op: 'replace'; in: string; find: string; with: string }
  | { op: 'xorHex'; in: string; offset: number; hex: string }
  | { op: 'copy'; in: string; from: string };

export interface IntelCase {
  readonly id: string;
  readonly quote: string;
  readonly collateral: string;
  readonly at: string;
  readonly root?: string;
  readonly patch?: readonly Patch[];
  readonly why: string;
  readonly expect: Expectation;
}

export interface Expectation {
  readonly verdict: 'verified' | 'rejected';
  readonly reason?: string;
  readonly alsoTrue?: readonly string[];
  readonly tcbStatus?: string;
  readonly advisories?: readonly string[];
  readonly tcbDate?: string;
  readonly tdxModule?: string | null;
  readonly qeStatus?: string;
  readonly collateralExpiresAt?: string;
  readonly policyFindings?: readonly string[];
}

/** What a verifier is asked: the case with its patches done. */
export interface IntelQuestion {
  readonly quote: Uint8Array;
  readonly collateral: Collateral;
  readonly atMs: number;
  readonly root?: Uint8Array;
}

export function intelCases(): readonly IntelCase[] {
  return JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as IntelCase[];
}

/** Every field of every quote, as written in quotes.json. */
export function recordedQuotes(): readonly (Readonly<Record<string, unknown>> & { readonly file: string })[] {
  return JSON.parse(readFileSync(new URL('quotes.json', folder), 'utf8'));
}

export function vectorBytes(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, folder)));
}

export function vectorCollateral(file: string): Collateral {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Collateral;
}

export function questionOf({ quote: file, collateral: from, at, root, patch = [] }: IntelCase): IntelQuestion {
  let quote: Uint8Array = vectorBytes(file);
  const collateral: Record<string, string> = { ...vectorCollateral(from) };
  for (const step of patch) {
    if (step.in === 'quote') quote = patchQuote(quote, step);
    else {
      const field = step.in.replace('collateral.', '');
      collateral[field] = patchText(collateral[field] ?? '', step);
    }
  }
  return {
    quote,
    collateral: collateral as unknown as Collateral, // the patches keep its nine fields
    atMs: Date.parse(at),
    ...(root !== undefined && { root: derOf(new TextDecoder().decode(vectorBytes(root))) }),
  };
}

export function derOf(pem: string): Uint8Array {
  return new Uint8Array(Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64'));
}

function patchQuote(quote: Uint8Array, step: Patch): Uint8Array {
  const bytes = Buffer.from(quote);
  const hex = 'hex' in step ? Buffer.from(step.hex, 'hex') : Buffer.alloc(0);
  switch (step.op) {
    case 'xor':
      for (const [i, byte] of hex.entries()) bytes[step.offset + i]! ^= byte;
      return new Uint8Array(bytes);
    case 'write':
      bytes.set(hex, step.offset);
      return new Uint8Array(bytes);
    case 'truncate':
      return new Uint8Array(bytes.subarray(0, step.length));
    case 'append':
      return new Uint8Array(Buffer.concat([bytes, hex]));
    default:
      throw new TypeError(`${step.op} in a quote`);
  }
}

function patchText(text: string, step: Patch): string {
  switch (step.op) {
    case 'set':
      return step.value;
    case 'replace':
      if (!text.includes(step.find)) throw new TypeError(`nothing to replace: ${step.find}`);
      return text.replace(step.find, step.with);
    case 'xorHex': {
      const bytes = Buffer.from(text, 'hex');
      const at = step.offset < 0 ? bytes.length + step.offset : step.offset;
      for (const [i, byte] of Buffer.from(step.hex, 'hex').entries()) bytes[at + i]! ^= byte;
      return bytes.toString('hex');
    }
    case 'copy': {
      const [file = '', field = ''] = step.from.split('#');
      return (vectorCollateral(file) as unknown as Record<string, string>)[field] ?? '';
    }
    default:
      throw new TypeError(`${step.op} in collateral`);
  }
}
