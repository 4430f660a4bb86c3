import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MAINNET, TESTNET } from '@bombyx/ton';
import fc from 'fast-check';
import { z } from 'zod';
import { describeFaults, type TonApi, tonApi, tonApiFile, tonApiOf } from './index.ts';

const File = z.strictObject({ ton_api: tonApi.optional() });
const own = { name: 'devnet', zerostate: Buffer.alloc(32, 9).toString('base64'), global_id: -17_494 };
const url = 'http://127.0.0.1:8081/api/v2/jsonRPC';

const read = (json: unknown, isTestnet = false) => tonApiOf(File.parse({ ton_api: json }).ton_api, isTestnet);

it('takes the public endpoint of the network that is_testnet names, where nothing is said', () => {
  const main = { endpoints: [{ url: 'https://toncenter.com/api/v2/jsonRPC' }], network: MAINNET, quorum: 1 };
  const test = { endpoints: [{ url: 'https://testnet.toncenter.com/api/v2/jsonRPC' }], network: TESTNET, quorum: 1 };
  assert.deepEqual(read(undefined), main);
  assert.deepEqual(read(undefined, true), test);
  assert.deepEqual(read({}, true), test);
  assert.deepEqual(read({ network: 'testnet' }), test);
});

it('reads endpoints, their keys and a network of its own', () => {
  const json = {
    endpoints: [{ url, api_key: 'k', requests_per_second: 0.5 }, { url: 'https://b.example/rpc' }],
    network: own,
    quorum: '2',
  };
  assert.deepEqual(read(json), {
    endpoints: [{ url, apiKey: 'k', requestsPerSecond: 0.5 }, { url: 'https://b.example/rpc' }],
    network: { name: 'devnet', zerostate: own.zerostate, globalId: -17_494 },
    quorum: 2,
  });
});

it('a file that was written reads as what was written', () => {
  const name = fc.stringMatching(/^[\w .-]{1,64}$/);
  const api: fc.Arbitrary<TonApi> = fc
    .record({
      endpoints: fc.array(
        fc.record(
          {
            url: fc.webUrl(),
            apiKey: fc.stringMatching(/^[\x21-\x7e]{1,256}$/),
            requestsPerSecond: fc.integer({ min: 1, max: 1_000 }),
          },
          { requiredKeys: ['url'], noNullPrototype: true },
        ),
        { minLength: 1, maxLength: 16 },
      ),
      network: fc.oneof(
        fc.constantFrom(MAINNET, TESTNET),
        fc.record({
          name,
          zerostate: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('base64')),
          globalId: fc.integer(),
        }),
      ),
      quorum: fc.nat({ max: 15 }),
    })
    .map((api) => ({ ...api, network: { ...api.network }, quorum: 1 + (api.quorum % api.endpoints.length) }));
  fc.assert(fc.property(api, (api) => assert.deepEqual(read(JSON.parse(JSON.stringify(tonApiFile(api)))), api)));
});

const faults: readonly (readonly [json: unknown, sentence: string])[] = [
  [{ endpoints: [] }, '"ton_api.endpoints" must have an endpoint'],
  [{ endpoints: [{ url: 'toncenter.com' }] }, '"ton_api.endpoints.0.url" must be an http(s) URL'],
  [{ endpoints: [{ url: 'ftp://a/b' }] }, '"ton_api.endpoints.0.url" must be an http(s) URL'],
  [{ endpoints: [{ url: 'http://u:secret@a/b' }] }, '"ton_api.endpoints.0.url" must carry no user and password'],
  [
    { endpoints: [{ url: `${url}?api_key=secret` }] },
    '"ton_api.endpoints.0.url" must end with its path; a key belongs into "api_key"',
  ],
  [{ endpoints: [{ url, api_key: 'se cret' }] }, '"ton_api.endpoints.0.api_key" must be 1 to 256 printable characters'],
  [{ endpoints: [{ url, requests_per_second: 0 }] }, '"ton_api.endpoints.0.requests_per_second" must be above 0'],
  [{ endpoints: [{ url, key: 'k' }] }, 'unknown field "key"'],
  [{ endpoints: [{ url }], quorum: 2 }, '"ton_api.quorum" must be at most 1, the number of endpoints'],
  [{ quorum: 2 }, '"ton_api.quorum" must be at most 1, the number of endpoints'],
  [{ network: own }, '"ton_api.endpoints" must be given: only mainnet and testnet have public endpoints'],
  [{ network: 'main' }, '"ton_api.network" must be "mainnet", "testnet" or {"name", "zerostate", "global_id"}'],
  [
    { endpoints: [{ url }], network: { ...own, name: 'main\u001b[2J' } },
    '"ton_api.network" must be "mainnet", "testnet" or {"name", "zerostate", "global_id"}',
  ],
  [
    { endpoints: [{ url }], network: { ...own, zerostate: 'AAAA' } },
    '"ton_api.network" must be "mainnet", "testnet" or {"name", "zerostate", "global_id"}',
  ],
];
for (const [json, sentence] of faults) {
  it(`says: ${sentence}`, () => {
    const parsed = File.safeParse({ ton_api: json }, { reportInput: true });
    assert.equal(parsed.error && describeFaults(parsed.error), sentence);
  });
}

it('never shows a key in what it says about a file', () => {
  const parsed = File.safeParse({ ton_api: { endpoints: [{ url: 'x', api_key: 'se cret' }] } }, { reportInput: true });
  assert.ok(parsed.error);
  assert.doesNotMatch(describeFaults(parsed.error), /cret/);
});
