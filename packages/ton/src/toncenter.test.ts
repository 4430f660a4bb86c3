import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Clock, type LogFields, type Logger, silentLogger, systemClock } from '@bombyx/base';
import { Address, beginCell, external, storeMessage } from '@ton/core';
import { FakeChain } from '../testing/chain-fake.ts';
import {
  type Behaviour,
  ChainServer,
  HALF_AN_ANSWER,
  NETWORK,
  Raw,
  SILENCE,
  spoiled,
} from '../testing/chain-server.ts';
import { ChainError, type ChainErrorCode, MAINNET, Toncenter, type ToncenterOptions } from './index.ts';

/** Waits last a hundredth: retries and pauses are seconds long. Wall time is that of the machine. */
const hurried: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs() * 100,
  after: (delayMs, task) => systemClock.after(delayMs / 100, task),
};
/** The same, where no time is seen to pass: nothing is forgiven or caught up with, however slow the machine. */
const still: Clock = { ...hurried, monotonicMs: () => 0 };
const random = { bytes: (size: number) => new Uint8Array(size).fill(128) };
const coded = (code: ChainErrorCode, ...words: readonly string[]) => {
  return (error: unknown) => {
    assert.ok(error instanceof ChainError, `${error}`);
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in ${error.message}`);
    return true;
  };
};
const address = new Address(0, Buffer.alloc(32, 5));

interface Setup {
  readonly servers?: number;
  readonly options?: Partial<ToncenterOptions>;
  readonly apiKey?: string;
  readonly requestsPerSecond?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
}

/** Servers in front of one chain, and a client of all of them. */
async function open(setup: Setup = {}) {
  const chain = new FakeChain(systemClock);
  const servers = await Promise.all(Array.from({ length: setup.servers ?? 1 }, () => ChainServer.open(chain)));
  const { apiKey, requestsPerSecond = 100_000 } = setup;
  const client = new Toncenter(
    {
      endpoints: servers.map(({ url }) => ({ url, requestsPerSecond, ...(apiKey ? { apiKey } : {}) })),
      network: NETWORK,
      timeoutMs: 1_000_000,
      ...setup.options,
    },
    { clock: setup.clock ?? hurried, random, log: setup.log ?? silentLogger },
  );
  const close = async () => {
    await client[Symbol.asyncDispose]();
    for (const server of servers) await server[Symbol.asyncDispose]();
  };
  const [first, second, third] = servers;
  if (!first) throw new RangeError('no server');
  return { chain, client, first, second: second ?? first, third: third ?? first, [Symbol.asyncDispose]: close };
}

/** Behaves so for one method, honestly for the others. */
const on = (method: string, answer: Behaviour): Behaviour => {
  return (call, honest) => (call.method === method ? answer(call, honest) : honest());
};
const html: Behaviour = () => new Raw(200, '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' });
const idsOf = (transactions: readonly { readonly lt: bigint }[]) => transactions.map(({ lt }) => lt);

describe('an account over HTTP', () => {
  it('is what the chain says', async () => {
    await using net = await open();
    const [code, data] = [beginCell().storeUint(1, 8).endCell(), beginCell().storeUint(2, 8).endCell()];
    Object.assign(net.chain.at(address), { status: 'active', code, data });
    const booked = net.chain.transact(address, 77n);
    const account = await net.client.account(address);
    assert.deepEqual([account.status, account.balance, account.last?.lt], ['active', 77n, booked.lt]);
    assert.deepEqual([account.code?.hash(), account.data?.hash()], [code.hash(), data.hash()]);
  });

  for (const [what, behave, code] of [
    ['an HTML page', html, 'CHAIN_RESPONSE'],
    ['cut JSON', () => new Raw(200, '{"ok":true,"result":{"balance":"1'), 'CHAIN_RESPONSE'],
    ['JSON of another shape', () => ({ hello: 'world' }), 'CHAIN_RESPONSE'],
    ['no member ok', () => new Raw(200, '{"result":{}}'), 'CHAIN_RESPONSE'],
    ['a redirect', () => new Raw(302, '', { location: 'http://127.0.0.1:1/' }), 'CHAIN_RESPONSE'],
    ['not found', () => new Raw(404, '404 page not found'), 'CHAIN_RESPONSE'],
    ['a huge body', () => new Raw(200, `{"ok":true,"result":"${'x'.repeat(5_000_000)}"}`), 'CHAIN_LIMIT'],
    ['a refused key', () => new Raw(401, '{"ok":false,"error":"API key does not exist","code":401}'), 'CHAIN_ACCESS'],
    ['a server error', () => new Raw(502, '<html>Bad Gateway'), 'CHAIN_UNREACHABLE'],
    [
      'a lite server error',
      () => new Raw(500, '{"ok":false,"error":"LITE_SERVER_NOTREADY","code":500}'),
      'CHAIN_UNREACHABLE',
    ],
    ['a balance that is a word', (_, honest) => honest().then((a) => spoiled(a, 'balance', 'much')), 'CHAIN_RESPONSE'],
    [
      'an active account without code',
      (_, honest) => honest().then((a) => spoiled(a, 'state', 'active')),
      'CHAIN_RESPONSE',
    ],
    [
      'code that is no cell',
      (_, honest) => honest().then((a) => spoiled(spoiled(a, 'state', 'active'), 'code', 'AAAA')),
      'CHAIN_RESPONSE',
    ],
    [
      'a short hash',
      (_, honest) => honest().then((a) => spoiled(a, 'last_transaction_id.hash', 'AAAA')),
      'CHAIN_RESPONSE',
    ],
    [
      'a block of yesterday',
      (_, honest) => honest().then((a) => spoiled(a, 'sync_utime', Math.floor(Date.now() / 1_000) - 86_400)),
      'CHAIN_STALE',
    ],
    [
      'a block of tomorrow',
      (_, honest) => honest().then((a) => spoiled(a, 'sync_utime', Math.floor(Date.now() / 1_000) + 86_400)),
      'CHAIN_CLOCK',
    ],
  ] as [string, Behaviour, ChainErrorCode][]) {
    it(`is refused from ${what}, naming the host, and taken from another endpoint`, async () => {
      await using alone = await open();
      alone.first.behave = on('getAddressInformation', behave);
      await assert.rejects(alone.client.account(address), coded(code, alone.first.host));
      await using net = await open({ servers: 2, clock: still });
      net.first.behave = on('getAddressInformation', behave);
      net.chain.transact(address, 5n);
      assert.equal((await net.client.account(address)).balance, 5n);
      await net.client.account(address);
      assert.equal(net.first.count('getAddressInformation'), 1, 'the one that failed is left alone for a while');
    });
  }

  it('is refused when nobody listens', async () => {
    await using net = await open();
    await net.first[Symbol.asyncDispose]();
    await assert.rejects(net.client.account(address), coded('CHAIN_UNREACHABLE', net.first.host));
  });

  for (const silence of [SILENCE, HALF_AN_ANSWER]) {
    it(`is waited for no longer than the time-out, with ${silence.description}`, async () => {
      await using net = await open({ options: { timeoutMs: 5_000 } });
      net.first.behave = () => silence;
      await assert.rejects(net.client.account(address), coded('CHAIN_UNREACHABLE', '5000 ms', net.first.host));
    });
  }

  it('is given up when the caller leaves, and when the client closes', async () => {
    await using net = await open();
    net.first.behave = () => SILENCE;
    const caller = new AbortController();
    const reason = new Error('gone');
    const left = assert.rejects(net.client.account(address, caller.signal), (error) => error === reason);
    setTimeout(() => caller.abort(reason), 20);
    await left;
    const closed = assert.rejects(net.client.account(address), coded('CHAIN_CLOSED'));
    setTimeout(() => net.client[Symbol.asyncDispose](), 20);
    await closed;
  });

  it('arrives after errors that pass', async () => {
    await using net = await open();
    let bad = 2;
    net.first.behave = on('getAddressInformation', (_, honest) => {
      if (bad === 0) return honest();
      bad -= 1;
      return new Raw(500, '{"ok":false,"error":"LITE_SERVER_NETWORK timeout","code":504}');
    });
    net.chain.transact(address, 5n);
    assert.equal((await net.client.account(address)).balance, 5n);
  });

  it('is never older than before: an endpoint that falls behind is passed over', async () => {
    await using net = await open({ servers: 2 });
    net.chain.transact(address, 5n);
    let old: unknown;
    net.first.behave = on('getAddressInformation', async (_, honest) => (old ??= await honest()));
    assert.equal((await net.client.account(address)).balance, 5n);
    net.chain.transact(address, 6n);
    net.second.behave = net.first.behave;
    assert.equal((await net.client.account(address)).balance, 5n, 'nobody knows better yet');
    net.second.behave = (_, honest) => honest();
    net.first.behave = html;
    assert.equal((await net.client.account(address)).balance, 11n);
    net.first.behave = on('getAddressInformation', () => old);
    net.second.behave = net.first.behave;
    await assert.rejects(net.client.account(address), coded('CHAIN_STALE', net.first.host, net.second.host));
  });

  it('does not change its past', async () => {
    await using net = await open();
    net.chain.transact(address, 5n);
    await net.client.account(address);
    net.first.behave = on('getAddressInformation', (_, honest) =>
      honest().then((answer) => spoiled(answer, 'last_transaction_id.hash', Buffer.alloc(32, 9).toString('base64'))),
    );
    await assert.rejects(net.client.account(address), coded('CHAIN_DISAGREEMENT', net.first.host));
  });
});

describe('the network', () => {
  it('is refused when it is another one, by zerostate or global id, before anything else is asked', async () => {
    for (const network of [
      { ...NETWORK, zerostate: MAINNET.zerostate },
      { ...NETWORK, globalId: -239 },
    ]) {
      await using net = await open();
      net.first.network = network;
      for (const ask of [() => net.client.account(address), () => net.client.nowSec()]) {
        await assert.rejects(ask, coded('CHAIN_NETWORK', net.first.host, NETWORK.name));
      }
      assert.equal(net.first.count('getAddressInformation'), 0);
    }
  });

  it('is looked at once, not before every call', async () => {
    await using net = await open();
    for (let i = 0; i < 5; i += 1) await net.client.account(address);
    assert.equal(net.first.count('getMasterchainInfo'), 1);
  });

  it('of one endpoint is no reason to doubt the other', async () => {
    await using net = await open({ servers: 2 });
    net.first.network = MAINNET;
    await net.client.account(address);
    assert.equal(net.second.count('getAddressInformation'), 1);
  });

  it('has one time, which never goes back', async () => {
    await using net = await open();
    assert.ok(Math.abs((await net.client.nowSec()) - Date.now() / 1_000) < 60);
    net.chain.seqno -= 1;
    await assert.rejects(net.client.nowSec(), coded('CHAIN_STALE', net.first.host));
  });

  it('is refused with a header of another block', async () => {
    await using net = await open();
    net.first.behave = on('getBlockHeader', (_, honest) => honest().then((header) => spoiled(header, 'id.seqno', 1)));
    await assert.rejects(net.client.nowSec(), coded('CHAIN_RESPONSE', net.first.host));
  });
});

describe('a rate', () => {
  it('is kept towards an endpoint', async () => {
    await using net = await open({ requestsPerSecond: 2 });
    const startMs = hurried.monotonicMs();
    await Promise.all(Array.from({ length: 5 }, () => net.client.account(address)));
    const requests = net.first.calls.length;
    const tookMs = hurried.monotonicMs() - startMs;
    assert.ok(tookMs >= (requests - 1) * 500 - 200, `${requests} requests in ${tookMs} ms`);
  });

  it('of too many requests is refused, not queued without bound', async () => {
    await using net = await open({ requestsPerSecond: 1, clock: still });
    await net.client.account(address);
    const asked = await Promise.allSettled(Array.from({ length: 60 }, () => net.client.account(address)));
    const refused = asked.filter(({ status }) => status === 'rejected');
    assert.ok(refused.length > 0 && refused.length < 60, `${refused.length}`);
    for (const { reason } of refused as PromiseRejectedResult[]) coded('CHAIN_RATE_LIMITED', net.first.host)(reason);
  });

  it('that an endpoint asks for is honoured, to the second', async () => {
    await using net = await open();
    let limited = true;
    let pausedMs = 0;
    net.first.behave = on('getAddressInformation', (_, honest) => {
      if (limited) {
        limited = false;
        pausedMs = hurried.monotonicMs();
        return new Raw(429, '{"ok":false,"error":"Ratelimit exceeded","code":429}', { 'retry-after': '7' });
      }
      pausedMs = hurried.monotonicMs() - pausedMs;
      return honest();
    });
    await net.client.account(address);
    assert.ok(pausedMs >= 6_900, `${pausedMs}`);
  });

  it('that no endpoint grants is told', async () => {
    await using net = await open({ servers: 2 });
    for (const server of [net.first, net.second]) server.behave = () => new Raw(429, '', { 'retry-after': '3600' });
    await assert.rejects(net.client.account(address), coded('CHAIN_RATE_LIMITED', net.first.host, net.second.host));
  });
});

describe('the key of an endpoint', () => {
  it('is sent, and shown nowhere', async () => {
    const apiKey = 'k-0123456789';
    const logged: string[] = [];
    const write = (message: string, fields?: LogFields) => void logged.push(message + JSON.stringify(fields));
    const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
    await using net = await open({ apiKey, log });
    net.first.behave = html;
    const error = await net.client.account(address).catch((error: unknown) => error as ChainError);
    assert.ok(error instanceof ChainError && logged.length > 0);
    assert.equal(net.first.calls[0]?.headers['x-api-key'], apiKey);
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      const shown = `${at.stack} ${'detail' in at ? JSON.stringify(at.detail) : ''}`;
      assert.ok(!shown.includes(apiKey));
    }
    assert.ok(!logged.join().includes(apiKey));
  });
});

describe('history over HTTP', () => {
  it('comes oldest first in parts, and catching up costs little more than one walk', async () => {
    await using net = await open();
    for (let i = 0; i < 730; i += 1) net.chain.transact(address, 1n);
    const all = idsOf(net.chain.at(address).history);
    const seen: bigint[] = [];
    let at: { lt: bigint; hash: Buffer } | undefined;
    for (;;) {
      const part = await net.client.transactions(address, at, 100);
      if (part.length === 0) break;
      seen.push(...idsOf(part));
      at = part.at(-1);
    }
    assert.deepEqual(seen, all);
    const pages = net.first.count('getTransactions');
    assert.ok(pages < 50, `${pages} pages; one walk is 15, a walk for each part would be 64`);
  });

  it('goes on after what is known, with one page for a few new transactions', async () => {
    await using net = await open();
    for (let i = 0; i < 200; i += 1) net.chain.transact(address, 1n);
    const known = net.chain.at(address).history.at(-1);
    assert.deepEqual(await net.client.transactions(address, known, 10), []);
    assert.equal(net.first.count('getTransactions'), 0);
    const fresh = [net.chain.transact(address, 1n), net.chain.transact(address, 1n)];
    assert.deepEqual(idsOf(await net.client.transactions(address, known, 10)), idsOf(fresh));
    assert.equal(net.first.count('getTransactions'), 1);
  });

  const spoil = (change: (page: unknown[]) => unknown): Behaviour =>
    on('getTransactions', async (_, honest) => change((await honest()) as unknown[]));
  for (const [what, change] of [
    ['a gap', (page: unknown[]) => page.toSpliced(2, 1)],
    ['two in the wrong order', (page: unknown[]) => [page[0], page[2], page[1], ...page.slice(3)]],
    ['the newest missing', (page: unknown[]) => page.slice(1)],
    ['one twice', (page: unknown[]) => [page[0], ...page]],
    ['nothing', () => []],
    [
      'a flipped bit',
      (page: unknown[]) => {
        const { data } = page[1] as { data: string };
        const bytes = Buffer.from(data, 'base64');
        bytes[bytes.length - 1]! ^= 1;
        return spoiled(page, '1.data', bytes.toString('base64'));
      },
    ],
    [
      'a cell that is no transaction',
      (page: unknown[]) => spoiled(page, '0.data', beginCell().endCell().toBoc().toString('base64')),
    ],
    [
      'a hash that is claimed, not computed',
      (page: unknown[]) => {
        const other = new FakeChain(systemClock).transact(address, 1n).transaction.raw.toBoc().toString('base64');
        return spoiled(page, '1.data', other);
      },
    ],
  ] as [string, (page: unknown[]) => unknown][]) {
    it(`is refused with ${what}, and taken from another endpoint`, async () => {
      await using net = await open({ servers: 2 });
      for (let i = 0; i < 6; i += 1) net.chain.transact(address, 1n);
      net.first.behave = spoil(change);
      net.second.behave = net.first.behave;
      await assert.rejects(net.client.transactions(address, undefined, 10), coded('CHAIN_RESPONSE', net.first.host));
      net.second.behave = (_, honest) => honest();
      assert.equal((await net.client.transactions(address, undefined, 10)).length, 6);
    });
  }

  it('of another account with the same links is refused', async () => {
    await using net = await open();
    const other = new Address(0, Buffer.alloc(32, 6));
    net.chain.transact(other, 1n);
    const [theirs] = net.chain.at(other).history;
    net.chain.at(address).history.push(theirs!);
    await assert.rejects(net.client.transactions(address, undefined, 10), coded('CHAIN_RESPONSE', 'another account'));
  });

  it('that does not hold what was known is stale', async () => {
    await using net = await open();
    for (let i = 0; i < 120; i += 1) net.chain.transact(address, 1n);
    const { history } = net.chain.at(address);
    for (const [index, by] of [
      [3, 0n],
      [3, 1n],
      [3, -1n],
      [119, 0n],
      [119, 5n],
    ] as const) {
      const after = { lt: history[index]!.lt + by, hash: Buffer.alloc(32, 1) };
      await assert.rejects(net.client.transactions(address, after, 200), coded('CHAIN_STALE'), `${index} ${by}`);
    }
  });

  it('with transactions too large for a page is read in smaller pages', async () => {
    await using net = await open({ options: { maxAnswerBytes: 40_000 } });
    for (let i = 0; i < 90; i += 1) {
      let body = beginCell().endCell();
      for (let depth = 0; i % 9 === 0 && depth < 100; depth += 1) {
        body = beginCell().storeBuffer(randomBytes(127)).storeRef(body).endCell();
      }
      net.chain.transact(address, 1n, body);
    }
    assert.deepEqual(
      idsOf(await net.client.transactions(address, undefined, 1_000)),
      idsOf(net.chain.at(address).history),
    );
  });

  it('is looked for on archive servers when the others have dropped it', async () => {
    await using net = await open();
    net.chain.transact(address, 1n);
    net.first.behave = on('getTransactions', ({ params }, honest) =>
      params['archival'] === true
        ? honest()
        : new Raw(500, '{"ok":false,"code":500,"error":"LITE_SERVER_UNKNOWN: lt not in db"}'),
    );
    assert.equal((await net.client.transactions(address, undefined, 10)).length, 1);
  });
});

describe('a quorum', () => {
  const quorum = (of: number) => ({ servers: 3, options: { quorum: of } });

  it('agrees on an account, with another endpoint in place of one that is down', async () => {
    await using net = await open(quorum(2));
    net.chain.transact(address, 5n);
    net.first.behave = html;
    assert.equal((await net.client.account(address)).balance, 5n);
    assert.deepEqual([net.second.count('getAddressInformation'), net.third.count('getAddressInformation')], [1, 1]);
  });

  it('is not formed by fewer', async () => {
    await using net = await open(quorum(3));
    net.first.behave = html;
    await assert.rejects(net.client.account(address), coded('CHAIN_RESPONSE', net.first.host));
    assert.throws(
      () => new Toncenter({ endpoints: [], network: NETWORK }, { clock: hurried, random, log: silentLogger }),
      RangeError,
    );
  });

  for (const [member, value] of [
    ['balance', '6'],
    ['last_transaction_id.lt', '99999999999'],
    ['state', 'frozen'],
  ]) {
    it(`does not take a ${member} that only one tells`, async () => {
      await using net = await open(quorum(2));
      net.chain.transact(address, 5n);
      net.second.behave = on('getAddressInformation', async (_, honest) => spoiled(await honest(), member!, value));
      await assert.rejects(net.client.account(address), coded('CHAIN_DISAGREEMENT'));
      net.second.behave = (_, honest) => honest();
      assert.equal((await net.client.account(address)).balance, 5n, 'and the lie is not remembered');
    });
  }

  it('waits for one that is a block behind', async () => {
    await using net = await open(quorum(2));
    net.chain.transact(address, 5n);
    let times = 0;
    let old: unknown;
    net.second.behave = on('getAddressInformation', async (_, honest) => {
      old ??= await honest();
      times += 1;
      if (times === 1) net.chain.transact(address, 1n);
      return times > 2 ? honest() : old;
    });
    net.first.behave = on('getAddressInformation', async (_, honest) => {
      while (times === 0) await new Promise((done) => setTimeout(done, 1));
      return honest();
    });
    assert.equal((await net.client.account(address)).balance, 6n);
  });

  it('agrees on what a get method returns', async () => {
    await using net = await open(quorum(2));
    net.chain.at(address).methods['answer'] = () => ({ exitCode: 0, stack: [{ type: 'int', value: 42n }] });
    assert.equal((await net.client.run(address, 'answer', [])).stack.readNumber(), 42);
    net.second.behave = on('runGetMethod', async (_, honest) => spoiled(await honest(), 'stack.0.1', '0x29'));
    await assert.rejects(net.client.run(address, 'answer', []), coded('CHAIN_DISAGREEMENT'));
  });

  it('goes by the slowest clock', async () => {
    await using net = await open(quorum(2));
    const behind = Math.floor(Date.now() / 1_000) - 50;
    net.second.behave = on('getBlockHeader', async (_, honest) => spoiled(await honest(), 'gen_utime', behind));
    assert.equal(await net.client.nowSec(), behind);
  });
});

describe('sending over HTTP', () => {
  const message = beginCell()
    .store(storeMessage(external({ to: address, body: beginCell().endCell() })))
    .endCell();

  it('reaches the receiver, or says that it was refused, without trying again', async () => {
    await using net = await open({ servers: 2 });
    let received = 0;
    net.chain.receivers.set(address.toRawString(), () => {
      received += 1;
    });
    await net.client.send(message);
    assert.ok(received > 0);
    net.chain.receivers.clear();
    await assert.rejects(net.client.send(message), coded('CHAIN_REFUSED', net.first.host));
    assert.deepEqual([net.first.count('sendBocReturnHash'), net.second.count('sendBocReturnHash')], [2, 2]);
  });

  it('does not depend on one endpoint, which may take a message and pass it on to nobody', async () => {
    await using net = await open({ servers: 2 });
    const received = new Promise<void>((resolve) => {
      net.chain.receivers.set(address.toRawString(), () => resolve());
    });
    net.first.behave = on('sendBocReturnHash', () => ({ hash: Buffer.alloc(32).toString('base64') }));
    await net.client.send(message);
    await received;
  });

  it('is not refused by an endpoint that is behind while another one takes the message', async () => {
    await using net = await open({ servers: 2 });
    net.chain.receivers.set(address.toRawString(), () => {});
    const refusal = { ok: false, code: 500, error: 'cannot apply external message to current state' };
    net.first.behave = on('sendBocReturnHash', () => new Raw(500, JSON.stringify(refusal)));
    await net.client.send(message);
  });

  it('does not wait for an endpoint that is silent where another one takes the message', async () => {
    await using net = await open({ servers: 2, options: { timeoutMs: 1_000_000_000 } });
    net.chain.receivers.set(address.toRawString(), () => {});
    net.first.behave = on('sendBocReturnHash', () => SILENCE);
    await net.client.send(message);
  });

  it('goes to another endpoint when the first one fails', async () => {
    await using net = await open({ servers: 2 });
    let received = 0;
    net.chain.receivers.set(address.toRawString(), () => {
      received += 1;
    });
    net.first.behave = on('sendBocReturnHash', () => new Raw(503, ''));
    await net.client.send(message);
    assert.equal(received, 1);
  });

  it('is not even tried with a message larger than the network takes', async () => {
    await using net = await open();
    let body = beginCell().endCell();
    for (let depth = 0; depth < 600; depth += 1)
      body = beginCell().storeBuffer(randomBytes(127)).storeRef(body).endCell();
    await assert.rejects(net.client.send(body), coded('CHAIN_LIMIT'));
    assert.equal(net.first.calls.length, 0);
  });
});

describe('a get method over HTTP', () => {
  for (const stack of [
    [['num', 'five']],
    [['num', 5]],
    [['cell', { bytes: 'AAAA' }]],
    [['cell']],
    [['list', { elements: 'none' }]],
    [['tuple', { elements: [{ '@type': 'tvm.stackEntryUnsupported' }] }]],
    [['dream', null]],
    ['num'],
    'nothing',
  ]) {
    it(`is refused with the stack ${JSON.stringify(stack)}`, async () => {
      await using net = await open();
      net.first.behave = on('runGetMethod', () => ({ exit_code: 0, stack }));
      await assert.rejects(net.client.run(address, 'seqno', []), coded('CHAIN_RESPONSE', net.first.host));
    });
  }

  it('on a state older than one that was seen is refused', async () => {
    await using net = await open();
    const booked = net.chain.transact(address, 1n);
    await net.client.account(address);
    const last_transaction_id = { lt: `${booked.lt - 1n}`, hash: '' };
    net.first.behave = on('runGetMethod', () => ({ exit_code: 0, stack: [], last_transaction_id }));
    await assert.rejects(net.client.run(address, 'seqno', []), coded('CHAIN_STALE', net.first.host));
  });
});
