import assert from 'node:assert/strict';
import { sign, verify } from 'node:crypto';
import { it } from 'node:test';
import { proxyKey, proxyPublicKey } from '../testing/recordings.ts';
import { privateKeyFromSeed, publicKeyBytes, publicKeyFromBytes, TonError } from './index.ts';

it('makes the key pair of RFC 8032 from its seed', () => {
  const key = privateKeyFromSeed(
    Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'),
  );
  assert.equal(publicKeyBytes(key).toString('hex'), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  assert.equal(
    sign(null, Buffer.alloc(0), key).toString('hex'),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
});

it('makes the recorded public key from the recorded seed', () => {
  assert.deepEqual(publicKeyBytes(proxyKey), proxyPublicKey);
});

it('verifies with a key made from public bytes', () => {
  const message = Buffer.from('m');
  const publicKey = publicKeyFromBytes(proxyPublicKey);
  assert.ok(verify(null, message, publicKey, sign(null, message, proxyKey)));
  assert.deepEqual(publicKeyBytes(publicKey), proxyPublicKey);
});

it('refuses keys of another length', () => {
  for (const size of [0, 31, 33, 64]) {
    for (const make of [privateKeyFromSeed, publicKeyFromBytes]) {
      assert.throws(
        () => make(Buffer.alloc(size)),
        (error) => error instanceof TonError && error.code === 'TON_KEY',
      );
    }
  }
});
