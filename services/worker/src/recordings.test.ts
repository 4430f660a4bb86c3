/** What the C++ proxy said to the C++ worker, said to ours: it must give the answers the protocol demands. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { decodeOf, type Tl, type TlObject } from '@bombyx/wire';
import { event, json, lastEvents, type SeenRequest, usage } from '../testing/backend.ts';
import type { Replies } from '../testing/fake-proxy.ts';
import { loadRecording, type Recording } from '../testing/recordings.ts';
import { Rig } from '../testing/rig.ts';

const MODEL = 'Qwen/Qwen3-8B';

/** The mock server of the recordings: `[[plain=32]]`, `[[chunks=3 delay_ms=100]]`, `nd=1` for bare JSON lines. */
function mockServer({ body }: SeenRequest, response: ServerResponse): void {
  const chunks = Number(/chunks=(\d+)/.exec(body)?.[1] ?? 0);
  if (chunks === 0) {
    json(response, { choices: [{ index: 0, message: { content: 'xxxxx' } }], usage: usage(34, 9) });
    return;
  }
  const bare = body.includes('nd=1');
  const line = (events: string) =>
    bare ? events.replaceAll('data: ', '').replaceAll('\n\n', '\n').replace('[DONE]\n', '') : events;
  response.writeHead(200, { 'content-type': bare ? 'application/json' : 'text/event-stream' });
  for (let i = 0; i < chunks; i += 1) response.write(line(event('xxxxx')));
  response.end(line(lastEvents(34, chunks)));
}

/** Answers each query as the recording did, in the order of each kind. */
function recordedReplies({ queries }: Recording): Replies {
  const left = [...queries];
  return (fn) => {
    const at = left.findIndex((exchange) => exchange.fn.kind === fn.kind);
    if (at < 0) throw new Error(`the recording has no further ${fn.kind}`);
    return left.splice(at, 1)[0]!.answer;
  };
}

type Request = Tl<'proxy.runQueryEx'>;
const isRequest = (message: TlObject): message is Request => message.kind === 'proxy.runQueryEx';

/** The recorded final_info of each request, by its id. */
function recordedFinals({ fromWorker }: Recording): Map<string, Tl<'proxy.queryFinalInfo'>> {
  const finals = new Map<string, Tl<'proxy.queryFinalInfo'>>();
  for (const message of fromWorker) {
    if ('final_info' in message && message.final_info?.kind === 'proxy.queryFinalInfo') {
      finals.set((message as Tl<'proxy.queryAnswerEx'>).request_id.toString('hex'), message.final_info);
    }
  }
  return finals;
}

describe('the recorded conversation rpc-worker.c5', () => {
  const recording = loadRecording('rpc-worker.c5');

  it('opens with the same queries; only the newest version offered differs', async () => {
    await using rig = await Rig.ready(mockServer, { replies: recordedReplies(recording), ...options(recording) });
    const [connect, compare, complete] = rig.connection.asked;
    const [theirConnect, theirCompare, theirComplete] = recording.queries.map(({ fn }) => fn);
    assert.ok(connect?.kind === 'worker.connectToProxy' && theirConnect?.kind === 'worker.connectToProxy');
    assert.equal(connect.params.max_proto_version, 3);
    assert.equal(theirConnect.params.max_proto_version, 2);
    const { model } = theirConnect.params;
    const { coefficient } = connect.params; // set by hand in between
    assert.deepEqual(
      { ...connect.params, model, coefficient, max_proto_version: 2 },
      { ...theirConnect.params, coefficient },
    );
    assert.equal(compare?.kind, theirCompare?.kind);
    assert.deepEqual(complete, theirComplete);
    assert.equal(rig.session.agreed?.version, 2);
    const theirs = recording.queries[0]!.answer;
    assert.ok(theirs.kind === 'worker.connectedToProxy');
    assert.equal(rig.session.agreed?.proxyContract, theirs.params.proxy_sc_address);
  });

  it('gets an answer to each request, whole and billed, and to each payment the same belief', async () => {
    await using rig = await Rig.ready(mockServer, { replies: recordedReplies(recording), ...options(recording) });
    const finals = recordedFinals(recording);
    let requests = 0;
    for (const message of recording.fromProxy) {
      if (!isRequest(message)) {
        rig.session.onMessage(message);
        continue;
      }
      requests += 1;
      if (!rig.coefficients.accepts(message.coefficient)) rig.coefficients.change(Number(message.coefficient));
      const got = await rig.run(message);
      assert.equal(got.head?.status_code, 200);
      assert.equal(got.error, undefined);
      const theirs = finals.get(message.request_id.toString('hex'))?.tokens_used;
      assert.ok(theirs && got.tokens);
      const body = decodeOf('http.request', message.query).payload.toString();
      const unbilled = theirs.total_tokens_used === 0n; // SSE, or an option the C++ worker refused
      const price = Number(message.coefficient) / 1_000;
      const completion = Number(/chunks=(\d+)/.exec(body)?.[1] ?? 9);
      assert.deepEqual(got.tokens, [34 * price, 0, completion * price, 0, (34 + completion) * price]);
      if (!unbilled) assert.equal(got.tokens[4], Number(theirs.total_tokens_used));
      const last = rig.connection.sent.at(-1);
      assert.ok(last && 'final_info' in last && last.final_info?.kind === 'proxy.queryFinalInfo');
      assert.equal((last.final_info.flags & 1) === 1, message.enable_debug === true);
    }
    assert.equal(requests, recording.fromProxy.filter(isRequest).length);
    const payments = recording.fromProxy.filter((one) => one.kind === 'proxy.workerRequestPayment');
    const highest = payments.map((one) => one.max_tokens).sort((a, b) => Number(b - a))[0] ?? 0n;
    assert.ok(rig.memory.accounts[0]!.totals.max >= highest);
    assert.equal(rig.connection.signal.aborted, false);
  });

  it('and after the proxy was killed the next one, rpc-worker.c15, opens with the recorded claims', async () => {
    const next = loadRecording('rpc-worker.c15');
    await using before = await Rig.ready(mockServer, { replies: recordedReplies(recording), ...options(recording) });
    for (const message of recording.fromProxy) if (!isRequest(message)) before.session.onMessage(message);
    const [account] = before.memory.accounts;
    for (const { answer } of recording.queries) {
      if (answer.kind !== 'worker.paymentStatus') continue;
      account?.offer(answer.signed_payment);
      account?.offerTotals(answer.db_tokens, answer.max_tokens);
    }
    const replies = recordedReplies(next);
    await using rig = await Rig.ready(mockServer, { replies, memory: before.memory, ...options(next) });
    assert.deepEqual(rig.connection.asked[1], next.queries[1]?.fn);
    assert.ok(rig.session.ready);
    assert.equal(rig.session.agreed?.lostTokens, 0n);
  });
});

/** The model text and limits that the C++ worker was configured with. */
function options({ queries }: Recording) {
  const connect = queries[0]?.fn;
  assert.ok(connect?.kind === 'worker.connectToProxy');
  return { model: MODEL, maxActive: connect.params.max_active_requests ?? 0 };
}
