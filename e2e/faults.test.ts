/**
 * What goes wrong on the way of a request, and what its caller sees of it: one honest error, in time. After each fault
 * nothing is left over in any part, and the next request succeeds.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, chat, errorIn, post, stream } from './testing/ask.ts';
import { COMPLETION_TOKENS, PROMPT_TOKENS } from './testing/backend.ts';
import { breakThings, SOON_MS, timed } from './testing/faults.ts';
import { Network, type WorkerNode } from './testing/network.ts';
import { until } from './testing/until.ts';

const WHOLE = PROMPT_TOKENS + COMPLETION_TOKENS;

let network: Network;

describe('an inference server', () => {
  const billed = breakThings(
    () => Network.start(),
    (started) => {
      network = started;
    },
  );

  it('that never answers is a time-out of the first byte, and is told to stop', async () => {
    const limit = { 'x-bombyx-timeout-first-byte': '0.2' };
    for (const streamed of [false, true]) {
      const { result, tookMs } = await timed(ask(network, chat('silent', { stream: streamed }), limit));
      assert.equal(result.status, 504);
      assert.equal(result.error?.code, 'timeout');
      assert.ok(tookMs >= 190 && tookMs < SOON_MS, `${tookMs} ms`);
    }
    assert.equal(await billed(), 0);
  });

  it('that goes silent in the middle is a time-out of the next part', async () => {
    const answer = await stream(network, 'hang=2', {}, { 'x-bombyx-timeout-idle': '0.2' });
    const events = await answer.rest();
    assert.equal(events.length, 3);
    assert.equal(errorIn(events[2])?.code, 'timeout');
    assert.equal(await billed(), 2); // one token for each delivered event: more nobody can prove
  });

  it('that takes too long in all is a time-out of the whole', async () => {
    const answer = await stream(network, 'chunks=1000 delay_ms=20', {}, { 'x-bombyx-timeout-total': '0.4' });
    assert.equal(errorIn((await answer.rest()).at(-1))?.code, 'timeout');
  });

  it('that closes in the middle of a stream gives an error event, never a clean end', async () => {
    const answer = await stream(network, 'chunks=5 delay_ms=20 die=2');
    const events = await answer.rest();
    assert.equal(events.length, 3);
    assert.match(errorIn(events[2])?.message ?? '', /broke off its answer/);
    assert.ok(!events.includes('[DONE]'));
    assert.equal(await billed(), 2);
  });

  it('that closes in the middle of a whole answer gives an error status', async () => {
    const { status, error } = await ask(network, chat('chunks=5 die=1'));
    assert.equal(status, 502);
    assert.equal(error?.message, 'worker: http failed: the inference server broke off its answer');
    assert.equal(await billed(), 0);
  });

  it('that refuses has its own words passed on', async () => {
    for (const status of [400, 422, 429, 500, 503]) {
      const answer = await ask(network, chat(`status=${status} retry=7`));
      assert.equal(answer.status, status);
      assert.equal(answer.error?.message, `forced status ${status}`);
      assert.equal(answer.headers.get('retry-after'), '7');
    }
    assert.equal(await billed(), 0);
  });

  it('that is down is an error at once, and is used again when it is back', async () => {
    await network.backend.goDown();
    const { result, tookMs } = await timed(ask(network, chat('')));
    assert.ok([502, 503].includes(result.status), `status ${result.status}`);
    assert.ok(tookMs < SOON_MS, `${tookMs} ms`);
    assert.equal(await billed(), 0);
    await network.backend.comeUp();
    await network.whenReady();
  });

  it('is told within one event that the caller left, who pays for what was delivered', async () => {
    const { backend } = network;
    const abandoned = backend.abandoned();
    const answer = await stream(network, 'chunks=1000 delay_ms=100');
    for (let read = 0; read < 3; read += 1) await answer.next();
    answer.leave();
    const atLeave = backend.events();
    await until('the server is told', () => backend.abandoned() > abandoned);
    assert.ok(backend.events() - atLeave <= 2, `${backend.events() - atLeave} events after the caller left`);
    const cost = await billed();
    assert.ok(cost >= 3 && cost <= 5, `billed ${cost}`);
  });

  it('stops when the caller leaves before the first byte', async () => {
    const left = new AbortController();
    const answer = post(network, chat('silent'), {}, left.signal);
    await until('the server works on it', () => network.backend.running() === 1);
    left.abort();
    await assert.rejects(answer, { name: 'AbortError' });
    await until('the server is told', () => network.backend.running() === 0);
    assert.equal(await billed(), 0);
  });
});

describe('a connection', () => {
  const billed = breakThings(
    () => Network.start(),
    (started) => {
      network = started;
    },
  );

  it('to the worker that drops in the middle of a stream is an error event within a second, and what was delivered is paid', async () => {
    const answer = await stream(network, 'chunks=1000 delay_ms=10');
    for (let read = 0; read < 3; read += 1) await answer.next();
    network.workers[0]!.cables[0]!.cut();
    const { result, tookMs } = await timed(answer.rest());
    assert.match(errorIn(result.at(-1))?.message ?? '', /worker was lost/);
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
    await until('the server is told', () => network.backend.running() === 0);
    assert.equal(
      await billed(),
      3 + result.length - 1,
      'a token for each event that the caller has, the error not among them',
    );
  });

  it('to the worker that drops before the first byte is an error when there is no other worker', async () => {
    const answer = ask(network, chat('silent'));
    await until('the server works on it', () => network.backend.running() === 1);
    network.workers[0]!.cables[0]!.cut();
    const { status, error } = await answer;
    assert.equal(status, 502);
    assert.match(error?.message ?? '', /worker was lost/);
  });

  it('to the worker that says nothing any more keeps to the time limit of the request', async () => {
    network.workers[0]!.cables[0]!.clamp();
    const limit = { 'x-bombyx-timeout-first-byte': '0.3' };
    const { result, tookMs } = await timed(ask(network, chat(''), limit));
    assert.equal(result.status, 504);
    assert.ok(tookMs < SOON_MS, `${tookMs} ms`);
    network.workers[0]!.cables[0]!.cut();
    await until('the proxy has noticed', () => network.proxy.snapshot().worker_connections.length === 0);
  });

  it('to the proxy that drops in the middle of a stream is an error event within a second', async () => {
    const answer = await stream(network, 'chunks=1000 delay_ms=10');
    await answer.next();
    network.cables[0]!.cut();
    const { result, tookMs } = await timed(answer.rest());
    assert.equal(errorIn(result.at(-1))?.code, 'proxy_lost');
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
    await until('the server is told', () => network.backend.running() === 0);
    assert.ok((await billed()) >= 1, 'what was delivered is paid for');
  });

  it('to the proxy that says nothing any more keeps to the time limit of the request', async () => {
    network.cables[0]!.clamp();
    const limit = { 'x-bombyx-timeout-first-byte': '0.3' };
    const { result, tookMs } = await timed(ask(network, chat(''), limit));
    assert.equal(result.status, 504);
    assert.ok(tookMs < SOON_MS, `${tookMs} ms`);
    network.cables[0]!.cut();
    await until('the client has noticed', () => !network.client.ready);
  });

  it('to a proxy that closes in the middle of a stream is an error event, and what was delivered is paid', async () => {
    const answer = await stream(network, 'chunks=1000 delay_ms=10');
    await answer.next();
    const stopped = network.stopProxy();
    const events = await answer.rest();
    assert.ok(errorIn(events.at(-1)), `the last event is ${events.at(-1)?.slice(0, 60)}`);
    await stopped;
    await network.settled();
    await network.restartProxy();
    await network.whenReady();
    assert.ok((await billed()) >= 1);
  });

  it('to no proxy at all is made a short while later, or refused in time', async () => {
    const before = network.backend.requests();
    await network.stopProxy();
    await until('the client has noticed', () => !network.client.ready);
    const limit = { 'x-bombyx-timeout-first-byte': '0.3' };
    const { result, tookMs } = await timed(ask(network, chat(''), limit));
    assert.deepEqual([result.status, result.error?.code], [503, 'no_proxy']);
    assert.ok(result.headers.has('retry-after'));
    assert.ok(tookMs >= 290 && tookMs < SOON_MS, `${tookMs} ms`);
    const left = new AbortController();
    const abandoned = post(network, chat(''), {}, left.signal);
    const patient = ask(network, chat(''));
    await until('both wait', () => network.client.snapshot().requests.running === 2);
    left.abort();
    await assert.rejects(abandoned, { name: 'AbortError' });
    await network.restartProxy();
    assert.equal((await patient).status, 200);
    await network.settled();
    assert.equal(network.backend.requests(), before + 1, 'nobody works for a caller that left');
  });
});

describe('a second worker or proxy', () => {
  const billed = breakThings(
    () => Network.start({ workers: [{}, {}], proxies: 2 }),
    (started) => {
      network = started;
    },
  );

  const requests = () => network.workers.map(({ backend }) => backend.requests());
  const busy = () => network.workers.findIndex(({ backend }) => backend.running() > 0);

  it('takes over from a worker that is lost before the first byte', async () => {
    const answer = ask(network, chat('first_ms=300'));
    await until('a server works on it', () => busy() >= 0);
    const first = network.workers[busy()]!;
    const other = network.workers.find((node) => node !== first)!;
    for (const cable of first.cables) cable.cut();
    const { status } = await answer;
    assert.equal(status, 200);
    assert.ok(other.backend.requests() > 0);
    assert.equal(await billed(), WHOLE);
  });

  it('takes over from a worker whose inference server is down', async () => {
    const [first, second] = network.workers as [WorkerNode, WorkerNode];
    await first.backend.goDown();
    const before = second.backend.requests();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(network, chat(''))));
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 8 }, () => 200),
    );
    assert.equal(second.backend.requests() - before, 8);
    await first.backend.comeUp();
  });

  it('gets nothing of a request whose stream has begun', async () => {
    const before = requests();
    const answer = await stream(network, 'chunks=1000 delay_ms=10');
    await answer.next();
    for (const cable of network.workers[busy()]!.cables) cable.cut();
    const events = await answer.rest();
    assert.match(errorIn(events.at(-1))?.message ?? '', /worker was lost/);
    const more = requests().reduce((sum, count, at) => sum + count - before[at]!, 0);
    assert.equal(more, 1);
  });

  it('takes over from a proxy that is lost before the first byte', async () => {
    const { retried } = network.client.snapshot().requests;
    const answer = ask(network, chat('first_ms=300'));
    await until('a server works on it', () => busy() >= 0);
    const at = network.proxies.findIndex((proxy) => proxy.snapshot().running > 0);
    network.cables[at]!.cut();
    assert.equal((await answer).status, 200);
    assert.equal(network.client.snapshot().requests.retried, retried + 1);
    assert.equal(await billed(), WHOLE);
  });

  it('is never asked by the client once a stream has begun', async () => {
    const before = requests();
    const { retried } = network.client.snapshot().requests;
    const answer = await stream(network, 'chunks=1000 delay_ms=10');
    await answer.next();
    const at = network.proxies.findIndex((proxy) => proxy.snapshot().running > 0);
    network.cables[at]!.cut();
    assert.equal(errorIn((await answer.rest()).at(-1))?.code, 'proxy_lost');
    assert.equal(network.client.snapshot().requests.retried, retried);
    const more = requests().reduce((sum, count, worker) => sum + count - before[worker]!, 0);
    assert.equal(more, 1);
  });
});
