import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { BASE_CONFIG, network } from '../testing/network.ts';
import { rootWith } from '../testing/scripted-proxy.ts';
import { createClient } from './client.ts';
import { parseClientConfig } from './config.ts';
import { ClientError } from './errors.ts';

const create = async (config: Record<string, unknown>) =>
  createClient(parseClientConfig({ ...BASE_CONFIG, ...config }), {
    clock: new FakeClock(),
    log: silentLogger,
    root: rootWith(),
  });

for (const [what, config, text] of [
  ['a test mode that is not the one of the root contract', { is_test: false }, /is_test is false here and true/],
  ['an owner that is no address', { owner_address: 'me' }, /"owner_address" must be an account address/],
  ['a root contract that is no address', { root_contract_address: 'EQ' }, /"root_contract_address"/],
  ['a router that is no IPv4 address', { connect_to_proxy_via: 'router.example:8116' }, /"connect_to_proxy_via"/],
] as const) {
  it(`does not start with ${what}`, async () => {
    await assert.rejects(
      create(config),
      (error) => error instanceof ClientError && error.code === 'CLIENT_CONFIG' && text.test(error.message),
    );
  });
}

it('starts without any proxy and says that none is there', async () => {
  await using client = await create({});
  assert.equal(client.ready, false);
  assert.deepEqual(client.snapshot().proxy_connections, []);
});

it('shows itself with the members and addresses of the C++ client', async () => {
  const { client } = await network();
  const snapshot = client.snapshot();
  assert.deepEqual(Object.keys(snapshot).slice(0, 7), [
    'status',
    'stats',
    'wallet',
    'localconf',
    'root_contract_config',
    'proxy_connections',
    'proxies',
  ]);
  assert.equal(snapshot.wallet.address, 'UQCdj43bBDyeJlfe6FVSpWLfsDMp4YHbmz5lca5-tNz-fx20');
  const [proxy] = snapshot.proxies;
  assert.equal(proxy?.proxy_sc_address, 'UQBPkxYfPKgOBMbbi9VQVO2DQz7Wg3w9K5YTsl8x1_KaeZcZ');
  assert.equal(proxy?.sc_address, 'UQCACjNFLY4ArI-ZdQsAazEAW41KvHyVIAWsFh9pbqcA1f12');
  assert.equal(proxy?.proxy_public_key, '559087582B7E5EA2B2B986C258E0067B806A59B154E955DECF00429610EAB095');
  assert.equal(
    snapshot.root_contract_config['client_code_hash'],
    '5D8A54E4462DD52F747BAE8C1EDCA819FD2F462BE05C1FC595CC2A34E6B18C44',
  );
  assert.equal(snapshot.stats.queries.length, 7);
});

it('remembers an account over connections: totals never go down', async () => {
  const { client, proxy, reconnect } = await network();
  proxy.say(proxy.signed(50n));
  proxy.lose();
  await reconnect(proxy);
  assert.equal(client.snapshot().proxies.length, 1);
  assert.equal(client.snapshot().proxies[0]?.tokens_signed, 50);
});

it('never shows a key or secret in its snapshot', async () => {
  const { client } = await network([{}], { secret_string: 'very secret words' });
  const text = JSON.stringify(client.snapshot());
  assert.ok(!text.includes('very secret words') && !text.includes(BASE_CONFIG.node_wallet_key));
});
