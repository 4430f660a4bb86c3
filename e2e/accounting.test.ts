/** What an answer costs: counted by the worker, judged by the proxy, on disk before its last byte is delivered. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { systemClock } from '@bombyx/base';
import type { LedgerEvent } from '@bombyx/ledger';
import { Bookkeeper, ProxyError } from '@bombyx/proxy';
import { ask, chat, errorIn, post, stream } from './testing/ask.ts';
import { COMPLETION_TOKENS, PROMPT_TOKENS } from './testing/backend.ts';
import { type Billed, MODEL, Network } from './testing/network.ts';

const WHOLE = PROMPT_TOKENS + COMPLETION_TOKENS;

/** The bill as the caller's answer states it, and as the books of proxy and worker do. */
async function bill(network: Network, before: Billed): Promise<number> {
  await network.settled();
  const { used, earned } = network.billed();
  assert.equal(used - before.used, earned - before.earned, 'a client owes what the worker earned');
  return used - before.used;
}

describe('an answer', () => {
  let network: Network;
  let atStart: Billed;
  before(async () => {
    network = await Network.start({
      workers: [{}, { model: 'dear', coefficient: 2_000 }, { model: 'odd', coefficient: 1_337 }],
    });
  });
  after(() => network[Symbol.asyncDispose]());
  beforeEach(() => {
    atStart = network.billed();
  });

  it('costs what its usage says, whole', async () => {
    const { status } = await ask(network, chat('chunks=5'));
    assert.equal(status, 200);
    assert.equal(network.billed().used - atStart.used, PROMPT_TOKENS + 5, 'booked before the answer is complete');
    assert.equal(await bill(network, atStart), PROMPT_TOKENS + 5);
  });

  it('costs the same streamed, whether or not the caller asked for the usage', async () => {
    for (const fields of [
      {},
      { stream_options: { include_usage: true } },
      { stream_options: { include_usage: false } },
    ]) {
      const start = network.billed();
      const answer = await stream(network, 'chunks=5', fields);
      assert.equal((await answer.rest()).at(-1), '[DONE]');
      assert.equal(network.billed().used - start.used, PROMPT_TOKENS + 5, 'booked before the answer is complete');
      assert.equal(await bill(network, start), PROMPT_TOKENS + 5);
    }
  });

  it('costs the coefficient of its worker, in thousandths', async () => {
    await ask(network, { ...chat(''), model: 'dear' });
    assert.equal(await bill(network, atStart), 2 * WHOLE);
    const start = network.billed();
    await ask(network, { ...chat('chunks=10'), model: 'odd' });
    const weigh = (count: number) => Math.trunc(count * (1_337 * 0.001) * 10_000 * 0.0001);
    assert.equal(await bill(network, start), weigh(PROMPT_TOKENS) + weigh(10));
  });

  it('costs nothing but what was read where nothing is written: embeddings', async () => {
    await network.openai().embeddings.create({ model: MODEL, input: 'silk', encoding_format: 'float' });
    assert.equal(await bill(network, atStart), PROMPT_TOKENS);
  });

  it('costs nothing when it is an error', async () => {
    await ask(network, chat('status=500'));
    assert.equal(await bill(network, atStart), 0);
  });

  it('without any usage costs a token for each delivered event', async () => {
    await (await stream(network, 'chunks=6 uncounted')).rest();
    assert.equal(await bill(network, atStart), 6);
  });

  it('never costs more than was reserved, however much the server claims', async () => {
    const request = chat('lie=2000000000', { max_tokens: 50, max_coefficient: 1_000 });
    const size = JSON.stringify(request).length;
    for (const streamed of [false, true]) {
      const start = network.billed();
      const options = streamed ? { stream: true, stream_options: { include_usage: true } } : {};
      const text = await (await post(network, { ...request, ...options })).text();
      assert.ok(text.includes('2000000000'), 'the caller sees what the server claims');
      const cost = await bill(network, start);
      assert.ok(cost > 50 && cost <= 50 + size + 1_000, `${cost} billed`); // 1,000: the HTTP head counts as prompt bytes
    }
  });

  it('with usage beyond any number the wire knows does not break the books', async () => {
    for (const lie of [2 ** 40, 2 ** 63, 1e300, -5]) {
      const start = network.billed();
      const { status } = await ask(network, chat(`lie=${lie}`, { max_tokens: 50, max_coefficient: 1_000 }));
      assert.ok(status === 200 || status === 502, `status ${status}`);
      const cost = await bill(network, start);
      assert.ok(cost >= 0 && cost <= 2_000, `${cost} billed`);
    }
  });

  it('adds up over many callers at once, some of whom leave', async () => {
    const deliveries = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        if (at % 4 === 3) {
          const answer = await stream(network, 'chunks=200 delay_ms=5');
          await answer.next();
          answer.leave();
          return 0;
        }
        const { body } = await ask(network, chat(`chunks=${at + 1}`));
        return (body['usage'] as { total_tokens: number }).total_tokens;
      }),
    );
    const whole = deliveries.reduce((sum, cost) => sum + cost, 0);
    const cost = await bill(network, atStart);
    assert.ok(cost >= whole && cost <= whole + 10 * 200, `${cost} billed, ${whole} in whole answers`);
  });
});

