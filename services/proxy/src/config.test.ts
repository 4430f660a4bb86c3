import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProxyConfig } from './config.ts';
import { ProxyError } from './errors.ts';

const key = Buffer.alloc(32, 3).toString('base64');
const minimal = {
  owner_address: 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m',
  root_contract_address: 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ',
  machine_specific_private_key: key,
  db_path: 'proxy-db',
};

describe('the configuration of a proxy', () => {
  it('accepts the fields of the C++ program, spelled as it accepts them', () => {
    const config = parseProxyConfig({
      '@type': 'proxyRunner.config',
      ...minimal,
      is_test: 1,
      is_testnet: false,
      workers_rpc_port: '11101',
      client_rpc_port: 11102,
      http_port: 10000,
      node_wallet_key: key,
      ton_config_filename: '',
      check_worker_hashes: false,
      image_hash: key,
      http_access_hash: '',
    });
    assert.equal(config.isTest, true);
    assert.equal(config.workersPort, 11_101);
    assert.equal(config.clientPort, 11_102);
  });

  it('is safe by default: mutual TLS, loopback, bounded', () => {
    const config = parseProxyConfig(JSON.stringify(minimal));
    assert.equal(config.security, 'tls');
    assert.equal(config.rpcHost, '127.0.0.1');
    assert.equal(config.httpHost, '127.0.0.1');
    assert.equal(config.powDifficulty, 20);
    assert.equal(config.limits.queuePerModel, 2_048);
  });

  it('says when coins move, in TON, exact to the nanoton', () => {
    const config = parseProxyConfig({
      ...minimal,
      charge_at_ton: 0.5,
      commit_at_ton: '0.123456789',
      commit_most_sec: 60,
    });
    assert.deepEqual(config.settlement, { chargeAt: 500_000_000n, commitAt: 123_456_789n, commitMostMs: 60_000 });
    assert.deepEqual(parseProxyConfig(minimal).settlement, {});
  });

  const refused: [string, unknown, RegExp][] = [
    ['unknown fields, by name', { ...minimal, client_rpc_prot: 1 }, /unknown field "client_rpc_prot"/],
    [
      'several faults at once',
      { ...minimal, http_port: 70_000, owner_address: 'x' },
      /"http_port" .*"owner_address"|"owner_address" .*"http_port"/,
    ],
    ['a missing field', { ...minimal, db_path: undefined }, /"db_path" is missing/],
    [
      'a short key',
      { ...minimal, machine_specific_private_key: 'AAAA' },
      /"machine_specific_private_key" must be 32 bytes/,
    ],
    ['an amount not worth moving', { ...minimal, charge_at_ton: 0.001 }, /"charge_at_ton" must be at least 0.01 TON/],
    ['another security', { ...minimal, rpc_security: 'plain' }, /"rpc_security" must be 'tls' or 'router'/],
    ['text that is no JSON', '{', /not JSON/],
    ['something that is no object', [], /must be a JSON object/],
  ];
  for (const [name, json, expected] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parseProxyConfig(json),
        (error) => {
          assert.ok(error instanceof ProxyError && error.code === 'PROXY_CONFIG');
          assert.match(error.message, expected);
          return true;
        },
      );
    });
  }
});
