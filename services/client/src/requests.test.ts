import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { turn } from '@bombyx/testkit';
import type { Tl } from '@bombyx/wire';
import { network, request, Transcript } from '../testing/network.ts';
import { httpResponse, MODEL, type ScriptedProxy, usage } from '../testing/scripted-proxy.ts';

const finalInfo = (over: Partial<Tl<'bombyx.finalInfo'>> = {}): Tl<'bombyx.finalInfo'> => ({
  kind: 'bombyx.finalInfo',
  flags: 0,
  tokens_used: usage(10n, 20n),
  ...over,
});

const head = (proxy: ScriptedProxy, payload = '') =>
  proxy.say({ kind: 'bombyx.answerHead', request_id: proxy.runId(), answer: httpResponse(payload), flags: 0 });
const part = (proxy: ScriptedProxy, data: string | Buffer) =>
  proxy.say({ kind: 'bombyx.answerPart', request_id: proxy.runId(), data: Buffer.from(data), flags: 0 });
const last = (proxy: ScriptedProxy, data = '') =>
  proxy.say({
    kind: 'bombyx.answerPart',
    request_id: proxy.runId(),
    data: Buffer.from(data),
    flags: 1,
    final_info: finalInfo(),
  });
const refuse = (proxy: ScriptedProxy, reason: string, http_status = 503) =>
  proxy.say({
    kind: 'bombyx.answerError',
    request_id: proxy.runId(),
    error_code: 651,
    reason,
    message: reason,
    http_status,
    retry_after_ms: 0,
    flags: 0,
  });

it('streams an answer in order and ends with what it cost', async () => {
  const { client, proxy } = await network();
  const sink = new Transcript();
  const running = client.run(request({ enableDebug: true }), sink);
  assert.equal(running.id, proxy.runId().toString('hex'));
  head(proxy, '{');
  part(proxy, '"a":1');
  last(proxy, '}');
  assert.deepEqual(sink.events, ['head', 'part', 'part', 'part', 'end']);
  assert.equal(sink.body, '{"a":1}');
  assert.deepEqual(sink.final?.tokens, { prompt: 10n, cached: 0n, completion: 20n, reasoning: 0n, total: 30n });
});

it('takes a whole answer in one object', async () => {
  const { client, proxy } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  proxy.say({
    kind: 'bombyx.answerHead',
    request_id: proxy.runId(),
    answer: httpResponse('{}'),
    flags: 1,
    final_info: finalInfo({
      flags: 15,
      worker_debug: '{"w":1}',
      proxy_debug: '{"p":1}',
      proxy_start_time: 1,
      proxy_end_time: 4,
      worker_start_time: 2,
      worker_end_time: 3,
      receipt: Buffer.from('r'),
      evidence: Buffer.from('e'),
    }),
  });
  assert.deepEqual(sink.events, ['head', 'part', 'end']);
  assert.deepEqual(sink.final?.times, { proxyStart: 1, proxyEnd: 4, workerStart: 2, workerEnd: 3 });
  assert.equal(sink.final?.workerDebug, '{"w":1}');
  assert.deepEqual(sink.final?.receipt, Buffer.from('r'));
});

it('passes an error status of the server through, with its headers, and names the tier itself', async () => {
  const { client, proxy } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  const headers = [
    { kind: 'http.header', name: 'X-RateLimit-Reset', value: '7' },
    { kind: 'http.header', name: 'x-bombyx-tier', value: 'tdx' },
    { kind: 'http.header', name: 'X-BOMBYX-EVIDENCE', value: '11'.repeat(32) },
  ] as const;
  proxy.say({
    kind: 'bombyx.answerHead',
    request_id: proxy.runId(),
    answer: httpResponse('{"error":1}', { status_code: 429, reason: 'Too Many Requests', headers }),
    flags: 1,
    final_info: finalInfo(),
  });
  assert.equal(sink.status, 429);
  assert.deepEqual(sink.headers, [
    ['X-RateLimit-Reset', '7'],
    ['X-Bombyx-Tier', 'open'],
    ['X-Bombyx-Model-Hash', 'none'],
    ['X-Bombyx-Evidence', 'none'],
  ]);
});