describe('the books', () => {
  it('outlive the proxy', async () => {
    await using network = await Network.start();
    for (let count = 0; count < 3; count += 1) await ask(network, chat(''));
    await network.settled();
    const before = network.billed();
    assert.equal(before.used, 3 * WHOLE);
    await network.stopProxy();
    await network.restartProxy();
    await network.whenReady();
    assert.deepEqual(network.billed(), before);
    assert.equal(
      network.client.snapshot().proxies[0]?.tokens_used_proxy_max,
      3 * WHOLE,
      'the client was told the same',
    );
    assert.equal((await ask(network, chat(''))).status, 200);
    assert.equal(await bill(network, before), WHOLE);
  });
});

describe('a full disk', () => {
  let folder: string;
  let keeper: FullDisk;
  let network: Network;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bombyx-full-'));
    keeper = new FullDisk(join(folder, 'books.sqlite'));
    network = await Network.start({ keeper: () => keeper });
  });
  after(async () => {
    await network[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    keeper.full = false;
    const before = network.billed();
    assert.equal((await ask(network, chat(''))).status, 200, 'there is room again');
    assert.equal(await bill(network, before), WHOLE);
    assert.equal(keeper.books.audit(), undefined);
    let charged = 0n;
    for (const { used } of keeper.books.active!.accounts.clients()) charged += used.max;
    assert.equal(Number(charged), network.billed().used);
  });

  it('ends a whole answer with a coded error, and charges nothing', async () => {
    const before = network.billed();
    keeper.full = true;
    const { status, error } = await ask(network, chat(''));
    assert.equal(status, 503);
    assert.equal(error?.code, 'not_ready');
    assert.match(error?.message ?? '', /could not record the charge/);
    assert.equal(await bill(network, before), 0);
  });

  it('ends a stream with an error event in place of its last part, and charges nothing', async () => {
    const before = network.billed();
    keeper.full = true;
    const events = await (await stream(network, 'chunks=5 delay_ms=20')).rest();
    assert.match(errorIn(events.at(-1))?.message ?? '', /could not record the charge/);
    assert.ok(!events.includes('[DONE]'), 'the end of the answer is kept back');
    assert.equal(await bill(network, before), 0);
  });
});

/** The real books, on a disk that can be full: the write fails as SQLite would have it fail. */
class FullDisk extends Bookkeeper {
  full = false;

  constructor(path: string) {
    super({ path, key: Buffer.alloc(32), withoutChain: true }, { clock: systemClock });
  }

  override async record(...events: readonly LedgerEvent[]): Promise<void> {
    if (this.full) throw new ProxyError('PROXY_STORE', 'the books could not be written: database or disk is full');
    await super.record(...events);
  }
}
