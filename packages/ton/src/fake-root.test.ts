import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import fc from 'fast-check';
import { fakeTon } from '../testing/recordings.ts';
import { formatAddress, type RootConfig, readFakeRoot, TonError } from './index.ts';

const file = JSON.parse(fakeTon) as Record<string, unknown>;

/** What the worker of the reference made of the same file. */
const seen = (
  JSON.parse(
    readFileSync(new URL('../../../vectors/cocoon-cpp/end-worker-jsonstats.json', import.meta.url), 'utf8').replace(
      '"cached_tokens_price_multiplier"', // stands there twice
      '"duplicate"',
    ),
  ) as { root_contract_config: Record<string, unknown> }
).root_contract_config;

it('makes of the recorded file what the reference made of it', () => {
  const root = readFakeRoot(fakeTon);
  const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase();
  assert.deepEqual(
    {
      owner_address: formatAddress(root.ownerAddress, { testnet: false }),
      proxy_hashes: root.proxyHashes.map(hex),
      worker_hashes: root.workerHashes.map(hex),
      model_hashes: root.modelHashes.map(hex),
      registered_proxies: root.registeredProxies.map(({ seqno, clients, workers }) => ({
        seqno,
        address_for_clients: `[${clients.host}:${clients.port}]`,
        address_for_workers: `[${workers.host}:${workers.port}]`,
      })),
      last_proxy_seqno: root.lastProxySeqno,
      version: root.version,
      struct_version: root.structVersion,
      params_version: root.paramsVersion,
      unique_id: root.uniqueId,
      is_test: root.isTest,
      price_per_token: Number(root.pricePerToken),
      worker_fee_per_token: Number(root.workerFeePerToken),
      prompt_tokens_price_multiplier: root.multipliers.prompt,
      cached_tokens_price_multiplier: root.multipliers.cached,
      completion_tokens_price_multiplier: root.multipliers.completion,
      reasoning_tokens_price_multiplier: root.multipliers.reasoning,
      proxy_delay_before_close: root.proxyDelayBeforeCloseSec,
      client_delay_before_close: root.clientDelayBeforeCloseSec,
      proxy_min_stake: Number(root.minProxyStake),
      client_min_stake: Number(root.minClientStake),
      proxy_code_hash: hex(root.proxyCode.hash()),
      worker_code_hash: hex(root.workerCode.hash()),
      client_code_hash: hex(root.clientCode.hash()),
      duplicate: 10_000,
    },
    seen,
  );
});

/** Comparable: addresses and cells carry functions of their own. */
const plain = ({ ownerAddress, proxyCode, workerCode, clientCode, ...rest }: RootConfig) => ({
  ...rest,
  ownerAddress: ownerAddress.toRawString(),
  codes: [proxyCode, workerCode, clientCode].map((code) => code.hash().toString('hex')),
});

it('takes text and parsed JSON, numbers as text, and ignores fields it does not know', () => {
  assert.deepEqual(plain(readFakeRoot(file)), plain(readFakeRoot(fakeTon)));
  const odd = { ...file, version: '3', price_per_token: '2', model_names: 7, something: [] };
  assert.deepEqual(plain(readFakeRoot(odd)), plain(readFakeRoot(fakeTon)));
});

it('takes missing numbers for 0 and missing lists for empty', () => {
  const { proxy_sc_code, worker_sc_code, client_sc_code, root_owner_address } = file;
  const root = readFakeRoot({ proxy_sc_code, worker_sc_code, client_sc_code, root_owner_address });
  assert.deepEqual([root.version, root.paramsVersion, root.pricePerToken], [0, 0, 0n]);
  assert.deepEqual([root.proxyHashes, root.registeredProxies], [[], []]);
});

for (const [what, change, said] of [
  ['a hash of 31 bytes', { proxy_hashes: ['AAAA'] }, '"proxy_hashes.0" must be 32 bytes in base64'],
  ['a price below 0', { price_per_token: -1 }, '"price_per_token" must be a whole number from 0 to 2147483647'],
  ['a fractional version', { version: 1.5 }, '"version" must be a whole number from 0 to 2147483647'],
  ['a number as a word', { version: 'one' }, '"version" must be a whole number from 0 to 2147483647'],
  ['a missing code', { worker_sc_code: undefined }, '"worker_sc_code" is missing'],
  ['a code that is not hex', { client_sc_code: 'zz' }, '"client_sc_code" must be a bag of cells in hex'],
  [
    'a code with more behind it',
    { client_sc_code: `${file['client_sc_code']}zz` },
    '"client_sc_code" must be a bag of cells in hex',
  ],
  ['a code that is no bag of cells', { proxy_sc_code: 'b5ee9c72' }, '"proxy_sc_code" must be a bag of cells in hex'],
  [
    'an owner that is no address',
    { root_owner_address: 'me' },
    '"root_owner_address" must be an account address (48 characters or workchain:hex)',
  ],
  [
    'a proxy by name',
    { registered_proxies: [{ seqno: 1, address: 'host:1' }] },
    '"registered_proxies.0.address" must be "ip:port" or "ip:port ip:port": IPv4, ports from 1 to 65535',
  ],
  ['a proxy without an address', { registered_proxies: [{ seqno: 1 }] }, '"registered_proxies.0.address" is missing'],
  ['a proxy that is none', { registered_proxies: [7] }, '"registered_proxies.0" must be an object'],
  [
    'lists that are none',
    { worker_hashes: 'x', model_hashes: 1 },
    '"worker_hashes" must be a list; "model_hashes" must be a list',
  ],
] as const) {
  it(`refuses ${what}, and says in words of a configuration file what is wrong`, () => {
    assert.throws(() => readFakeRoot({ ...file, ...change }), {
      name: 'TonError',
      code: 'TON_ROOT_CONFIG',
      message: `root configuration: ${said}`,
    });
  });
}

it('names every field that is wrong', () => {
  const change = { version: -1, proxy_sc_code: 'zz', root_owner_address: 'me', registered_proxies: [{ address: ':' }] };
  assert.throws(() => readFakeRoot({ ...file, ...change }), /"version".*"proxy_sc_code".*"root_owner_address"/);
});

it('says of a file that is no object that it must be one', () => {
  assert.throws(() => readFakeRoot([]), { message: 'root configuration: it must be a JSON object' });
});

it('answers any other JSON or text with TonError and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.jsonValue()), (value) => {
      assert.throws(() => readFakeRoot(value), TonError);
    }),
  );
});