it('says with the head of an answer who has seen it: the weakest of proxy and worker, the model and its proof', async () => {
  const evidence = Buffer.alloc(32, 0xe1);
  const cases = [
    { attestation: 'tdx', tier: 'tdx', shown: 'tdx' },
    { attestation: 'tdx', tier: 'simulated', shown: 'simulated' },
    { attestation: 'simulated', tier: 'tdx', shown: 'simulated' },
    { attestation: 'sev-snp', tier: 'tdx', shown: 'sev-snp' },
    { attestation: 'none', tier: 'tdx', shown: 'open' },
    { attestation: 'tdx', tier: 'a tier of tomorrow', shown: 'open' },
  ] as const;
  for (const { attestation, tier, shown } of cases) {
    const { client, proxy } = await network([{ protoVersion: 4, peer: { attestation } }]);
    const sink = new Transcript();
    client.run(request(), sink);
    const model = `${MODEL}@main:00`;
    const worker = { kind: 'bombyx.servedBy', tier, model, image_hash: Buffer.alloc(32), flags: 1, evidence } as const;
    const head = { kind: 'bombyx.provenHead', request_id: proxy.runId(), answer: httpResponse(), flags: 0 } as const;
    proxy.say({ ...head, worker });
    assert.deepEqual(sink.events, ['head']);
    assert.deepEqual(sink.headers.slice(-3), [
      ['X-Bombyx-Tier', shown],
      ['X-Bombyx-Model-Hash', createHash('sha256').update(model).digest('hex')],
      ['X-Bombyx-Evidence', evidence.toString('hex')],
    ]);
  }
});

it('tells the proxy of version 3 everything it needs', async () => {
  const { client, proxy } = await network([{}], { window_bytes: 65_536 });
  client.run(request({ enableDebug: true }), new Transcript());
  const [run] = proxy.runs as [Tl<'bombyx.runQuery'>];
  const { request_id: _id, query: _query, ...rest } = run;
  assert.deepEqual(rest, {
    kind: 'bombyx.runQuery',
    model_name: 'Qwen/Qwen3-8B',
    max_coefficient: 4000,
    max_tokens: 100,
    first_byte_timeout_ms: 9_500,
    idle_timeout_ms: 4_750,
    total_timeout_ms: 59_500,
    window: 65_536,
    min_config_version: 3,
    flags: 1,
    enable_debug: true,
  });
});

it('gives older proxies seconds, less a share for this hop', async () => {
  for (const [protoVersion, kind] of [
    [0, 'client.runQuery'],
    [1, 'client.runQueryEx'],
    [2, 'client.runQueryEx'],
  ] as const) {
    const { client, proxy } = await network([{ protoVersion }]);
    client.run(request({ timeouts: { firstByteMs: 1_000, idleMs: 1_000, totalMs: 120_000 } }), new Transcript());
    const [run] = proxy.runs as [Tl<'client.runQueryEx'>];
    assert.equal(run.kind, kind);
    assert.equal(run.timeout, 114);
  }
});

it('spreads requests over the proxies', async () => {
  const { client, proxies } = await network([{}, {}]);
  for (let i = 0; i < 20; i += 1) client.run(request(), new Transcript());
  assert.deepEqual(
    proxies.map(({ runs }) => runs.length),
    [10, 10],
  );
});

it('goes to another proxy when the first is lost before the first byte, under another id', async () => {
  const { client, proxies } = await network([{}, {}]);
  const sink = new Transcript();
  client.run(request(), sink);
  const first = proxies.find(({ runs }) => runs.length === 1)!;
  const second = proxies.find((one) => one !== first)!;
  first.lose();
  assert.equal(second.runs.length, 1);
  assert.notDeepEqual(second.runId(), first.runId());
  assert.deepEqual(second.runs[0]?.query, first.runs[0]?.query);
  last(second); // a part before its head: ends it, so that the next line cannot pass by accident
  assert.deepEqual(sink.events, ['error']);
  assert.equal(client.snapshot().requests.retried, 1);
});

