/** `bombyx wallet` on a chain in this process. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { formatTon, nanoTon, silentLogger, systemClock } from '@bombyx/base';
import { Address, formatAddress } from '@bombyx/ton';
import { eventually, openMoneyWorld, PASSPHRASE, TON } from '../../testing/money-world.ts';
import { drawMnemonic } from '../money/mnemonic.ts';
import { NOBODY, pay, purseOf, SEND_FEE } from '../money/purse.ts';
import { parseCommandLine } from '../usage.ts';
import { wallet } from './wallet.ts';

const world = await openMoneyWorld();
after(() => world[Symbol.asyncDispose]());

const on = ['--ton', world.tonFile];
const text = (address: Address) => formatAddress(address, { testnet: true });
const stranger = new Address(0, Buffer.alloc(32, 0xee));
const run = (...argv: readonly string[]) => world.run(wallet, ...argv);
const json = async (...argv: readonly string[]) => JSON.parse(await run(...argv, '--json')) as Record<string, string>;

function refused(argv: readonly string[], code: string, sentence: RegExp): Promise<void> {
  return assert.rejects(run(...argv), (error: { code?: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, sentence);
    return true;
  });
}

it('makes a key whose words bring the same wallet back', async () => {
  const [first, second] = ['first.json', 'second.json'].map((name) => join(world.folder, name));
  const made = await json('create', '--wallet', first!, ...on);
  assert.equal(made['mnemonic']?.split(' ').length, 24);
  assert.equal(statSync(first!).mode & 0o077, 0);
  const words = join(world.folder, 'words');
  writeFileSync(words, made['mnemonic']!);
  const restored = await json('create', '--wallet', second!, '--words-file', words, ...on);
  assert.deepEqual(restored, { event: 'created', address: made['address'], file: second });
  assert.equal(await run('address', '--wallet', second!, ...on), made['address']);
  await refused(['create', '--wallet', first!, ...on], 'MONEY_KEY_FILE', /holds a key already/);
});

it('shows the words in order to a person, once', async () => {
  const path = join(world.folder, 'shown.json');
  const shown = await run('create', '--wallet', path, ...on);
  const words = [...shown.matchAll(/(\d+)\. ([a-z]+)/g)]
    .toSorted((a, b) => Number(a[1]) - Number(b[1]))
    .map((m) => m[2]);
  const file = join(world.folder, 'shown-words');
  writeFileSync(file, words.join(' '));
  const again = await json('create', '--wallet', join(world.folder, 'again.json'), '--words-file', file, ...on);
  assert.ok(shown.includes(again['address']!), shown);
});

it('writes an address as its network does', async () => {
  const { path, purse } = await world.wallet('forms', 0n);
  const at = (network: string) => run('address', '--wallet', path, '--network', network);
  assert.equal(await at('mainnet'), formatAddress(purse.address, { testnet: false }));
  assert.equal(await at('testnet'), formatAddress(purse.address, { testnet: true }));
  const local = await run('address', '--wallet', path, '--network', 'devnet', '--api', world.api);
  assert.equal(local, text(purse.address));
});

it('sends coins exactly, to an account that is not there yet, and deploys itself on the way', async () => {
  const { path, purse } = await world.wallet('sender', 10n * TON);
  const to = purseOf(Buffer.alloc(32, 0x51)).address;
  const sent = await json('send', text(to), '1.000000001', '--yes', '--wallet', path, ...on);
  assert.deepEqual([sent['event'], sent['amount'], sent['to']], ['sent', '1.000000001', text(to)]);
  await eventually(async () => (await world.balance(to)) === TON + 1n);
  const left = await world.balance(purse.address);
  assert.equal(sent['left'], formatTon(left));
  const fee = 9n * TON - 1n - left;
  assert.ok(fee > 0n && fee < SEND_FEE, `${fee}`);
  const balance = await json('balance', '--wallet', path, ...on);
  assert.deepEqual(balance, {
    address: text(purse.address),
    balance: formatTon(left),
    status: 'active',
    network: 'devnet',
  });
});

it('withdraws everything, to the last nanoton', async () => {
  const { path, purse } = await world.wallet('leaver', 5n * TON);
  const to = purseOf(Buffer.alloc(32, 0x52)).address;
  const { amount, left } = await json('withdraw', text(to), '--yes', '--wallet', path, ...on);
  await eventually(async () => (await world.balance(to)) > 0n);
  assert.deepEqual([amount, left], [formatTon(await world.balance(to)), '0']);
  assert.equal(await world.balance(purse.address), 0n);
  const got = await world.balance(to);
  assert.ok(got > 5n * TON - SEND_FEE && got < 5n * TON, `${got}`);
});

it('sends a comment with the coins', async () => {
  const { path } = await world.wallet('talker', 10n * TON);
  const to = purseOf(Buffer.alloc(32, 0x53)).address;
  await run('send', text(to), '0.1', '--comment', 'für dich', '--yes', '--wallet', path, ...on);
  await eventually(async () => (await world.balance(to)) > 0n);
  const [{ transaction } = assert.fail('no transaction')] = await world.devnet.chain.transactions(to, undefined, 1);
  const body = transaction.inMessage?.body.beginParse();
  assert.equal(body?.loadUint(32), 0);
  assert.equal(body?.loadStringTail(), 'für dich');
});

it('collects what is in the wallet of a node that it owns, and in no other', async () => {
  const owner = await world.wallet('collector', 5n * TON);
  const node = purseOf(Buffer.alloc(32, 0x54), owner.purse.address);
  await world.give(node.address, 20n * TON);
  const argv = ['collect', text(node.address), '--yes', '--wallet', owner.path, ...on];
  await refused(argv, 'MONEY_ADDRESS', /nothing stands at .* yet: name the configuration of its node with --ton FILE/);
  const deps = { chain: world.devnet.chain, clock: systemClock, log: silentLogger, pollMs: 20 };
  await pay(node, { to: stranger, amount: nanoTon(TON), bounce: false }, deps, AbortSignal.timeout(30_000));
  await run(...argv);
  await eventually(async () => (await world.balance(owner.purse.address)) > 23n * TON);
  assert.equal(await world.balance(node.address), 0n);
  const thief = await world.wallet('thief', 5n * TON);
  const stolen = ['collect', text(owner.purse.address), '--yes', '--wallet', thief.path, ...on];
  await world.run(wallet, 'send', text(stranger), '1', '--yes', '--wallet', owner.path, ...on); // now that one stands
  await refused(stolen, 'MONEY_ADDRESS', /is not the wallet of a node that this wallet owns/);
});

it('collects what came into the wallet of a node that never sent anything, given the configuration of the node', async () => {
  const owner = await world.wallet('collector of a silent node', 5n * TON);
  const seed = Buffer.alloc(32, 0x56);
  const node = purseOf(seed, owner.purse.address);
  await world.give(node.address, 20n * TON);
  const file = join(world.folder, 'silent-node.json');
  const chain = JSON.parse(readFileSync(world.tonFile, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...chain, node_wallet_key: seed.toString('base64') }));
  await run('collect', text(node.address), '--yes', '--wallet', owner.path, '--ton', file);
  await eventually(async () => (await world.balance(owner.purse.address)) > 24n * TON);
});

it('restores a wallet that has an owner, with the owner', async () => {
  const { words, seed } = await drawMnemonic();
  const file = join(world.folder, 'owned-words');
  writeFileSync(file, words.join(' '));
  const argv = [
    'create',
    '--wallet',
    join(world.folder, 'owned.json'),
    '--words-file',
    file,
    '--owner',
    text(stranger),
  ];
  assert.equal((await json(...argv, ...on))['address'], text(purseOf(seed, stranger).address));
  assert.notEqual(purseOf(seed, NOBODY).address.toRawString(), purseOf(seed, stranger).address.toRawString());
});

it('says how much to send where when there are too few coins', async () => {
  const empty = await world.wallet('empty', 0n);
  const argv = (amount: string) => ['send', text(stranger), amount, '--yes', '--wallet', empty.path, ...on];
  const at = text(empty.purse.address);
  await refused(
    argv('0.000000001'),
    'MONEY_BALANCE',
    new RegExp(`has 0 TON and needs 2 TON.*: send 2 TON or more to ${at}$`),
  );
  await refused(
    argv('9223372036.854775807'),
    'MONEY_BALANCE',
    /needs 9223372036\.874775807 TON: send 9223372036\.874775807 TON or more/,
  );
  await refused(
    ['withdraw', text(stranger), '--yes', '--wallet', empty.path, ...on],
    'MONEY_BALANCE',
    /pays nothing out of less than 2 TON/,
  );
});

it('signs nothing for a wrong passphrase, and says it in one sentence', async () => {
  const { path, purse } = await world.wallet('locked', 5n * TON);
  writeFileSync(join(world.folder, 'wrong'), 'wrong horse\n');
  const argv = ['send', text(stranger), '1', '--yes', '--wallet', path, ...on];
  await assert.rejects(
    world.runAs(wallet, 'wrong', ...argv),
    /^MoneyError: the passphrase is wrong, or the key file was changed$/,
  );
  assert.equal(await world.balance(purse.address), 5n * TON);
});

it('asks before it signs, so that a script must say --yes', async () => {
  const { path, purse } = await world.wallet('asked', 5n * TON);
  await refused(['send', text(stranger), '1', '--wallet', path, ...on], 'CLI_USAGE', /asks before it signs.*--yes/);
  assert.equal(await world.balance(purse.address), 5n * TON);
});

const mainnetForm = formatAddress(stranger, { testnet: false });
for (const [name, words, code, sentence] of [
  ['no action', [], 'CLI_USAGE', /say what to do/],
  ['an action that is none', ['mint'], 'CLI_USAGE', /say what to do/],
  ['a missing amount', ['send', text(stranger)], 'CLI_USAGE', /say "bombyx wallet send ADDRESS AMOUNT"/],
  ['a malformed address', ['send', 'UQnobody', '1'], 'MONEY_ADDRESS', /not an account address: 'UQnobody'/],
  [
    'an address of the main network',
    ['send', mainnetForm, '1'],
    'MONEY_ADDRESS',
    /address of the main network.*write 0Q/,
  ],
  ['an amount of 0', ['send', text(stranger), '0'], 'CLI_USAGE', /nothing to send/],
  ['2^64 nanoTON', ['send', text(stranger), '18446744073.709551616'], 'CLI_USAGE', /is no amount of TON/],
  ['ten digits behind the point', ['send', text(stranger), '0.0000000001'], 'CLI_USAGE', /is no amount of TON/],
  ['a long comment', ['send', text(stranger), '1', '--comment', 'x'.repeat(121)], 'CLI_USAGE', /up to 120 bytes/],
  ['two ways to say which network', ['balance', '--network', 'testnet'], 'CLI_USAGE', /leave out --network/],
] as const) {
  it(`refuses ${name}`, () => refused([...words, ...on], code, sentence));
}

it('refuses an address of the test network on the main one, before it asks anybody anything', async () => {
  const argv = ['send', text(stranger), '1', '--network', 'mainnet', '--api', 'http://127.0.0.1:1/api/v2/jsonRPC'];
  await refused(argv, 'MONEY_ADDRESS', /address of the test network.*say --network testnet/);
});

it('believes no other machine about which network it is', async () => {
  await refused(['balance', text(stranger), '--network', 'devnet'], 'CLI_USAGE', /needs --api URL/);
  const argv = ['balance', text(stranger), '--network', 'devnet', '--api', 'http://example.com/api/v2/jsonRPC'];
  await refused(argv, 'CLI_USAGE', /for this machine only/);
});

it('says what is wrong with an API that is a web page, a URL that is none, and a network that is another', async (t) => {
  const server = createServer((_request, response) => response.end('<!doctype html><title>Welcome</title>')).listen(0);
  t.after(() => server.close());
  const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/jsonRPC`;
  const ask = (...options: readonly string[]) => ['balance', stranger.toRawString(), ...options];
  await refused(ask('--network', 'testnet', '--api', page), 'CHAIN_RESPONSE', /an HTML page/);
  await refused(ask('--network', 'devnet', '--api', page), 'CHAIN_RESPONSE', /no TON HTTP API answers here/);
  await refused(ask('--api', 'toncenter'), 'CLI_USAGE', /^--api must be an http\(s\) URL$/);
  await refused(ask('--network', 'moon'), 'CLI_USAGE', /mainnet, testnet or devnet/);
  await refused(ask('--network', 'testnet', '--api', world.api), 'CHAIN_NETWORK', /not testnet/);
});

it('ends in a sentence when it is stopped while it asks the chain', async () => {
  const stopped = wallet.run(parseCommandLine(wallet, ['balance', text(stranger), ...on]), AbortSignal.abort());
  await assert.rejects(stopped, { code: 'CLI_STOPPED', message: 'stopped' });
});

it('keeps the passphrase of the tests out of what it prints', async () => {
  const { path } = await world.wallet('quiet', 5n * TON);
  const printed = await run('send', text(stranger), '1', '--yes', '--wallet', path, ...on);
  assert.ok(!printed.includes(PASSPHRASE));
});
