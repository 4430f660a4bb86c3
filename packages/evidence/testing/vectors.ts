/** Real evidence and collateral of /vectors/attestation; its README says where each comes from. */
import { readFileSync } from 'node:fs';
import type { Collateral } from '@bombyx/attest';

/** @throws when it is not there: lost vectors must not pass */
export function vector(path: string): Buffer {
  return readFileSync(new URL(`../../../vectors/attestation/${path}`, import.meta.url));
}

export function collateralVector(name: string): Collateral {
  return JSON.parse(vector(`tdx/collateral/${name}.json`).toString('utf8')) as Collateral;
}

/** A real TDX quote, and when its collateral was good. */
export const quote = vector('tdx/quotes/cocoon-v4.bin');
export const QUOTE_AT_MS = Date.UTC(2026, 1, 5);

/** A real quote or report with other report data: nobody signed that, but it is about what was asked. */
export function evidenceAbout(tee: 'tdx' | 'sev-snp', reportData: Uint8Array): Buffer {
  const bytes = Buffer.from(tee === 'tdx' ? quote : vector('snp/gcp-v5-vmpl0.bin'));
  bytes.set(reportData, tee === 'tdx' ? 48 + 520 : 80);
  return bytes;
}