for (const reason of ['proxy_disabled', 'no_worker', 'unknown_model', 'balance_too_low']) {
  it(`goes to another proxy when the first refuses with ${reason}`, async () => {
    const { client, proxies } = await network([{}, {}]);
    const sink = new Transcript();
    client.run(request(), sink);
    const first = proxies.find(({ runs }) => runs.length === 1)!;
    const second = proxies.find((one) => one !== first)!;
    refuse(first, reason);
    head(second);
    last(second, 'ok');
    assert.deepEqual(sink.events, ['head', 'part', 'end']);
  });
}

it('tells the last refusal when no proxy takes it', async () => {
  const { client, proxies } = await network([{}, {}]);
  const sink = new Transcript();
  client.run(request(), sink);
  const first = proxies.find(({ runs }) => runs.length === 1)!;
  refuse(first, 'no_worker');
  refuse(proxies.find((one) => one !== first)!, 'unknown_model', 404);
  assert.deepEqual(sink.events, ['error']);
  assert.deepEqual([sink.code, sink.failure?.httpStatus], ['CLIENT_UNKNOWN_MODEL', 404]);
});

it('bothers at most three proxies with a request', async () => {
  const { client, proxies } = await network([{}, {}, {}, {}, {}]);
  const sink = new Transcript();
  client.run(request(), sink);
  const answered = new Set<ScriptedProxy>();
  for (;;) {
    const next = proxies.find((one) => one.runs.length > 0 && !answered.has(one));
    if (next === undefined) break;
    answered.add(next);
    refuse(next, 'no_worker');
  }
  assert.deepEqual([answered.size, sink.code], [3, 'CLIENT_NO_WORKER']);
});

it('asks a proxy that lacks the model last', async () => {
  const { client, proxies } = await network([{}, {}]);
  client.run(request(), new Transcript());
  const first = proxies.find(({ runs }) => runs.length === 1)!;
  const second = proxies.find((one) => one !== first)!;
  refuse(first, 'unknown_model', 404);
  for (let i = 0; i < 5; i += 1) client.run(request(), new Transcript());
  assert.deepEqual([first.runs.length, second.runs.length], [1, 6]);
});

for (const reason of ['bad_request', 'worker_error', 'first_byte_timeout']) {
  it(`does not try ${reason} again`, async () => {
    const { client, proxies } = await network([{}, {}]);
    const sink = new Transcript();
    client.run(request(), sink);
    const first = proxies.find(({ runs }) => runs.length === 1)!;
    refuse(first, reason);
    assert.deepEqual(sink.events, ['error']);
    assert.equal(proxies.flatMap(({ runs }) => runs).length, 1);
  });
}

it('never goes to another proxy after the first byte', async () => {
  const { client, proxies } = await network([{}, {}]);
  const sink = new Transcript();
  client.run(request(), sink);
  const first = proxies.find(({ runs }) => runs.length === 1)!;
  head(first);
  first.lose();
  assert.deepEqual(sink.events, ['head', 'error']);
  assert.equal(sink.code, 'CLIENT_PROXY_LOST');
  assert.equal(proxies.flatMap(({ runs }) => runs).length, 1);
});

it('grants window in halves, for what was read and nothing else', async () => {
  const { client, proxy } = await network([{}], { window_bytes: 8_192 });
  const running = client.run(request(), new Transcript());
  head(proxy);
  part(proxy, Buffer.alloc(8_192));
  const granted = () => proxy.messages.flatMap((message) => (message.kind === 'bombyx.window' ? [message.bytes] : []));
  running.consumed(4_095);
  assert.deepEqual(granted(), []);
  running.consumed(1);
  assert.deepEqual(granted(), [4_096]);
  running.consumed(1_000_000); // more than was ever sent
  assert.deepEqual(granted(), [4_096, 4_096]);
  for (const nonsense of [0, -5, Number.NaN]) running.consumed(nonsense);
  assert.deepEqual(granted(), [4_096, 4_096]);
});

