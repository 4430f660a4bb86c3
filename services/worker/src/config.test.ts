import assert from 'node:assert/strict';
import { it } from 'node:test';
import { baseName, parseWorkerConfig, upstreamOrigin } from './config.ts';
import { WorkerError } from './errors.ts';

/** The fields of the file the C++ worker of the recordings was given. */
const recorded = {
  is_test: true,
  is_testnet: false,
  http_port: 12_000,
  owner_address: 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m',
  proxy_connections: 1,
  connect_to_proxy_via: '127.0.0.1:8116',
  model_name: 'Qwen/Qwen3-8B@abc123def456:0000000000000000000000000000000000000000000000000000000000000000',
  coefficient: 1_000,
  root_contract_address: 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ',
  node_wallet_key: 'jYYD/HjU0K2D/xpistoFM4BruJhY3koI1xuO00xd7PI=',
  forward_requests_to: '127.0.0.1:8000',
  ton_config_filename: 'x.json',
  check_proxy_hashes: false,
  max_active_requests: 60,
  http_access_hash: '',
};

it('reads the file of a C++ worker', () => {
  const config = parseWorkerConfig(JSON.stringify(recorded));
  assert.equal(config.max_active_requests, 60);
  assert.equal(baseName(config.model_name), 'Qwen/Qwen3-8B');
  assert.equal(upstreamOrigin(config), 'http://127.0.0.1:8000');
  assert.equal(config.http_host, '127.0.0.1');
});

it('reads numbers and flags as the C++ programs do', () => {
  const config = parseWorkerConfig({
    ...recorded,
    is_test: '1',
    check_proxy_hashes: 0,
    http_port: '0',
    max_active_requests: -1,
  });
  assert.equal(config.is_test, true);
  assert.equal(config.check_proxy_hashes, false);
  assert.equal(config.http_port, 0);
  assert.equal(config.max_active_requests, 200);
});

it('takes the inference server with or without a scheme', () => {
  assert.equal(
    upstreamOrigin(parseWorkerConfig({ ...recorded, forward_requests_to: 'http://gpu:8000/' })),
    'http://gpu:8000',
  );
  assert.equal(
    upstreamOrigin(parseWorkerConfig({ ...recorded, forward_requests_to: '[::1]:8000' })),
    'http://[::1]:8000',
  );
});

const wrong: [string, object, RegExp][] = [
  ['an unknown field', { coeficient: 1 }, /unknown field "coeficient"/],
  ['an address that is none', { owner_address: 'x' }, /"owner_address" must be an account address/],
  ['a price no proxy takes', { coefficient: 1_000_000_000 }, /"coefficient"/],
  ['a key of another length', { node_wallet_key: 'AAAA' }, /"node_wallet_key" must be 32 bytes/],
  ['a server address with a path', { forward_requests_to: 'http://gpu:8000/v1' }, /"forward_requests_to"/],
  ['a server address with a password', { forward_requests_to: 'http://u:p@gpu:8000' }, /"forward_requests_to"/],
  ['a model without a name', { model_name: '@abc' }, /"model_name"/],
  [
    'a payout that costs more than it brings',
    { idle_payout_at_ton: 0.009 },
    /"idle_payout_at_ton" must be at least 0\.01 TON/,
  ],
  ['an amount with a tenth decimal', { payout_at_ton: '1.0000000001' }, /"payout_at_ton" must be an amount of TON/],
  ['an amount that is none', { payout_at_ton: 1e-12 }, /"payout_at_ton" must be an amount of TON/],
  ['a wallet nobody knows', { wallet_code: 'v4' }, /"wallet_code"/],
  [
    'a chain without an address',
    { ton_api: { endpoints: [{ url: 'x' }] } },
    /"ton_api\.endpoints\.0\.url" must be an http/,
  ],
  ['a missing field', { model_name: undefined }, /"model_name"/],
];
for (const [what, fields, message] of wrong) {
  it(`names ${what}`, () => {
    assert.throws(
      () => parseWorkerConfig({ ...recorded, ...fields }),
      (error) => error instanceof WorkerError && error.code === 'WORKER_CONFIG' && message.test(error.message),
    );
  });
}

it('reads amounts of TON exactly, as numbers and as text', () => {
  const config = parseWorkerConfig({ ...recorded, payout_at_ton: '2.000000001', idle_payout_at_ton: 0.3 });
  assert.deepEqual([config.payout_at_ton, config.idle_payout_at_ton], [2_000_000_001n, 300_000_000n]);
  const { payout_at_ton, idle_payout_at_ton, idle_payout_after_sec, wallet_code } = parseWorkerConfig(recorded);
  assert.deepEqual([payout_at_ton, idle_payout_at_ton, idle_payout_after_sec], [10_000_000_000n, 200_000_000n, 3_600]);
  assert.equal(wallet_code, 'bombyx');
});

it('asks the public servers of its network unless it is told of others', () => {
  const url = 'http://127.0.0.1:8081/api/v2/jsonRPC';
  const asked = (more: object) => parseWorkerConfig({ ...recorded, ...more }).tonApi.endpoints[0]?.url;
  assert.equal(asked({}), 'https://toncenter.com/api/v2/jsonRPC');
  assert.equal(asked({ is_testnet: true }), 'https://testnet.toncenter.com/api/v2/jsonRPC');
  assert.equal(asked({ ton_api: { endpoints: [{ url }] } }), url);
});

it('names everything that is wrong at once', () => {
  assert.throws(() => parseWorkerConfig({ ...recorded, coefficient: -1, a: 1, b: 2 }), /"coefficient".*"a", "b"/);
  assert.throws(() => parseWorkerConfig('{'), /not JSON/);
});
