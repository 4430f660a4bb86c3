import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeOf } from '@bombyx/wire';
import { createBench, leaks, type Peer, turns } from '../testing/harness.ts';
import {
  BODY,
  head,
  httpRequest,
  httpResponse,
  lastPart,
  part,
  run,
  runEx,
  someOwner,
  theirFinal,
  used,
} from '../testing/messages.ts';

const exHead = (request_id: Buffer, status = 200) =>
  ({ kind: 'proxy.queryAnswerEx', request_id, answer: httpResponse(status), flags: 0 }) as const;
const exPart = (request_id: Buffer, text: string) =>
  ({ kind: 'proxy.queryAnswerPartEx', request_id, answer: Buffer.from(text), flags: 0 }) as const;
const exLast = (request_id: Buffer, text: string, tokens = used(34, 9)) =>
  ({
    kind: 'proxy.queryAnswerPartEx',
    request_id,
    answer: Buffer.from(text),
    flags: 1,
    final_info: theirFinal(tokens),
  }) as const;
const jobEx = (worker: Peer) => worker.the('proxy.runQueryEx');

describe('a client and a worker of version 2, as the C++ programs are', () => {
  it('talk through the proxy in their own objects', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker({ version: 2 })];
    const request = runEx({ enable_debug: true });
    client.tell(request);
    const job = jobEx(worker);
    assert.equal(job.coefficient, 1_000n);
    assert.ok(Math.abs(job.timeout - 114 * 0.95) < 0.01);
    assert.equal(job.signed_payment.kind, 'proxy.signedPayment', 'an empty payment would be a break of the handshake');
    worker.tell(exHead(job.request_id));
    const first = client.the('client.queryAnswerEx');
    const names = decodeOf('http.response', first.answer).headers.map(({ name }) => name);
    assert.deepEqual(names, ['X-Cocoon-Proxy-Start', 'X-Cocoon-Proxy-End']);
    worker.tell(exPart(job.request_id, 'a'));
    worker.tell({
      ...exLast(job.request_id, 'b'),
      final_info: { ...theirFinal(used(34, 9)), flags: 3, worker_debug: '{"type":"worker_stats"}' },
    });
    await turns();
    const [, last] = client.got('client.queryAnswerPartEx');
    assert.equal(last!.answer.toString(), 'b');
    assert.equal(last!.final_info!.flags, 3);
    assert.equal(last!.final_info!.worker_debug, '{"type":"worker_stats"}');
    assert.equal(JSON.parse(last!.final_info!.proxy_debug!).type, 'proxy_stats');
    assert.equal(last!.final_info!.worker_start_time, 1);
    const paid = client.the('proxy.clientRequestPayment');
    assert.deepEqual([paid.request_tokens, paid.max_tokens, paid.db_tokens], [43n, 43n, 43n]);
    const earned = worker.the('proxy.workerRequestPayment');
    assert.deepEqual([earned.request_tokens, earned.max_tokens, earned.db_tokens], [43n, 43n, 43n]);
    assert.equal(earned.request_client_owner, '', 'a worker never learns who pays');
    assert.deepEqual(leaks(bench), []);
  });

  it('may mix with version 3 on the other side', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 3 }), await bench.worker({ version: 1 })];
    client.tell(run());
    worker.tell(exHead(jobEx(worker).request_id));
    worker.tell(exLast(jobEx(worker).request_id, 'x'));
    await turns();
    assert.equal(client.the('bombyx.answerPart').final_info?.tokens_used.total_tokens_used, 43n);
  });

  it('version 1 gets no times, version 0 its own objects', async () => {
    using bench = createBench();
    const worker = await bench.worker({ version: 3 });
    const client = await bench.client({ version: 1 });
    client.tell(runEx());
    const { request_id } = worker.the('bombyx.runJob');
    worker.tell(head(request_id));
    worker.tell(lastPart(request_id, 'x', used(1, 1)));
    await turns();
    assert.equal(client.the('client.queryAnswerPartEx').final_info!.flags, 0);
    const oldest = await bench.client({ version: 0, owner: someOwner(2) });
    const { kind: _, flags: __, enable_debug: ___, ...fields } = runEx();
    oldest.tell({ kind: 'client.runQuery', ...fields });
    const second = worker.got('bombyx.runJob')[1]!.request_id;
    worker.tell(head(second));
    worker.tell(lastPart(second, 'x', used(1, 1)));
    await turns();
    assert.equal(oldest.the('client.queryAnswer').is_completed, false);
    const last = oldest.the('client.queryAnswerPart');
    assert.equal(last.is_completed, true);
    assert.equal(last.request_tokens_used.total_tokens_used, 2n);
  });

  it('a worker of version 0 is understood', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ version: 0 })];
    client.tell(run());
    const { request_id } = worker.the('proxy.runQuery');
    worker.tell({
      kind: 'proxy.queryAnswer',
      answer: httpResponse(),
      is_completed: false,
      request_id,
      tokens_used: used(0, 0),
    });
    worker.tell({
      kind: 'proxy.queryAnswerPart',
      answer: Buffer.from('x'),
      is_completed: true,
      request_id,
      tokens_used: used(2, 3),
    });
    await turns();
    assert.equal(client.the('bombyx.answerPart').final_info?.tokens_used.total_tokens_used, 5n);
    assert.deepEqual(leaks(bench), []);
  });
});