it('sends no window to proxies that do not know it', async () => {
  const { client, proxy } = await network([{ protoVersion: 2 }], { window_bytes: 8_192 });
  const running = client.run(request(), new Transcript());
  proxy.say({
    kind: 'client.queryAnswerEx',
    request_id: proxy.runId(),
    answer: httpResponse('x'.repeat(8_192)),
    flags: 0,
  });
  running.consumed(8_192);
  running.cancel();
  assert.deepEqual(
    proxy.messages.map(({ kind }) => kind),
    ['client.runQueryEx'],
  );
});

it('cancels at the proxy and tells the sink nothing more', async () => {
  const { client, proxy } = await network();
  const sink = new Transcript();
  const running = client.run(request(), sink);
  head(proxy);
  running.cancel();
  running.cancel();
  part(proxy, 'late');
  last(proxy, 'later');
  assert.deepEqual(sink.events, ['head']);
  assert.deepEqual(
    proxy.messages.map(({ kind }) => kind),
    ['bombyx.runQuery', 'bombyx.cancel'],
  );
  assert.equal(client.snapshot().requests.running, 0);
});

it('lets the sink cancel from inside its callbacks', async () => {
  const { client, proxy } = await network();
  const sink = new Transcript();
  const running = client.run(request(), sink);
  sink.head = () => running.cancel();
  proxy.say({
    kind: 'bombyx.answerHead',
    request_id: proxy.runId(),
    answer: httpResponse('x'),
    flags: 1,
    final_info: finalInfo(),
  });
  assert.deepEqual(sink.events, []);
});

it('ends only its request when the sink throws', async () => {
  const { client, proxy } = await network();
  const bad = new Transcript();
  bad.part = () => {
    throw new Error('a bug in the reader');
  };
  client.run(request(), bad);
  head(proxy, 'x');
  assert.equal(proxy.messages.at(-1)?.kind, 'bombyx.cancel');
  assert.equal(proxy.connected, true);
  assert.equal(client.snapshot().requests.running, 0);
});

it('waits for the first byte only so long', async () => {
  const { client, proxy, clock } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  await clock.advanceGently(9_999);
  assert.deepEqual(sink.events, []);
  await clock.advanceGently(25);
  assert.equal(sink.code, 'CLIENT_TIMEOUT');
  assert.equal(sink.failure?.httpStatus, 504);
  assert.equal(proxy.messages.at(-1)?.kind, 'bombyx.cancel');
});

it('waits for the next part only so long, also when that is sooner than the first byte was due', async () => {
  const { client, proxy, clock } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  await clock.advanceGently(1_000);
  head(proxy);
  await clock.advanceGently(4_990);
  part(proxy, ''); // an empty part is a sign of life too
  await clock.advanceGently(4_990);
  assert.deepEqual(sink.events, ['head']);
  await clock.advanceGently(100);
  assert.deepEqual([sink.events.at(-1), sink.code], ['error', 'CLIENT_TIMEOUT']);
});

it('notices a silent stream before the first byte would have been due', async () => {
  const { client, proxy, clock } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  await clock.advanceGently(1_000);
  head(proxy);
  await clock.advanceGently(5_030);
  assert.deepEqual([sink.events, clock.monotonicMs()], [['head', 'error'], 6_030]);
});

it('lets a C++ proxy be silent up to the total time, because its workers hold streams back', async () => {
  const { client, proxy, clock } = await network([{ protoVersion: 2 }]);
  const sink = new Transcript();
  client.run(request(), sink);
  proxy.say({ kind: 'client.queryAnswerEx', request_id: proxy.runId(), answer: httpResponse(), flags: 0 });
  await clock.advanceGently(59_900);
  assert.deepEqual(sink.events, ['head']);
  await clock.advanceGently(200);
  assert.equal(sink.code, 'CLIENT_TIMEOUT');
});

