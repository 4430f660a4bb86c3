/** `bombyx network` on a chain in this process. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, it } from 'node:test';
import { Address, formatAddress, parseAddress, readRoot } from '@bombyx/ton';
import { eventually, openMoneyWorld, TON } from '../../testing/money-world.ts';
import { parseCommandLine } from '../usage.ts';
import { network } from './network.ts';

const world = await openMoneyWorld();
after(() => world[Symbol.asyncDispose]());

const on = ['--ton', world.tonFile];
const owner = await world.wallet('owner', 100n * TON);
const mine = ['--wallet', owner.path, '--yes'];
const run = (...argv: readonly string[]) => world.run(network, ...argv);
const json = async (...argv: readonly string[]) => JSON.parse(await run(...argv, '--json'));
const file = (name: string) => join(world.folder, name);
const hash = (byte: number) => Buffer.alloc(32, byte).toString('hex');

const PROXY = '203.0.113.5:8116 203.0.113.5:8117';
const shared = file('shared.json');
const created = await json(
  'create',
  '--proxies',
  PROXY,
  '--price',
  '5',
  '--worker-fee',
  '4',
  '--out',
  shared,
  ...mine,
  ...on,
);
const here = ['--ton', shared, ...mine];

function refused(argv: readonly string[], code: string, sentence: RegExp): Promise<void> {
  return assert.rejects(run(...argv), (error: { code?: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, sentence);
    return true;
  });
}

const rootOf = (path: string) => {
  const { root_contract_address } = JSON.parse(readFileSync(path, 'utf8')) as { root_contract_address: string };
  return readRoot(world.devnet.chain, parseAddress(root_contract_address), true);
};
const changed = async (...words: readonly string[]) => {
  const { lines } = (await json(...words, ...here)) as { lines: { name: string; before?: string; after?: string }[] };
  return lines.filter(({ name }) => name !== 'version');
};

it('deploys a root contract that nodes read, and writes the file they join with', async () => {
  assert.deepEqual([created.event, created.file], ['created', shared]);
  const root = await rootOf(shared);
  assert.deepEqual([root.pricePerToken, root.workerFeePerToken, root.isTest], [5n, 4n, true]);
  assert.ok(root.ownerAddress.equals(owner.purse.address));
  assert.deepEqual(root.registeredProxies[0]?.clients, { host: '203.0.113.5', port: 8117 });
  const joined = JSON.parse(readFileSync(shared, 'utf8'));
  assert.deepEqual([joined.is_test, joined.is_testnet, joined.root_contract_address], [true, true, created.root]);
  const { name, zerostate, globalId: global_id } = world.devnet.network;
  assert.deepEqual(joined.ton_api.network, { name, zerostate, global_id });
});

it('shows what stands in it to a person and to a program', async () => {
  const shown = await run('show', '--ton', shared);
  assert.ok(shown.startsWith(`Root contract ${created.root} on devnet\n`), shown);
  assert.match(shown, /^price of a token +5 nanoTON$/m);
  assert.match(shown, /^proxy 1 +203\.0\.113\.5:8116 203\.0\.113\.5:8117$/m);
  assert.match(shown, /^client code +[0-9a-f]{16}… \(the one built here\)$/m);
  const report = await json('show', '--root', created.root, ...on);
  assert.deepEqual([report.root, report.price_per_token, report.is_test], [created.root, 5, true]);
});

it('changes every list, and shows what changed', async () => {
  const added = await changed('add-proxy', '203.0.113.6:1');
  assert.deepEqual(added, [{ name: 'proxy 2', after: '203.0.113.6:1' }]);
  const moved = await changed('update-proxy', '2', '203.0.113.6:2');
  assert.deepEqual(moved, [{ name: 'proxy 2', before: '203.0.113.6:1', after: '203.0.113.6:2' }]);
  assert.deepEqual(await changed('remove-proxy', '2'), [{ name: 'proxy 2', before: '203.0.113.6:2' }]);
  assert.deepEqual(await changed('add-proxy-image', hash(1)), [{ name: `proxy image ${hash(1)}`, after: '' }]);
  const worker = Buffer.alloc(32, 2).toString('base64');
  assert.deepEqual(await changed('add-worker-image', worker), [{ name: `worker image ${hash(2)}`, after: '' }]);
  assert.deepEqual(await changed('remove-worker-image', hash(2)), [{ name: `worker image ${hash(2)}`, before: '' }]);
  const model = createHash('sha256').update('m@1:2').digest('hex');
  assert.deepEqual(await changed('add-model', 'm@1:2'), [{ name: `model ${model}`, after: '' }]);
  const root = await rootOf(shared);
  assert.deepEqual([root.proxyHashes.length, root.workerHashes.length, root.lastProxySeqno], [1, 0, 2]);
  assert.deepEqual(root.modelHashes[0]?.toString('hex'), model);
});

it('changes the terms one by one, and leaves the others as they are', async () => {
  const before = await rootOf(shared);
  assert.deepEqual(await changed('set-price', '7', '6'), [
    { name: 'version of the terms', before: '1', after: '2' },
    { name: 'price of a token', before: '5 nanoTON', after: '7 nanoTON' },
    { name: "worker's fee of it", before: '4 nanoTON', after: '6 nanoTON' },
  ]);
  await changed('set-terms', '--min-client-stake', '0.000000001');
  const root = await rootOf(shared);
  assert.deepEqual([root.pricePerToken, root.minClientStake, root.paramsVersion], [7n, 1n, 3]);
  assert.equal(root.proxyDelayBeforeCloseSec, before.proxyDelayBeforeCloseSec);
  assert.equal(root.minProxyStake, before.minProxyStake);
});

it('gives a network away for good', async () => {
  const other = file('given.json');
  await json('create', '--out', other, ...mine, ...on);
  const heir = await world.wallet('heir', 5n * TON);
  const at = formatAddress(heir.purse.address, { testnet: true });
  await json('set-owner', at, '--ton', other, ...mine);
  await refused(
    ['set-price', '4', '1', '--ton', other, ...mine],
    'MONEY_ROOT',
    /belongs to .*: only the owner changes it/,
  );
  await json('set-price', '4', '1', '--ton', other, '--wallet', heir.path, '--yes');
  assert.equal((await rootOf(other)).pricePerToken, 4n);
});

it('keeps the API key of the one who made the network out of the file for everybody', async () => {
  const { ton_api } = JSON.parse(readFileSync(world.tonFile, 'utf8'));
  ton_api.endpoints[0].api_key = 'my-own-key';
  const [own, out] = [file('own.json'), file('public.json')];
  writeFileSync(own, JSON.stringify({ ton_api }));
  await json('create', '--out', out, ...mine, '--ton', own);
  assert.ok(!readFileSync(out, 'utf8').includes('my-own-key'));
});

const made = (...options: readonly string[]) => ['create', '--out', file('never.json'), ...options, ...mine, ...on];
const elsewhere = formatAddress(new Address(0, Buffer.alloc(32, 3)), { testnet: true });
for (const [name, argv, code, sentence] of [
  ['no action', [], 'CLI_USAGE', /say what to do/],
  ['an action that is none', ['toString'], 'CLI_USAGE', /say what to do/],
  ['a file that is there', ['create', '--out', shared, ...mine, ...on], 'CLI_CONFIG', /is there already/],
  ['a file in no folder', ['create', '--out', file('no/n.json'), ...mine, ...on], 'CLI_CONFIG', /there is no folder/],
  ['a fee above the price', made('--worker-fee', '3'), 'MONEY_ROOT', /worker's fee \(3\) is above the price \(2\)/],
  ['a price of 0', made('--price', '0', '--worker-fee', '0'), 'MONEY_ROOT', /the price is 0/],
  ['a price of 2^64', made('--price', '18446744073709551616'), 'CLI_USAGE', /--price: .* below 2\^63/],
  ['a stake with ten decimals', made('--min-proxy-stake', '0.0000000001'), 'CLI_USAGE', /--min-proxy-stake/],
  ['delays that leave no time', made('--proxy-delay', '60', '--client-delay', '60'), 'MONEY_ROOT', /must be longer/],
  ['a proxy without a port', made('--proxies', '203.0.113.5'), 'MONEY_ROOT', /not an IPv4 address and a port/],
  ['a hash that is none', made('--worker-images', 'abc'), 'CLI_USAGE', /"abc" is no hash of 32 bytes/],
  ['three multipliers', made('--multipliers', '1,2,3'), 'CLI_USAGE', /takes four numbers/],
  ['no root', ['show', ...on], 'CLI_CONFIG', /"root_contract_address" is missing/],
  ['no network', ['show'], 'CLI_USAGE', /say which network/],
  ['a root that is not there', ['show', '--root', elsewhere, ...on], 'MONEY_ROOT', /there is no root contract/],
  [
    'a root that is a wallet',
    ['show', '--root', owner.purse.address.toRawString(), ...on],
    'MONEY_ROOT',
    /is no such root contract: check the address/,
  ],
  ['a missing word', ['add-proxy', ...here], 'CLI_USAGE', /^say: bombyx network add-proxy "IP:PORT IP:PORT"$/],
  ['a change of nothing', ['set-price', '7', '6', ...here], 'MONEY_ROOT', /these are its terms already/],
  ['an entry twice', ['add-proxy-image', hash(1), ...here], 'MONEY_ROOT', /is in the list already/],
  ['an entry that is not there', ['remove-model', 'none', ...here], 'MONEY_ROOT', /is not in the list/],
  ['a proxy that is not there', ['update-proxy', '9', '203.0.113.9:1', ...here], 'MONEY_ROOT', /no proxy 9, only 1$/],
  ['a proxy twice', ['add-proxy', PROXY, ...here], 'MONEY_ROOT', /proxy 1 has this address already/],
  ['a number that is none', ['remove-proxy', '-', ...here], 'CLI_USAGE', /"-" is no number of a proxy/],
  ['terms without a term', ['set-terms', ...here], 'CLI_USAGE', /say which terms: --price/],
  ['the owner as the new owner', ['set-owner', owner.purse.address.toRawString(), ...here], 'MONEY_ROOT', /already/],
  ['the codes it has', ['update-codes', ...here], 'MONEY_ROOT', /these are its terms already/],
] as const) {
  it(`refuses ${name}, before anything is signed`, async () => {
    const before = await world.balance(owner.purse.address);
    await refused(argv, code, sentence);
    assert.equal(await world.balance(owner.purse.address), before);
    assert.equal(existsSync(file('never.json')), false);
  });
}

it('says how to go on with the same contract when it is stopped, and goes on with it', async (t) => {
  const stop = new AbortController();
  const relay = createServer(async (request, response) => {
    const body = await text(request);
    const answer = await fetch(world.api, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (body.includes('sendBoc')) stop.abort(); // it is on its way, and nobody waits for it any more
    response.end(await answer.text());
  }).listen(0, '127.0.0.1');
  t.after(() => relay.close());
  await once(relay, 'listening');
  const { ton_api } = JSON.parse(readFileSync(world.tonFile, 'utf8'));
  ton_api.endpoints[0].url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}/api/v2/jsonRPC`;
  writeFileSync(file('relayed.json'), JSON.stringify({ ton_api }));

  const before = await world.balance(owner.purse.address);
  const argv = ['create', '--out', file('stopped.json'), ...mine, '--passphrase-file', file('passphrase')];
  const stopped = network.run(parseCommandLine(network, [...argv, '--ton', file('relayed.json')]), stop.signal);
  const { message } = await stopped.then(
    () => assert.fail('it was not stopped'),
    (error: Error) => error,
  );
  const [, id = ''] = /it may still land.*; the same command with --unique-id (\d+) goes on/.exec(message) ?? [];
  assert.notEqual(id, '', message);
  assert.equal(existsSync(file('stopped.json')), false);

  await eventually(async () => (await world.balance(owner.purse.address)) < before); // it did land
  const { root } = await json('create', '--out', file('stopped.json'), '--unique-id', id, ...mine, ...on);
  assert.equal((await rootOf(file('stopped.json'))).uniqueId, Number(id));
  assert.ok((await world.balance(parseAddress(root))) < TON, 'it was paid for once');
});

it('asks before it signs', async () => {
  const argv = ['set-price', '9', '9', '--ton', shared, '--wallet', owner.path];
  await refused(argv, 'CLI_USAGE', /asks before it signs/);
});

it('says how much a wallet lacks to create a network', async () => {
  const poor = await world.wallet('poor', TON);
  const argv = ['create', '--out', file('never.json'), '--wallet', poor.path, '--yes', ...on];
  await refused(argv, 'MONEY_BALANCE', /has 1 TON and needs 2 TON.*: send 1 TON or more to 0Q/);
});
