/** The cases of vectors/attestation/cases.json as files: a quote and its collateral, patched as the case says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const DATA = new URL('../../../vectors/attestation/', import.meta.url).pathname;

export interface Expected {
  readonly verdict: 'verified' | 'rejected';
  readonly reason?: string;
  readonly alsoTrue?: readonly string[];
  /** What a verified quote shows besides. */
  readonly [field: string]: unknown;
}

interface Patch {
  readonly op: 'xor' | 'write' | 'truncate' | 'append' | 'set' | 'replace' | 'xorHex' | 'copy';
  /** `quote` or `collateral.FIELD`. */
  readonly in: string;
  readonly offset?: number;
  readonly length?: number;
  readonly hex?: string;
  readonly value?: string;
  readonly find?: string;
  readonly with?: string;
  /** `FILE#FIELD`. */
  readonly from?: string;
}

export interface Case {
  readonly id: string;
  readonly quote: string;
  readonly collateral: string;
  readonly at: string;
  readonly root?: string;
  readonly patch?: readonly Patch[];
  readonly expect: Expected;
}

export const cases = JSON.parse(readFileSync(join(DATA, 'cases.json'), 'utf8')) as readonly Case[];

export function dataFile(path: string): string {
  return join(DATA, path);
}

/** A folder for the files of one test file. */
export function scratchFolder(): {
  readonly path: string;
  write(name: string, content: string | Uint8Array): string;
} & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'attest-'));
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** @returns the quote and the nine fields of the collateral as the case has them */
export function patched({ quote: quoteFile, collateral: collateralFile, patch = [] }: Case): {
  readonly quote: Uint8Array;
  readonly collateral: Readonly<Record<string, string>>;
} {
  let quote = Buffer.from(readFileSync(dataFile(quoteFile)));
  const collateral = readFields(collateralFile);
  for (const step of patch) {
    if (step.in === 'quote') quote = patchBytes(quote, step);
    else {
      const field = step.in.replace('collateral.', '');
      collateral[field] = patchText(collateral[field]!, step);
    }
  }
  return { quote, collateral };
}

function readFields(file: string): Record<string, string> {
  return JSON.parse(readFileSync(dataFile(file), 'utf8')) as Record<string, string>;
}

function patchBytes(bytes: Buffer<ArrayBuffer>, { op, offset = 0, length = 0, hex = '' }: Patch): Buffer<ArrayBuffer> {
  const given = Buffer.from(hex, 'hex');
  switch (op) {
    case 'truncate':
      return bytes.subarray(0, length);
    case 'append':
      return Buffer.concat([bytes, given]);
    case 'write':
      given.copy(bytes, offset);
      return bytes;
    case 'xor':
      for (const [at, byte] of given.entries()) bytes[offset + at]! ^= byte;
      return bytes;
    default:
      throw new TypeError(`no change of bytes: ${op}`);
  }
}

function patchText(text: string, step: Patch): string {
  switch (step.op) {
    case 'set':
      return step.value!;
    case 'replace':
      if (!text.includes(step.find!)) throw new TypeError(`nothing to replace: ${step.find}`);
      return text.replace(step.find!, () => step.with!);
    case 'xorHex': {
      const bytes = Buffer.from(text, 'hex');
      const at = step.offset! < 0 ? bytes.length + step.offset! : step.offset!;
      return patchBytes(bytes, { ...step, op: 'xor', offset: at }).toString('hex');
    }
    case 'copy': {
      const [file, field] = step.from!.split('#') as [string, string];
      return readFields(file)[field]!;
    }
    default:
      throw new TypeError(`no change of text: ${step.op}`);
  }
}
