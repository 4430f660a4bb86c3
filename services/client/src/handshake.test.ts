import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { QueryError } from '@bombyx/transport';
import type { Tl, TlObject } from '@bombyx/wire';
import { network } from '../testing/network.ts';
import type { ScriptedProxyOptions } from '../testing/scripted-proxy.ts';

const sha256 = (data: string) => createHash('sha256').update(data).digest();
const asked = ({ queries }: { queries: readonly { kind: string }[] }) => queries.map(({ kind }) => kind);

it('introduces itself with flags 3, versions 1 to 4 and the version of its root configuration', async () => {
  const { client, proxy } = await network();
  const [hello] = proxy.queries as [Tl<'client.connectToProxy'>];
  assert.deepEqual(hello, {
    kind: 'client.connectToProxy',
    params: {
      kind: 'client.params',
      flags: 3,
      client_owner_address: 'UQCdj43bBDyeJlfe6FVSpWLfsDMp4YHbmz5lca5-tNz-fx20',
      is_test: true,
      min_proto_version: 1,
      max_proto_version: 4,
    },
    min_config_version: 3,
  });
  assert.equal(client.ready, true);
});

it('uses the long form when the proxy knows no secret', async () => {
  const { client, proxy } = await network([{}]);
  assert.deepEqual(asked(proxy), ['client.connectToProxy', 'client.authorizeWithProxyLong']);
  assert.equal(client.ready, true);
});

it('uses the short form when the proxy holds the hash of its secret', async () => {
  const { client, proxy } = await network([{ secretHash: sha256('abc') }], { secret_string: 'abc' });
  assert.deepEqual(asked(proxy), ['client.connectToProxy', 'client.authorizeWithProxyShort']);
  assert.equal(client.ready, true);
});

it('uses the long form when the hash is of another secret', async () => {
  const { client, proxy } = await network([{ secretHash: sha256('other') }], { secret_string: 'abc' });
  assert.deepEqual(asked(proxy), ['client.connectToProxy', 'client.authorizeWithProxyLong']);
  assert.equal(client.ready, true);
});

for (const protoVersion of [0, 1, 2, 3]) {
  it(`works with protocol version ${protoVersion}`, async () => {
    const { client } = await network([{ protoVersion }]);
    assert.equal(client.ready, true);
    assert.equal(client.snapshot().proxy_connections[0]?.proto_version, protoVersion);
  });
}

const changed = (change: (it: Tl<'client.connectedToProxy'>) => TlObject): ScriptedProxyOptions => ({ hello: change });
const params = (over: Partial<Tl<'proxy.params'>>) => changed((it) => ({ ...it, params: { ...it.params, ...over } }));
const ADDRESS = 'UQBPkxYfPKgOBMbbi9VQVO2DQz7Wg3w9K5YTsl8x1_KaeZcZ';

const MISFITS: readonly (readonly [string, ScriptedProxyOptions, RegExp])[] = [
  ['another test mode', params({ is_test: false }), /is_test/],
  [
    'another proxy contract',
    params({ proxy_sc_address: 'UQCACjNFLY4ArI-ZdQsAazEAW41KvHyVIAWsFh9pbqcA1f12' }),
    /proxy contract/,
  ],
  ['another key', params({ proxy_public_key: Buffer.alloc(32, 5) }), /proxy contract/],
  ['another owner', params({ proxy_owner_address: ADDRESS }), /proxy contract/],
  ['an owner that is no address', params({ proxy_owner_address: 'nobody' }), /owner does not parse/],
  [
    'the testnet form of its address',
    params({ proxy_sc_address: '0QBPkxYfPKgOBMbbi9VQVO2DQz7Wg3w9K5YTsl8x1_KaeSyT' }),
    /proxy contract/,
  ],
  ['another client contract', changed((it) => ({ ...it, client_sc_address: ADDRESS })), /client contract/],
  ['protocol version 5', params({ proto_version: 5 }), /protocol version 5/],
  ['protocol version -1', params({ proto_version: -1 }), /protocol version -1/],
  [
    'an object of another kind',
    changed(() => ({ kind: 'client.proxyConnectionAuthLong', nonce: 1n })),
    /introduces itself/,
  ],
  [
    'a refusal',
    { answer: () => Promise.reject(new QueryError(651, 'proxy is not participating in this iteration')) },
    /not participating/,
  ],
  [
    'a failed authorization',
    {
      answer: (fn) =>
        fn.kind === 'client.authorizeWithProxyLong'
          ? { kind: 'client.authorizationWithProxyFailed', error_code: 602, error: 'client is closing' }
          : undefined,
    },
    /closing/,
  ],
];

for (const [what, options, reason] of MISFITS) {
  it(`closes the connection to a proxy that shows ${what}`, async () => {
    const { client, proxy } = await network([options]);
    assert.equal(client.ready, false);
    assert.equal(proxy.connected, false);
    assert.match(client.snapshot().proxy_connections[0]?.last_error ?? '', reason);
  });
}

it('closes the connection to a proxy that is not in the list, when told to check', async () => {
  const listed = Buffer.from('ProxyProxyProxyProxyProxyProxyProxyProxyPro=', 'base64');
  const { client } = await network([{}, { peer: { imageHash: listed } }], { check_proxy_hashes: true });
  const [first, second] = client.snapshot().proxy_connections;
  assert.deepEqual([first?.is_ready, second?.is_ready].sort(), [false, true]);
});

it('ignores messages that come before the handshake is done', async () => {
  let release: (answer: TlObject) => void = () => {};
  const held = new Promise<TlObject>((resolve) => {
    release = resolve;
  });
  const { client, proxy } = await network([
    { answer: (fn) => (fn.kind === 'client.authorizeWithProxyLong' ? held : undefined) },
  ]);
  assert.equal(client.ready, false);
  proxy.say(proxy.signed(500n)); // the C++ client crashes here
  release({
    kind: 'client.authorizationWithProxySuccess',
    signed_payment: proxy.signed(3n),
    tokens_committed_to_db: 4n,
    max_tokens: 5n,
  });
  await client.whenReady();
  assert.equal(client.snapshot().proxies[0]?.tokens_signed, 3);
});
