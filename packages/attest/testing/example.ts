/** The example of README.md, as a function that a test runs. */

import { nodeCrypto } from '../src/crypto/node.ts';
import { type Collateral, type Quote, verifyQuote } from '../src/index.ts';

export function example(quote: Uint8Array, collateral: Collateral): Quote {
  const verdict = verifyQuote(quote, collateral, { atMs: Date.UTC(2026, 1, 5), crypto: nodeCrypto });
  if (!verdict.ok) throw new Error(verdict.failures.map(({ code, message }) => `${code}: ${message}`).join('; '));
  console.assert(verdict.tcbStatus === 'UpToDate' && verdict.policyFindings.length === 0);
  return verdict.quote;
}
