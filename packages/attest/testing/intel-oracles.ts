/** Two published verifiers, to compare with. They are known to check less: docs/attestation-differences.md. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { IntelQuestion } from './intel-cases.ts';

export type OracleAnswer =
  | { readonly ok: true; readonly status: string; readonly advisories: readonly string[] }
  | { readonly ok: false; readonly why: string };

export interface Oracle {
  readonly name: '@phala/dcap-qvl' | '@phala/dcap-qvl-web';
  judge(question: IntelQuestion): OracleAnswer;
}

/** Fields of their reports that are compared. */
interface Report {
  readonly status: string;
  readonly advisory_ids: readonly string[];
}

interface PureModule {
  readonly QuoteVerifier: {
    newWithRootCa(root?: Buffer): { verify(quote: Buffer, collateral: object, nowSec: number): Report };
  };
}

interface WebModule {
  initSync(options: { module: Uint8Array }): unknown;
  js_verify(quote: Uint8Array, collateral: object, nowSec: bigint): Report;
}

export async function oracles(): Promise<readonly [Oracle, Oracle]> {
  const require = createRequire(import.meta.url);
  const pure = require('@phala/dcap-qvl') as PureModule;
  const web = (await import('@phala/dcap-qvl-web')) as unknown as WebModule; // its types say `any`
  const wasm = fileURLToPath(import.meta.resolve('@phala/dcap-qvl-web/dcap-qvl-web_bg.wasm'));
  web.initSync({ module: readFileSync(wasm) });
  return [
    oracle('@phala/dcap-qvl', ({ quote, collateral, atMs, root }) =>
      pure.QuoteVerifier.newWithRootCa(root && Buffer.from(root)).verify(
        Buffer.from(quote),
        collateral,
        Math.floor(atMs / 1000),
      ),
    ),
    oracle('@phala/dcap-qvl-web', ({ quote, collateral, atMs }) =>
      web.js_verify(quote, collateral, BigInt(Math.floor(atMs / 1000))),
    ),
  ];
}

function oracle(name: Oracle['name'], verify: (question: IntelQuestion) => Report): Oracle {
  return {
    name,
    judge(question) {
      try {
        const { status, advisory_ids } = verify(question);
        return { ok: true, status, advisories: [...advisory_ids].sort() };
      } catch (error) {
        return { ok: false, why: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