describe('errors towards C++ clients', () => {
  it('before the first answer are ordinary HTTP answers with final_info', async () => {
    using bench = createBench();
    const [client] = [await bench.client({ version: 2 }), await bench.worker()];
    client.tell(runEx({ model_name: 'no/such' }));
    const answer = client.the('client.queryAnswerEx');
    assert.equal(answer.flags, 1);
    assert.equal(answer.final_info?.flags, 2);
    const response = decodeOf('http.response', answer.answer);
    assert.equal(response.status_code, 404);
    const body = JSON.parse(response.payload.toString());
    assert.equal(body.error.code, 'unknown_model');
    assert.match(body.error.message, /no\/such/);
    const kinds = client.connection.sent.map(({ kind }) => kind as string);
    assert.ok(!kinds.some((kind) => /queryAnswer(Part)?Error/.test(kind)), 'the legacy objects hang the C++ client');
  });

  it('after the first answer are error objects with final_info', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker({ version: 2 })];
    client.tell(runEx());
    worker.tell(exHead(jobEx(worker).request_id));
    worker.connection.drop();
    const error = client.the('client.queryAnswerErrorEx');
    assert.equal(error.flags, 1);
    assert.equal(error.final_info?.flags, 2);
    assert.deepEqual(leaks(bench), []);
  });

  it('of the worker keep their code and their text', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker({ version: 2 })];
    client.tell(runEx());
    const { request_id } = jobEx(worker);
    const error = "worker: invalid http request: unknown option 'user' in request";
    worker.tell({
      kind: 'proxy.queryAnswerErrorEx',
      request_id,
      error_code: 621,
      error,
      flags: 1,
      final_info: theirFinal(used(0, 0)),
    });
    const response = decodeOf('http.response', client.the('client.queryAnswerEx').answer);
    assert.equal(response.status_code, 400);
    const body = JSON.parse(response.payload.toString());
    assert.deepEqual([body.error.cocoon_code, body.error.message], [621, error]);
  });
});

describe('workers that cannot be stopped', () => {
  it('keep their place until they are through, and are paid for the share that was delivered', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ version: 2, limit: 1 })];
    const request = run();
    client.tell(request);
    const { request_id } = jobEx(worker);
    worker.tell(exHead(request_id));
    worker.tell(exPart(request_id, '12345'));
    client.tell({ kind: 'bombyx.cancel', request_id: request.request_id });
    client.tell(run());
    assert.equal(worker.got('proxy.runQueryEx').length, 1, 'its only place is taken');
    worker.tell(exPart(request_id, '67890'));
    worker.tell(exLast(request_id, '', used(10, 20)));
    await turns();
    assert.equal(bench.keeper.totals().charged, 20n, 'the prompt, and half of the answer');
    assert.equal(worker.got('proxy.runQueryEx').length, 2);
  });

  it('given up before the first byte, they keep the place as well', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ version: 2, limit: 1 })];
    const request = run();
    client.tell(request);
    client.tell({ kind: 'bombyx.cancel', request_id: request.request_id });
    client.tell(run());
    const [first, ...others] = worker.got('proxy.runQueryEx');
    assert.equal(others.length, 0);
    worker.tell(exHead(first!.request_id));
    worker.tell(exLast(first!.request_id, ''));
    assert.equal(worker.got('proxy.runQueryEx').length, 2);
    await turns();
    assert.equal(bench.keeper.totals().charges, 0);
  });
});

describe('claims of older clients', () => {
  it('reserve for all the answers their body asks for, because they cannot claim that', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker()];
    client.tell(runEx({ query: httpRequest({ ...BODY, n: 3 }) }));
    const { reserved } = bench.core.sources.parties.serving!.instance.accounts.client(someOwner(1))!;
    assert.ok(reserved >= 300n * 4n, `${reserved}`);
    assert.equal(worker.got('bombyx.runJob').length, 1);
    client.tell(runEx({ query: httpRequest({ ...BODY, max_tokens: 500 }) }));
    assert.equal(decodeOf('http.response', client.the('client.queryAnswerEx').answer).status_code, 400);
  });
});