it('does not count the time of a slow reader against the proxy', async () => {
  const { client, proxy, clock } = await network();
  const sink = new Transcript();
  const running = client.run(request(), sink);
  head(proxy, 'unread');
  await clock.advanceGently(20_000);
  assert.equal(sink.code, undefined);
  running.consumed(6);
  await clock.advanceGently(4_900);
  assert.equal(sink.code, undefined);
  await clock.advanceGently(200);
  assert.equal(sink.code, 'CLIENT_TIMEOUT');
});

it('ends after the total time, whatever flows', async () => {
  const { client, proxy, clock } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  head(proxy);
  for (let i = 0; i < 61 && sink.code === undefined; i += 1) {
    part(proxy, 'x');
    await clock.advanceGently(1_000);
  }
  assert.equal(sink.code, 'CLIENT_TIMEOUT');
  assert.match(sink.failure?.message ?? '', /60000 ms/);
});

it('gives a second proxy only the time that is left', async () => {
  const { client, proxies, clock } = await network([{}, {}]);
  client.run(request(), new Transcript());
  const first = proxies.find(({ runs }) => runs.length === 1)!;
  await clock.advanceGently(8_000);
  refuse(first, 'no_worker');
  const [run] = proxies.find((one) => one !== first)!.runs as [Tl<'bombyx.runQuery'>];
  assert.equal(run.total_timeout_ms, 51_500);
});

it('refuses more requests than it may have under way', async () => {
  const { client, proxy } = await network([{}], { max_running_requests: 2 });
  const sinks = [new Transcript(), new Transcript(), new Transcript()];
  for (const sink of sinks) client.run(request(), sink);
  await turn();
  assert.deepEqual(
    sinks.map(({ code }) => code),
    [undefined, undefined, 'CLIENT_OVERLOADED'],
  );
  head(proxy);
  last(proxy);
  client.run(request(), sinks[2]!);
  assert.equal(proxy.runs.length, 3);
});

it('gives a proxy that takes no bytes no further request', async () => {
  const { client, proxy } = await network();
  proxy.bufferedBytes = 64 * 1024 * 1024;
  const sink = new Transcript();
  client.run(request(), sink);
  await turn();
  assert.equal(sink.code, 'CLIENT_OVERLOADED');
});

const noProxy = ({ code, failure }: Transcript) => [code, failure?.httpStatus, failure?.retryAfterMs];

it('lets requests wait for a proxy to come back, and gives them to it in their order', async () => {
  const { client, clock, proxy, reconnect } = await network();
  proxy.lose();
  const sinks = [new Transcript(), new Transcript()];
  const ids = sinks.map((sink) => client.run(request(), sink).id);
  await clock.advanceGently(3_000);
  assert.deepEqual(sinks[0]?.events, []);
  await reconnect(proxy);
  await turn();
  assert.deepEqual(
    proxy.runs.map(({ request_id }) => request_id.toString('hex')),
    ids,
  );
  assert.equal((proxy.runs[0] as Tl<'bombyx.runQuery'>).total_timeout_ms, 56_500, 'the wait is part of its time');
  await clock.advanceGently(5_000);
  head(proxy);
  last(proxy);
  assert.deepEqual(sinks[1]?.events, ['head', 'end']);
});

