import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { after, before, it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { Address, beginCell, Cell, external, storeMessage } from '@ton/core';
import fc from 'fast-check';
import { TON, testConfig } from '../testing/harness.ts';
import { type Devnet, openDevnet } from './index.ts';

let devnet: Devnet;
before(async () => {
  devnet = await openDevnet(testConfig({ faucet_max_ton: 10 }), { clock: systemClock, log: silentLogger });
});
after(() => devnet.close());

interface Reply {
  readonly status: number;
  readonly body: { ok: boolean; result?: unknown; error?: string; code?: number; id?: unknown; jsonrpc?: string };
}

async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${devnet.port}${path}`, init);
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}
const post = (path: string, body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) });
const rpc = (method: unknown, params?: unknown, id: unknown = 'x') =>
  post('/api/v2/jsonRPC', { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });

function refused({ status, body }: Reply, expected: number): void {
  assert.equal(status, expected, body.error);
  assert.equal(body.ok, false);
  assert.equal(body.code, expected);
  assert.ok(body.error);
}

const account = new Address(0, randomBytes(32)).toString();

it('answers in both forms of the public API', async () => {
  const byGet = await ask(`/api/v2/getAddressBalance?address=${account}`);
  assert.deepEqual(byGet, { status: 200, body: { ok: true, result: '0' } });
  const byPost = await post('/api/v2/getAddressBalance', { address: account });
  assert.deepEqual(byPost, byGet);
  const byRpc = await rpc('getAddressBalance', { address: account }, 7);
  assert.deepEqual(byRpc.body, { ok: true, result: '0', jsonrpc: '2.0', id: 7 });
  const state = await ask(`/api/v2/getAddressState?address=${account}`);
  assert.equal(state.body.result, 'uninitialized');
  const raw = await ask(`/api/v2/getAddressState?address=${Address.parse(account).toRawString()}`);
  assert.equal(raw.body.result, 'uninitialized');
});

it('shows blocks of a network of its own', async () => {
  const { result } = (await rpc('getMasterchainInfo')).body;
  const { last, init } = result as {
    last: { workchain: number; seqno: number; shard: string };
    init: { root_hash: string };
  };
  assert.equal(init.root_hash, devnet.network.zerostate);
  const query = new URLSearchParams({ workchain: '-1', shard: last.shard, seqno: String(last.seqno) });
  const header = (await ask(`/api/v2/getBlockHeader?${query}`)).body.result as Record<string, unknown>;
  assert.equal(header['global_id'], devnet.network.globalId);
  assert.ok(![-239, -3].includes(devnet.network.globalId));
  assert.deepEqual(header['id'], last);
  const about = (await ask('/')).body.result as Record<string, unknown>;
  assert.equal(about['is_test'], true);
  refused(await ask('/api/v2/getBlockHeader?workchain=-1&shard=0&seqno=1'), 500);
  refused(await ask('/api/v2/shards?seqno=2000000000'), 500);
});

it('gives configuration parameters as cells', async () => {
  const { result } = (await rpc('getConfigParam', { config_id: 19 })).body;
  const { config } = result as { config: { bytes: string } };
  assert.equal(Cell.fromBase64(config.bytes).beginParse().loadInt(32), devnet.network.globalId);
  refused(await rpc('getConfigParam', { config_id: 12_345 }), 500);
});

it('refuses unknown methods and paths, wrong verbs and wrong parameters', async () => {
  refused(await rpc('getEverything', {}), 404);
  refused(await rpc('toString', {}), 404);
  refused(await rpc(['sendBoc'], {}), 404);
  refused(await rpc(undefined), 404);
  refused(await ask('/api/v2/constructor'), 404);
  refused(await ask('/nowhere'), 404);
  refused(await ask('/api/v2/jsonRPC'), 405);
  refused(await ask('/api/v2/getMasterchainInfo', { method: 'DELETE' }), 405);
  refused(await rpc('getAddressBalance', {}), 422);
  refused(await rpc('getAddressBalance', { address: 'somewhere' }), 422);
  refused(await rpc('getAddressBalance'), 422);
  refused(await rpc('getAddressBalance', [account]), 422);
  refused(await rpc('getTransactions', { address: account, limit: 100_000 }), 422);
  refused(await rpc('getTransactions', { address: account, lt: '7' }), 500);
  refused(await rpc('runGetMethod', { address: account, method: 'x', stack: [['tvm.Cell', 'junk']] }), 422);
  refused(await rpc('runGetMethod', { address: account, method: 'x', stack: [['num', '1e3']] }), 422);
  refused(await post('/api/v2/jsonRPC', null), 404);
  refused(await ask('/api/v2/jsonRPC', { method: 'POST', body: '{' }), 400);
});

it('refuses what is no message: junk, cut bags, several roots, large ones, messages between accounts', async () => {
  const { waiting } = devnet.ledger;
  const good = beginCell()
    .store(storeMessage(external({ to: Address.parse(account), body: Cell.EMPTY })))
    .endCell();
  const boc = good.toBoc();
  const tooLarge = Buffer.alloc(70_000, 1).toString('base64');
  const junk = [
    '',
    'junk',
    '====',
    tooLarge,
    boc.subarray(0, boc.length - 1).toString('base64'),
    Cell.EMPTY.toBoc().toString('base64'),
  ];
  for (const bag of junk) refused(await rpc('sendBoc', { boc: bag }), 422);
  refused(await rpc('sendBoc', {}), 422);
  refused(await rpc('sendBoc', { boc: 7 }), 422);
  const reply = await rpc('sendBoc', { boc: boc.toString('base64') });
  refused(reply, 500);
  assert.match(reply.body.error ?? '', /^LITE_SERVER_UNKNOWN: cannot apply external message to current state : /);
  assert.equal(devnet.ledger.waiting, waiting);
});

it('answers any bytes handed in as a message, and goes on', async () => {
  const bag = beginCell()
    .store(storeMessage(external({ to: devnet.ledger.genesis.address, body: Cell.EMPTY })))
    .endCell()
    .toBoc();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .record({ at: fc.nat(bag.length - 1), value: fc.nat(255) })
      .map(({ at, value }) => Buffer.from(bag).fill(value, at, at + 1)),
    fc.uint8Array({ maxLength: 100 }).map((data) => beginCell().storeBuffer(Buffer.from(data)).endCell().toBoc()),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (data) => {
      const { status } = await rpc('sendBoc', { boc: Buffer.from(data).toString('base64') });
      assert.ok(status === 422 || status === 500, `${status}`);
    }),
    { numRuns: 150 },
  );
  assert.equal((await ask('/health')).status, 200);
});

it('reads a body up to its bound, and says so to a longer one', async () => {
  const spaces = ' '.repeat(300 << 10);
  const reply = await ask('/api/v2/jsonRPC', { method: 'POST', body: `{"method":"getMasterchainInfo"}${spaces}` });
  refused(reply, 413);
});

it('cuts off a body without end', async () => {
  const outcome = await new Promise<string>((resolve) => {
    const endless = request({ port: devnet.port, host: '127.0.0.1', method: 'POST', path: '/api/v2/jsonRPC' });
    const chunk = Buffer.alloc(64 << 10, 0x20);
    let sent = 0;
    const more = () => {
      while (sent < 64 << 20) {
        sent += chunk.length;
        if (!endless.write(chunk)) return void endless.once('drain', more);
      }
      endless.end();
    };
    endless.on('response', ({ statusCode }) => resolve(`${statusCode}`));
    endless.on('error', () => resolve('cut'));
    endless.on('close', () => resolve('cut'));
    more();
  });
  assert.ok(outcome === 'cut' || outcome === '413', outcome);
  assert.equal((await ask('/health')).status, 200);
});

it('has a faucet with a bound, and tells what it gave', async () => {
  const target = new Address(0, randomBytes(32));
  const given = async () => BigInt(((await ask('/faucet')).body.result as { given: string }).given);
  const start = await given();
  for (const amount of ['0', '-1', String(10n * TON + 1n), '1.5', '99999999999999999999']) {
    refused(await post('/faucet', { address: target.toString(), amount }), 422);
  }
  refused(await post('/faucet', { address: `5:${'0'.repeat(64)}`, amount: '1' }), 422);
  refused(await ask('/faucet', { method: 'POST', body: '' }), 400);
  const paid = await post('/faucet', { address: target.toString(), amount: String(10n * TON) });
  assert.equal(paid.status, 200);
  await devnet.ledger.produce();
  assert.equal(devnet.ledger.account(target).balance, 10n * TON);
  assert.equal(await given(), start + 10n * TON);
  const audit = (await ask('/audit')).body.result as Record<string, string>;
  assert.equal(audit['difference'], '0');
});

it('moves no time unless it was configured to', async () => {
  refused(await post('/time', { advance_sec: 60 }), 403);
  const config = testConfig({ allow_time_travel: true });
  await using other = await openDevnet(config, { clock: systemClock, log: silentLogger });
  const startSec = other.ledger.head.utime;
  const move = (advance_sec: number) =>
    fetch(`http://127.0.0.1:${other.port}/time`, { method: 'POST', body: JSON.stringify({ advance_sec }) });
  assert.equal((await move(86_400)).status, 200);
  assert.ok(other.ledger.head.utime >= startSec + 86_400);
  assert.equal((await move(-5)).status, 422);
});

it('refuses pages of other sites', async () => {
  const init = { method: 'POST', body: JSON.stringify({ address: account, amount: '1' }) };
  refused(await ask('/faucet', { ...init, headers: { Origin: 'https://example.org' } }), 403);
});

it('names the port it cannot have', async () => {
  const config = testConfig({ http_port: devnet.port });
  await assert.rejects(openDevnet(config, { clock: systemClock, log: silentLogger }), { code: 'DEVNET_PORT' });
});

it('ends with a message in hand and a block in the making', async () => {
  const other = await openDevnet(testConfig({ block_ms: 10 }), { clock: systemClock, log: silentLogger });
  const given = [1, 2, 3].map(() =>
    other.faucet.give(Address.parse(account), TON).catch((error) => error.code as string),
  );
  const made = other.ledger.produce();
  await Promise.all([other.close(), other.close(), made]);
  for (const outcome of await Promise.all(given)) {
    assert.ok(Buffer.isBuffer(outcome) || outcome === 'DEVNET_CLOSED', `${outcome}`);
  }
  await assert.rejects(other.ledger.produce(), { code: 'DEVNET_CLOSED' });
});
