import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BASE_CONFIG } from '../testing/network.ts';
import { parseClientConfig } from './config.ts';
import { ClientError } from './errors.ts';

const refused = (json: unknown, text: RegExp) =>
  assert.throws(
    () => parseClientConfig(json),
    (error) => error instanceof ClientError && error.code === 'CLIENT_CONFIG' && text.test(error.message),
  );

it('accepts the file of a C++ client', () => {
  const config = parseClientConfig({
    '@type': 'clientRunner.config',
    ...BASE_CONFIG,
    is_testnet: false,
    http_port: 10_500,
    proxy_connections: 1,
    connect_to_proxy_via: '127.0.0.1:8116',
    check_proxy_hashes: 0,
    secret_string: 'abc',
    ton_config_filename: 'testnet-global.config.json',
    http_access_hash: 'x',
  });
  assert.equal(config.http_port, 10_500);
  assert.equal(config.check_proxy_hashes, false);
});

it('reads numbers and flags as C++ does', () => {
  const config = parseClientConfig({ ...BASE_CONFIG, is_test: '1', http_port: '10500', is_testnet: 0 });
  assert.deepEqual([config.is_test, config.http_port, config.is_testnet], [true, 10_500, false]);
  refused({ ...BASE_CONFIG, is_test: 'yes' }, /"is_test"/);
});

it('fills in what is missing', () => {
  const config = parseClientConfig(BASE_CONFIG);
  assert.equal(config.proxy_connections, undefined);
  assert.equal(config.http_host, '127.0.0.1');
  assert.equal(config.connect_to_proxy_via, undefined);
  assert.equal(config.max_pow_difficulty, 28);
});

it('names unknown fields and every wrong one', () => {
  refused({ ...BASE_CONFIG, proxy_conections: 1 }, /unknown field "proxy_conections"/);
  refused({ ...BASE_CONFIG, http_port: 65_536, proxy_policy: '' }, /"http_port".*"proxy_policy"/);
  refused({ ...BASE_CONFIG, node_wallet_key: 'c2hvcnQ=' }, /"node_wallet_key" must be 32 bytes/);
  refused({ ...BASE_CONFIG, connect_to_proxy_via: '8116' }, /"connect_to_proxy_via"/);
  refused({}, /"owner_address".*"node_wallet_key"/);
  refused('text', /client configuration: it must be a JSON object/);
  refused(null, /client configuration: it must be a JSON object/);
});

it('never repeats a secret in an error', () => {
  const secret = 'c2VjcmV0c2VjcmV0c2VjcmV0';
  assert.throws(
    () => parseClientConfig({ ...BASE_CONFIG, node_wallet_key: secret, secret_string: 5 }),
    (error) => error instanceof ClientError && !error.message.includes(secret),
  );
});