it('refuses with 503 when no proxy came back in time, or within the time for the first byte', async () => {
  const { client, proxy, clock, reconnect } = await network();
  proxy.lose();
  const sinks = [new Transcript(), new Transcript()];
  client.run(request(), sinks[0]!);
  client.run(request({ timeouts: { firstByteMs: 1_000, idleMs: 1_000, totalMs: 60_000 } }), sinks[1]!);
  await clock.advanceGently(1_100);
  assert.deepEqual(noProxy(sinks[1]!), ['CLIENT_NO_PROXY', 503, 1_000]);
  assert.deepEqual(sinks[0]?.events, []);
  await clock.advanceGently(4_000);
  assert.deepEqual(noProxy(sinks[0]!), ['CLIENT_NO_PROXY', 503, 1_000]);
  await reconnect(proxy);
  assert.equal(proxy.runs.length, 0);
  client.run(request(), new Transcript());
  assert.equal(proxy.runs.length, 1);
});

it('refuses at once what would wait as one too many, or where nobody may wait', async () => {
  for (const config of [{ max_waiting_requests: 1 }, { wait_for_proxy_ms: 0 }]) {
    const { client, proxy } = await network([{}], config);
    proxy.lose();
    if ('max_waiting_requests' in config) client.run(request(), new Transcript());
    const sink = new Transcript();
    const running = client.run(request(), sink);
    assert.deepEqual(sink.events, [], 'never from inside run');
    assert.match(running.id, /^[0-9a-f]{64}$/);
    await turn();
    assert.deepEqual(noProxy(sink), ['CLIENT_NO_PROXY', 503, 1_000]);
  }
});

it('sends nothing for a caller that left while it waited, and lets the next one wait in its place', async () => {
  const { client, proxy, clock, reconnect } = await network([{}], { max_waiting_requests: 1 });
  proxy.lose();
  const sink = new Transcript();
  client.run(request(), sink).cancel();
  const next = new Transcript();
  const { id } = client.run(request(), next);
  await clock.advanceGently(1_000);
  await reconnect(proxy);
  await turn();
  assert.deepEqual([sink.events, next.events], [[], []]);
  assert.equal(proxy.runId().toString('hex'), id);
  assert.equal(proxy.runs.length, 1);
});

it('goes on waiting when the proxy that came is lost again at once', async () => {
  const { client, proxy, clock, reconnect } = await network();
  proxy.lose();
  const sink = new Transcript();
  client.run(request(), sink);
  const back = reconnect(proxy);
  proxy.lose();
  await back;
  await turn();
  assert.deepEqual(sink.events, []);
  await reconnect(proxy);
  await turn();
  assert.equal(proxy.runs.length, 1);
  await client[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

it('ends those that wait when it closes', async () => {
  const { client, proxy, clock } = await network();
  proxy.lose();
  const sink = new Transcript();
  client.run(request(), sink);
  await client[Symbol.asyncDispose]();
  await turn();
  assert.equal(sink.code, 'CLIENT_CLOSED');
  assert.equal(clock.pending, 0);
});

it('ends everything when it closes, at the proxy too', async () => {
  const { client, proxy, clock } = await network();
  const sink = new Transcript();
  client.run(request(), sink);
  await client[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  assert.equal(sink.code, 'CLIENT_CLOSED');
  assert.ok(proxy.messages.some(({ kind }) => kind === 'bombyx.cancel'));
  assert.equal(proxy.connected, false);
  assert.equal(clock.pending, 0);
  const late = new Transcript();
  client.run(request(), late);
  await turn();
  assert.equal(late.code, 'CLIENT_CLOSED');
});

it('counts what it did', async () => {
  const { client, proxy } = await network();
  client.run(request(), new Transcript());
  head(proxy, 'abc');
  last(proxy, 'de');
  client.run(request(), new Transcript());
  refuse(proxy, 'bad_request', 400);
  client.run(request(), new Transcript()).cancel();
  const { stats, requests } = client.snapshot();
  assert.deepEqual([stats.queries[0], stats.success[0], stats.failed[0], stats.bytes_sent[0]], [3, 1, 1, 5]);
  assert.deepEqual(requests, { running: 0, retried: 0, errors: { CLIENT_BAD_REQUEST: 1, CLIENT_CANCELLED: 1 } });
  assert.doesNotThrow(() => JSON.stringify(client.snapshot()));
});
