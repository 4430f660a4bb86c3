import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBench, leaks, type Peer, turns } from '../testing/harness.ts';
import {
  BODY,
  head,
  httpRequest,
  httpResponse,
  lastPart,
  newId,
  ourFinal,
  part,
  run,
  someOwner,
  used,
} from '../testing/messages.ts';

/** Ids of the jobs a worker got. */
const jobs = (worker: Peer) => worker.got('bombyx.runJob').map(({ request_id }) => request_id);
const workerError = (id: Buffer, http_status: number, tokens = used(0, 0)) =>
  ({
    kind: 'bombyx.answerError',
    request_id: id,
    error_code: 602,
    reason: 'x',
    message: 'no',
    http_status,
    retry_after_ms: 0,
    flags: 1,
    final_info: ourFinal(tokens),
  }) as const;

describe('a request of version 3', () => {
  it('goes to a worker and its answer comes back part by part, the end after the charge', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const request = run();
    client.tell(request);
    const job = worker.the('bombyx.runJob');
    assert.equal(job.coefficient, 1_000);
    assert.equal(job.max_tokens, 100);
    assert.equal(job.window, 1 << 20);
    assert.notDeepEqual(job.request_id, request.request_id, 'the worker must not see the id of the client');
    worker.tell(head(job.request_id));
    worker.tell(part(job.request_id, 'one '));
    assert.equal(client.the('bombyx.answerPart').data.toString(), 'one ');
    worker.tell(lastPart(job.request_id, 'two', used(10, 20)));
    assert.equal(client.got('bombyx.answerPart').length, 1, 'the end is held until the charge is durable');
    await turns();
    const last = client.got('bombyx.answerPart')[1]!;
    assert.equal(last.data.toString(), 'two');
    assert.equal(last.final_info?.tokens_used.total_tokens_used, 30n);
    assert.deepEqual(last.request_id, request.request_id);
    assert.equal(bench.keeper.used(someOwner(1)), 30n);
    assert.deepEqual(bench.keeper.totals(), { charged: 30n, charges: 1 });
    assert.deepEqual(leaks(bench), []);
  });

  it('can be answered in one message', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    const [id] = jobs(worker);
    const answer = httpResponse(200, Buffer.from('{"usage":1}'));
    worker.tell({ kind: 'bombyx.answerHead', request_id: id!, answer, flags: 1, final_info: ourFinal(used(1, 2)) });
    await turns();
    const whole = client.the('bombyx.answerHead');
    assert.deepEqual(whole.answer, answer, 'passed on byte by byte');
    assert.equal(whole.final_info?.tokens_used.total_tokens_used, 3n);
    assert.deepEqual(leaks(bench), []);
  });

  it('passes receipts and evidence through untouched', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run({ flags: 2, evidence_nonce: Buffer.from('nonce') }));
    const job = worker.the('bombyx.runJob');
    assert.equal(job.evidence_nonce?.toString(), 'nonce');
    worker.tell(head(job.request_id));
    const final = { ...ourFinal(used(1, 1)), flags: 2 | 4 | 8, receipt: Buffer.from('r'), evidence: Buffer.from('e') };
    worker.tell({ ...part(job.request_id, ''), flags: 1, final_info: final });
    await turns();
    const { final_info } = client.the('bombyx.answerPart');
    assert.equal(final_info?.receipt?.toString(), 'r');
    assert.equal(final_info?.evidence?.toString(), 'e');
  });
});

describe('failover', () => {
  it('goes to another worker when the first is lost before its first byte', async () => {
    using bench = createBench();
    const client = await bench.client();
    const workers = [await bench.worker(), await bench.worker()];
    client.tell(run());
    const [first, second] = jobs(workers[0]!).length > 0 ? [workers[0]!, workers[1]!] : [workers[1]!, workers[0]!];
    first.connection.drop();
    const [id] = jobs(second);
    second.tell(head(id!));
    second.tell(lastPart(id!, 'x', used(1, 1)));
    await turns();
    assert.equal(client.the('bombyx.answerPart').data.toString(), 'x');
    assert.equal(client.got('bombyx.answerError').length, 0);
    assert.deepEqual(leaks(bench), []);
  });

  it('ends with the error of the last worker when all were tried', async () => {
    using bench = createBench();
    const client = await bench.client();
    const workers = [await bench.worker(), await bench.worker()];
    client.tell(run());
    for (let round = 0; round < 2; round += 1) {
      for (const worker of workers) for (const id of jobs(worker).slice(0, 1)) worker.tell(workerError(id, 503));
    }
    const error = client.the('bombyx.answerError');
    assert.equal(error.http_status, 503);
    assert.deepEqual(leaks(bench), []);
  });

  it('does not happen for errors that another worker would repeat', async () => {
    using bench = createBench();
    const client = await bench.client();
    const workers = [await bench.worker(), await bench.worker()];
    client.tell(run());
    for (const worker of workers) for (const id of jobs(worker)) worker.tell(workerError(id, 400));
    assert.equal(client.the('bombyx.answerError').http_status, 400);
    assert.equal(jobs(workers[0]!).length + jobs(workers[1]!).length, 1);
  });

  it('bills nothing for an attempt that delivered nothing', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    worker.tell(workerError(jobs(worker)[0]!, 500, used(50, 50)));
    await turns();
    assert.equal(client.the('bombyx.answerError').final_info?.tokens_used.total_tokens_used, 0n);
    assert.equal(bench.keeper.totals().charges, 0);
  });
});

