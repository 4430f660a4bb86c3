import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { it } from 'node:test';
import { nodeCrypto } from '../crypto/node.ts';
import { type Binding, gpuNonceOf, reportDataV1, reportDataV2 } from './binding.ts';

const filled = (byte: number) => new Uint8Array(32).fill(byte);
const binding: Binding = { role: 'proxy', nonce: filled(1), exporter: filled(2), publicKey: filled(3) };
const claims = new TextEncoder().encode('claims');
const plain = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it('hashes tag, role, nonce, exporter and claims as the specification writes it', () => {
  const hash = createHash('sha512').update('cocoon-attest-v2').update(Buffer.of(2));
  hash.update(binding.nonce).update(binding.exporter).update(createHash('sha256').update(claims).digest());
  assert.equal(plain(reportDataV2(binding, claims, nodeCrypto)), hash.digest('hex'));
});

it('gives other report data for another role, nonce, exporter or claims', () => {
  const all = [
    reportDataV2(binding, claims, nodeCrypto),
    reportDataV2({ ...binding, role: 'worker' }, claims, nodeCrypto),
    reportDataV2({ ...binding, role: 'client' }, claims, nodeCrypto),
    reportDataV2({ ...binding, nonce: filled(9) }, claims, nodeCrypto),
    reportDataV2({ ...binding, exporter: filled(9) }, claims, nodeCrypto),
    reportDataV2({ ...binding, nonce: filled(2), exporter: filled(1) }, claims, nodeCrypto),
    reportDataV2(binding, claims.subarray(1), nodeCrypto),
    reportDataV1(binding.publicKey, nodeCrypto),
  ].map(plain);
  assert.equal(new Set(all).size, all.length);
});

it('refuses a nonce or an exporter that is not 32 bytes: a shorter one could move bytes between the two', () => {
  assert.throws(() => reportDataV2({ ...binding, nonce: new Uint8Array(31) }, claims, nodeCrypto), RangeError);
  assert.throws(() => reportDataV2({ ...binding, exporter: new Uint8Array(33) }, claims, nodeCrypto), RangeError);
});

it('gives the report data of the C++ vector', () => {
  const publicKey = Buffer.from('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c', 'hex');
  assert.match(plain(reportDataV1(publicKey, nodeCrypto)), /^3784728ae7309eab.*12e345$/);
});

it('derives the nonce of the GPUs from the key as TLS has it, and the connection', () => {
  const x = Buffer.from(binding.publicKey).toString('base64url');
  const spki = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }).export({
    type: 'spki',
    format: 'der',
  });
  const hash = createHash('sha256').update('cocoon-gpu-v2').update(spki);
  assert.equal(
    plain(gpuNonceOf(binding, undefined, nodeCrypto)),
    hash.copy().update(binding.nonce).update(binding.exporter).digest('hex'),
  );
  assert.equal(plain(gpuNonceOf(binding, filled(7), nodeCrypto)), hash.update(filled(7)).digest('hex'));
});
