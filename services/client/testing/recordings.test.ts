/** The recorded proxy answers our client: whatever the C++ proxy really said has to lead to the right outcome. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decode, type Tl, type TlFunction, type TlObject } from '@bombyx/wire';
import { network, Transcript } from './network.ts';
import { conversation, type Recorded } from './recordings.ts';

type Run = Tl<'client.runQueryEx'>;
type Message = Extract<Recorded, { kind: 'message' }>;

const isRun = (one: Recorded): one is Message & { object: Run } =>
  one.by === 'client' && one.object.kind === 'client.runQueryEx';
const handshake = (fn: TlFunction) => (fn.kind.startsWith('client.authorize') ? 'client.authorize' : fn.kind);

/** Answers each query as the recorded proxy answered its next one of that kind, and the last one for ever. */
function playback(recorded: readonly Recorded[]): (fn: TlFunction) => TlObject | undefined {
  const answers = new Map<string, TlObject[]>();
  for (const query of recorded) {
    if (query.kind !== 'query') continue;
    const answer = recorded.find((one) => one.kind === 'answer' && one.id === query.id);
    if (answer) answers.set(handshake(query.object), [...(answers.get(handshake(query.object)) ?? []), answer.object]);
  }
  return (fn) => {
    const left = answers.get(handshake(fn));
    return left && left.length > 1 ? left.shift() : left?.[0];
  };
}

for (const name of ['rpc-client.c6', 'rpc-client.c9', 'rpc-client.c14']) {
  it(`shakes hands with the recorded proxy of ${name}`, async () => {
    const recorded = conversation(name);
    const { client, proxy, clock } = await network([{ answer: playback(recorded) }]);
    assert.equal(client.ready, true);
    const theirs = recorded.find(({ object }) => object.kind === 'client.connectToProxy')
      ?.object as Tl<'client.connectToProxy'>;
    assert.deepEqual(proxy.queries[0], { ...theirs, params: { ...theirs.params, max_proto_version: 4 } });
    const [connection] = client.snapshot().proxy_connections;
    assert.equal(connection?.proto_version, 2);
    assert.equal(connection?.proxy_sc_address, 'UQBPkxYfPKgOBMbbi9VQVO2DQz7Wg3w9K5YTsl8x1_KaeZcZ');
    await clock.advanceGently(400_000); // time for the recorded payment states
    const states = recorded.flatMap(({ object }) => (object.kind === 'client.paymentStatus' ? [object] : []));
    const [account] = client.snapshot().proxies;
    assert.ok(states.length > 0);
    assert.equal(account?.tokens_used_proxy_committed_to_db, Number(states.at(-1)?.db_tokens));
    assert.equal(account?.tokens_used_proxy_max, Number(states.at(-1)?.max_tokens));
    if (name !== 'rpc-client.c6')
      assert.ok((account?.tokens_signed ?? 0) > 0, 'the recorded signature holds for our contract address');
  });
}

it('gets every recorded request answered as the C++ proxy answered it', async () => {
  const recorded = conversation('rpc-client.c6');
  const { client, proxy } = await network([{ answer: playback(recorded) }]);
  const outcomes: string[] = [];
  for (const run of recorded.filter(isRun)) {
    const asked = decode(run.object.query) as Tl<'http.request'>;
    const sink = new Transcript();
    const running = client.run(
      {
        model: run.object.model_name,
        method: asked.method,
        path: asked.url,
        headers: asked.headers.map(({ name, value }) => [name, value] as const),
        body: asked.payload,
        maxTokens: run.object.max_tokens,
        maxCoefficient: run.object.max_coefficient,
        timeouts: { firstByteMs: 60_000, idleMs: 60_000, totalMs: 120_000 },
        enableDebug: run.object.enable_debug ?? false,
      },
      sink,
    );
    const ours = proxy.runs.at(-1) as Run;
    assert.deepEqual({ ...ours, request_id: 0, query: 0 }, { ...run.object, request_id: 0, query: 0 });
    assert.deepEqual((decode(ours.query) as Tl<'http.request'>).payload, asked.payload);

    let body = '';
    for (const one of recorded) {
      if (one.kind !== 'message' || one.by !== 'proxy' || !('request_id' in one.object)) continue;
      if (!one.object.request_id.equals(run.object.request_id)) continue;
      proxy.say({ ...one.object, request_id: ours.request_id } as TlObject);
      if (typeof one.json.answer === 'string') body += one.json.answer;
      const total = one.json.final_info?.tokens_used.total_tokens_used;
      if (total !== undefined && sink.final) assert.equal(String(sink.final.tokens.total), total);
    }
    running.consumed(sink.body.length);
    assert.equal(sink.body, Buffer.from(body).toString('latin1'));
    assert.ok(!sink.headers.some(([header]) => /^(connection|transfer-encoding)$/i.test(header)));
    outcomes.push(sink.failure ? sink.failure.code : `${sink.status} ${sink.events.at(-1)}`);
  }
  const whole = '200 end';
  const unknown = 'CLIENT_UNKNOWN_MODEL';
  assert.deepEqual(outcomes, [whole, whole, whole, whole, unknown, whole, whole, 'CLIENT_BAD_REQUEST']);
  const { usage_checks, requests, proxies } = client.snapshot();
  assert.equal(usage_checks.disagreements, 0, JSON.stringify(usage_checks.latest));
  assert.equal(requests.running, 0);
  const last = recorded.findLast(({ object }) => object.kind === 'proxy.clientRequestPayment')
    ?.object as Tl<'proxy.clientRequestPayment'>;
  assert.equal(proxies[0]?.tokens_used_proxy_max, Number(last.max_tokens));
});