describe('an error in the middle of an answer', () => {
  it('is billed with what the worker counted', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    const [id] = jobs(worker);
    worker.tell(head(id!));
    worker.tell(part(id!, 'half'));
    worker.tell(workerError(id!, 502, used(5, 7)));
    await turns();
    const error = client.the('bombyx.answerError');
    assert.equal(error.final_info?.tokens_used.total_tokens_used, 12n);
    assert.equal(bench.keeper.totals().charged, 12n);
    assert.deepEqual(leaks(bench), []);
  });

  it('comes at once when the worker is lost', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    worker.tell(head(jobs(worker)[0]!));
    worker.connection.drop();
    const error = client.the('bombyx.answerError');
    assert.equal(error.reason, 'worker_lost');
    assert.equal(error.http_status, 502);
    assert.deepEqual(leaks(bench), []);
  });
});

describe('cancel', () => {
  it('stops the worker, and bills what it counted', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const request = run();
    client.tell(request);
    const [id] = jobs(worker);
    worker.tell(head(id!));
    worker.tell(part(id!, 'some'));
    client.tell({ kind: 'bombyx.cancel', request_id: request.request_id });
    assert.deepEqual(worker.the('bombyx.cancel').request_id, id);
    worker.tell(workerError(id!, 499, used(5, 3)));
    await turns();
    assert.equal(bench.keeper.totals().charged, 8n);
    const { reason, final_info } = client.the('bombyx.answerError');
    assert.deepEqual([reason, final_info?.tokens_used.total_tokens_used], ['cancelled', 8n], 'it hears what it pays');
    assert.deepEqual(leaks(bench), []);
  });

  it('happens to all requests of a connection that is gone, queued ones too', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ limit: 1 })];
    client.tell(run());
    client.tell(run());
    worker.tell(head(jobs(worker)[0]!));
    client.connection.drop();
    assert.equal(worker.got('bombyx.cancel').length, 1);
    bench.clock.advance(2_000);
    assert.deepEqual(leaks(bench), []);
    assert.equal(bench.keeper.totals().charges, 0, 'the worker never said what it counted');
  });

  it('before the first byte costs nothing', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const request = run();
    client.tell(request);
    client.tell({ kind: 'bombyx.cancel', request_id: request.request_id });
    assert.equal(worker.got('bombyx.cancel').length, 1);
    assert.deepEqual(leaks(bench), []);
    worker.tell(workerError(jobs(worker)[0]!, 499, used(9, 9)));
    await turns();
    assert.equal(bench.keeper.totals().charges, 0);
  });
});

describe('limits of time', () => {
  it('first byte, idle and total are three limits with three names', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const times = { first_byte_timeout_ms: 1_000, idle_timeout_ms: 500, total_timeout_ms: 3_000 };
    const outcomes = () => client.got('bombyx.answerError').map(({ reason }) => reason);
    client.tell(run(times));
    bench.clock.advance(1_100);
    assert.deepEqual(outcomes(), ['first_byte_timeout']);
    client.tell(run(times));
    worker.tell(head(jobs(worker)[1]!));
    bench.clock.advance(600);
    worker.tell(workerError(jobs(worker)[1]!, 499, used(1, 1)));
    await turns();
    assert.deepEqual(outcomes().slice(1), ['idle_timeout']);
    client.tell(run(times));
    worker.tell(head(jobs(worker)[2]!));
    for (let ms = 0; ms < 3_100; ms += 300) {
      worker.tell(part(jobs(worker)[2]!, '.'));
      bench.clock.advance(300);
    }
    bench.clock.advance(1_500);
    assert.deepEqual(outcomes().slice(2), ['total_timeout']);
    assert.equal(worker.got('bombyx.cancel').length, 3);
    assert.deepEqual(leaks(bench), []);
  });

  it('a slow reader is not taken for a silent worker', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const request = run({ window: 4, idle_timeout_ms: 500 });
    client.tell(request);
    const [id] = jobs(worker);
    worker.tell(head(id!));
    worker.tell(part(id!, '1234'));
    bench.clock.advance(10_000);
    assert.equal(client.got('bombyx.answerError').length, 0);
    client.tell({ kind: 'bombyx.window', request_id: request.request_id, bytes: 4 });
    worker.tell(lastPart(id!, '5678', used(1, 1)));
    await turns();
    assert.equal(client.got('bombyx.answerPart').length, 2);
  });
});

