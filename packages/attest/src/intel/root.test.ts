import assert from 'node:assert/strict';
import { it } from 'node:test';
import { derOf, vectorBytes } from '../../testing/intel-cases.ts';
import { toHex } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { collateralRootHash, INTEL_ROOT } from './root.ts';

it('pins the root that Intel publishes', () => {
  const fingerprint = '44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3';
  assert.equal(toHex(crypto.hash('sha256', INTEL_ROOT)), fingerprint);
  const published = derOf(new TextDecoder().decode(vectorBytes('tdx/roots/intel-sgx-root-ca.pem')));
  assert.deepEqual(INTEL_ROOT, published);
});

it('gives the collateral root hash that C++ programs list', () => {
  assert.equal(
    toHex(collateralRootHash(crypto)),
    '46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5dcf58eef31463613de1570d516200993',
  );
});
