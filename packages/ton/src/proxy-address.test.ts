import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseEndpoint, parseProxyAddress, TonError } from './index.ts';

const refused = (error: unknown) => error instanceof TonError && error.code === 'TON_PROXY_ADDRESS';

it('reads the address for workers first, then the one for clients', () => {
  assert.deepEqual(parseProxyAddress('127.0.0.1:21501 10.0.0.2:21502'), {
    workers: { host: '127.0.0.1', port: 21_501 },
    clients: { host: '10.0.0.2', port: 21_502 },
  });
});

it('takes a single address for both', () => {
  const { workers, clients } = parseProxyAddress('203.0.113.5:443');
  assert.deepEqual(workers, { host: '203.0.113.5', port: 443 });
  assert.deepEqual(clients, workers);
});

it('reads any IPv4 address and port', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }), (host, port) => {
      assert.deepEqual(parseEndpoint(`${host}:${port}`), { host, port });
    }),
  );
});

it('refuses names, IPv6, bad ports and extra parts', () => {
  for (const text of [
    '',
    ':',
    '1.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:0',
    '1.2.3.4:65536',
    '1.2.3.4:01',
    '1.2.3.4:-1',
    '1.2.3.4:8e1',
    '1.2.3:80',
    '1.2.3.256:80',
    'localhost:80',
    '[::1]:80',
    '::1:80',
    ' 1.2.3.4:80',
    '1.2.3.4:80 ',
    '1.2.3.4:80  1.2.3.4:81',
    '1.2.3.4:80 1.2.3.4:81 1.2.3.4:82',
  ]) {
    assert.throws(() => parseProxyAddress(text), refused, text);
  }
});