describe('flow control', () => {
  it('grants pass from client to worker, and nothing waits in between', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const request = run({ window: 10 });
    client.tell(request);
    const job = worker.the('bombyx.runJob');
    assert.equal(job.window, 10);
    worker.tell(head(job.request_id));
    worker.tell(part(job.request_id, '0123456789'));
    assert.equal(worker.got('bombyx.window').length, 0);
    client.tell({ kind: 'bombyx.window', request_id: request.request_id, bytes: 25 });
    assert.equal(worker.the('bombyx.window').bytes, 25);
    assert.deepEqual(worker.the('bombyx.window').request_id, job.request_id);
    assert.equal(bench.core.sessions.dispatcher.bufferedBytes, 0);
  });

  it('never grants a worker more than our own window', async () => {
    using bench = createBench({ limits: { window: 100 } });
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run({ window: 0x7fff_ffff }));
    const job = worker.the('bombyx.runJob');
    assert.equal(job.window, 100);
    worker.tell(head(job.request_id));
    let credit = job.window;
    for (let i = 0; i < 50; i += 1) {
      worker.tell(part(job.request_id, Buffer.alloc(Math.min(30, credit))));
      credit -= Math.min(30, credit);
      credit += worker.connection.sent
        .splice(0)
        .reduce((sum, it) => sum + (it.kind === 'bombyx.window' ? it.bytes : 0), 0);
      assert.ok(credit <= 100 && credit > 0, `${credit}`);
    }
  });

  it('a worker that sends more than its window fails that request only', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run({ window: 4 }));
    const job = worker.the('bombyx.runJob');
    worker.tell(head(job.request_id));
    worker.tell(part(job.request_id, '12345'));
    assert.equal(client.the('bombyx.answerError').reason, 'worker_protocol');
    assert.equal(worker.connection.signal.aborted, false);
    assert.deepEqual(leaks(bench), []);
  });

  it('an old worker that outruns its reader is buffered up to a bound, then the request fails', async () => {
    using bench = createBench({ limits: { bufferPerRequest: 100 } });
    const [client, worker] = [await bench.client(), await bench.worker({ version: 2 })];
    const request = run({ window: 10 });
    client.tell(request);
    const { request_id } = jobEx(worker);
    worker.tell(exHead(request_id));
    worker.tell(exPart(request_id, 'x'.repeat(60)));
    assert.equal(client.the('bombyx.answerPart').data.length, 10);
    client.tell({ kind: 'bombyx.window', request_id: request.request_id, bytes: 20 });
    assert.equal(client.got('bombyx.answerPart')[1]!.data.length, 20);
    worker.tell(exPart(request_id, 'x'.repeat(80)));
    worker.tell(exLast(request_id, '', used(1, 130)));
    bench.clock.advance(2_000);
    await turns();
    assert.equal(client.the('bombyx.answerError').reason, 'slow_reader');
    assert.equal(bench.core.sessions.dispatcher.bufferedBytes, 0);
    assert.deepEqual(leaks(bench), []);
  });

  it('the end of a buffered answer waits for the reader, and the worker does not', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ version: 2, limit: 1 })];
    const request = run({ window: 3 });
    client.tell(request);
    const { request_id } = jobEx(worker);
    worker.tell(exHead(request_id));
    worker.tell(exLast(request_id, '123456789', used(1, 1)));
    client.tell(run());
    assert.equal(worker.got('proxy.runQueryEx').length, 2, 'the place is free');
    await turns();
    assert.equal(bench.keeper.totals().charges, 0);
    for (let i = 0; i < 2; i += 1) client.tell({ kind: 'bombyx.window', request_id: request.request_id, bytes: 3 });
    await turns();
    const parts = client.got('bombyx.answerPart');
    assert.equal(Buffer.concat(parts.map(({ data }) => data)).toString(), '123456789');
    assert.equal(parts.at(-1)!.flags, 1);
    assert.equal(bench.keeper.totals().charges, 1);
  });

  it('a full connection of an old client brakes a new worker', async () => {
    using bench = createBench({ limits: { window: 100 } });
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker()];
    client.tell(runEx());
    const { request_id } = worker.the('bombyx.runJob');
    worker.tell(head(request_id));
    client.connection.full = true;
    worker.tell(part(request_id, Buffer.alloc(40)));
    worker.tell(part(request_id, Buffer.alloc(60)));
    assert.equal(client.got('client.queryAnswerPartEx').length, 1, 'the second waits');
    const before = worker.got('bombyx.window').length;
    client.connection.drain();
    await turns();
    assert.equal(client.got('client.queryAnswerPartEx').length, 2);
    assert.ok(worker.got('bombyx.window').length > before);
  });
});
