import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { example } from '../testing/example.ts';

const vectors = new URL('../../../vectors/attestation/tdx/', import.meta.url);

it('does what its README shows', () => {
  const quote = readFileSync(new URL('quotes/cocoon-v4.bin', vectors));
  const collateral = JSON.parse(readFileSync(new URL('collateral/90c06f-2026-01-12.json', vectors), 'utf8'));
  assert.equal(example(quote, collateral).version, 4);
});