describe('the queue', () => {
  it('holds a request until a place is free', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ limit: 1 })];
    client.tell(run());
    client.tell(run());
    assert.equal(jobs(worker).length, 1);
    worker.tell(head(jobs(worker)[0]!));
    worker.tell(lastPart(jobs(worker)[0]!, 'x', used(1, 1)));
    assert.equal(jobs(worker).length, 2);
  });

  it('has a deadline, and says so', async () => {
    using bench = createBench({ limits: { queueMs: 1_000 } });
    const [client] = [await bench.client(), await bench.worker({ limit: 1 })];
    client.tell(run());
    client.tell(run());
    bench.clock.advance(1_100);
    const error = client.the('bombyx.answerError');
    assert.equal(error.reason, 'queue_timeout');
    assert.equal(error.http_status, 503);
    assert.ok(error.retry_after_ms > 0);
  });

  it('is fair between clients', async () => {
    using bench = createBench();
    const worker = await bench.worker({ limit: 1 });
    const [greedy, modest] = [await bench.client({ owner: someOwner(1) }), await bench.client({ owner: someOwner(2) })];
    for (let i = 0; i < 10; i += 1) greedy.tell(run());
    modest.tell(run());
    for (let i = 0; i < 3; i += 1) {
      const id = jobs(worker).at(-1)!;
      worker.tell(head(id));
      worker.tell(lastPart(id, 'x', used(1, 1)));
    }
    await turns();
    assert.equal(modest.got('bombyx.answerPart').length, 1);
  });

  it('waits for the worker of a model that was served before', async () => {
    using bench = createBench();
    const client = await bench.client();
    (await bench.worker()).connection.drop();
    client.tell(run());
    const back = await bench.worker();
    assert.equal(jobs(back).length, 1);
  });

  it('is full at its bound', async () => {
    using bench = createBench({ limits: { queuePerModel: 2 } });
    const [client] = [await bench.client(), await bench.worker({ limit: 1 })];
    for (let i = 0; i < 4; i += 1) client.tell(run());
    assert.equal(client.the('bombyx.answerError').reason, 'queue_full');
  });
});

describe('admission', () => {
  const cases: [string, Parameters<typeof run>[0], string, number][] = [
    ['an unknown model', { model_name: 'no/such' }, 'unknown_model', 404],
    ['a price ceiling below every worker', { max_coefficient: 999 }, 'price_above_ceiling', 409],
    ['a newer root version than ours', { min_config_version: 99 }, 'config_too_old', 503],
    ['a query that is no http.request', { query: Buffer.from('hello') }, 'bad_request', 400],
    ['a body that is no JSON', { query: httpRequest('{"a":') }, 'bad_request', 400],
    [
      'a body that asks for more than was claimed',
      { query: httpRequest({ ...BODY, max_tokens: 101 }) },
      'max_tokens_exceeded',
      400,
    ],
    ['many answers, claimed as one', { query: httpRequest({ ...BODY, n: 2 }) }, 'max_tokens_exceeded', 400],
    ['negative max_tokens', { max_tokens: -1 }, 'bad_request', 400],
    ['negative max_coefficient', { max_coefficient: -1 }, 'bad_request', 400],
    ['a negative timeout', { total_timeout_ms: -5 }, 'bad_request', 400],
    ['a negative window', { window: -1 }, 'bad_request', 400],
    ['more than the balance', { max_tokens: 0x7fff_ffff, max_coefficient: 0x7fff_ffff }, 'balance_too_low', 402],
  ];
  for (const [name, over, reason, status] of cases) {
    it(`refuses ${name} at once`, async () => {
      using bench = createBench();
      const [client, worker] = [await bench.client(), await bench.worker()];
      client.tell(run(over));
      const error = client.the('bombyx.answerError');
      assert.equal(error.reason, reason);
      assert.equal(error.http_status, status);
      assert.equal(jobs(worker).length, 0);
      assert.deepEqual(leaks(bench), []);
    });
  }

  it('refuses a second request with the id of a running one', async () => {
    using bench = createBench();
    const [client] = [await bench.client(), await bench.worker()];
    const request = run({ request_id: newId() });
    client.tell(request);
    client.tell(request);
    assert.equal(client.the('bombyx.answerError').reason, 'duplicate_request');
  });

  it('bounds what one client may have under way', async () => {
    using bench = createBench({ limits: { requestsPerClient: 3 } });
    const [client] = [await bench.client(), await bench.worker()];
    for (let i = 0; i < 4; i += 1) client.tell(run());
    assert.equal(client.the('bombyx.answerError').http_status, 429);
  });

  it('tells a client that its request is too large for a packet to the worker', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const { TransportError } = await import('@bombyx/transport');
    worker.connection.send = () => {
      throw new TransportError('TRANSPORT_TOO_LARGE', 'too large');
    };
    client.tell(run());
    assert.equal(client.the('bombyx.answerError').http_status, 413);
    assert.deepEqual(leaks(bench), []);
  });
});
