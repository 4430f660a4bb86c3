/** The flaws that the specification of the reference lists (proxy.md, "Hazards"), each by its number: ours has none. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { systemClock } from '@bombyx/base';
import { createBench, leaks, TestKeeper, turns } from '../testing/harness.ts';
import {
  BODY,
  connectClient,
  connectWorker,
  head,
  httpRequest,
  httpResponse,
  lastPart,
  ourFinal,
  part,
  run,
  runEx,
  someOwner,
  theirFinal,
  used,
} from '../testing/messages.ts';

const claim = (chain: bigint, db: bigint, max: bigint) =>
  ({
    kind: 'worker.compareBalanceWithProxy',
    tokens_committed_to_blockchain: chain,
    tokens_committed_to_db: db,
    max_tokens: max,
  }) as const;

it('hazard 1: a worker that claims too many committed tokens is heard and not believed', async () => {
  using bench = createBench();
  const worker = bench.workerPeer();
  await worker.ask(connectWorker({}));
  const result = await worker.ask(claim(1n << 60n, 1n << 60n, 0n));
  assert.ok(result.kind === 'worker.compareBalanceWithProxyResult');
  assert.deepEqual([result.error_code, result.max_tokens, result.tokens_committed_to_db], [0, 0n, 0n]);
  assert.equal(result.signed_payment.kind, 'proxy.signedPayment');
  await worker.ask({ kind: 'worker.proxyHandshakeComplete', is_disabled: false });
  assert.equal(worker.connection.signal.aborted, false);
});

for (const [what, answer] of [
  ['a first answer that is no http.response', { kind: 'bombyx.answerHead', answer: Buffer.from('hello'), flags: 0 }],
  ['a status outside HTTP', { kind: 'bombyx.answerHead', answer: httpResponse(999_999), flags: 0 }],
  ['a part before the answer', { kind: 'bombyx.answerPart', data: Buffer.from('x'), flags: 0 }],
] as const) {
  it(`hazard 1: ${what} fails its request and nothing else`, async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    client.tell(run());
    const [bad, good] = worker.got('bombyx.runJob').map(({ request_id }) => request_id);
    worker.tell({ ...answer, request_id: bad! });
    assert.equal(client.the('bombyx.answerError').reason, 'worker_protocol');
    worker.tell(head(good!));
    worker.tell(lastPart(good!, 'x', used(1, 1)));
    await turns();
    assert.equal(client.the('bombyx.answerPart').flags, 1);
    assert.deepEqual(leaks(bench), []);
  });
}

it('hazard 1: a second first answer fails its request', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker()];
  client.tell(run());
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(head(request_id));
  assert.equal(client.the('bombyx.answerError').reason, 'worker_protocol');
  assert.match(client.the('bombyx.answerError').message, /out of order answer parts/);
  assert.deepEqual(leaks(bench), []);
});

it('hazard 1: an error object without final_info is an error with zero tokens', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker({ version: 2 })];
  client.tell(run());
  const { request_id } = worker.the('proxy.runQueryEx');
  worker.tell({ kind: 'proxy.queryAnswerEx', request_id, answer: httpResponse(), flags: 0 });
  worker.tell({ kind: 'proxy.queryAnswerErrorEx', request_id, error_code: 652, error: 'worker: timeout', flags: 0 });
  await turns();
  const error = client.the('bombyx.answerError');
  assert.deepEqual([error.http_status, error.final_info?.tokens_used.total_tokens_used], [504, 0n]);
});

for (const [field, over] of [
  ['max_tokens', { max_tokens: -1_000_000 }],
  ['max_coefficient', { max_coefficient: -4_000 }],
] as const) {
  it(`hazard 2: a negative ${field} gives no credit`, async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker()];
    const { accounts } = bench.core.sources.parties.serving!.instance;
    const before = accounts.available(someOwner(1));
    client.tell(runEx(over));
    assert.equal(accounts.available(someOwner(1)), before);
    assert.equal(worker.got('bombyx.runJob').length, 0);
    assert.equal(client.got('client.queryAnswerEx').length, 1);
  });
}

it('hazard 3: the reservation holds the multipliers, and caps what is charged', async () => {
  using bench = createBench({
    root: { multipliers: { prompt: 10_000, cached: 10_000, completion: 40_000, reasoning: 40_000 } },
  });
  const [client, worker] = [await bench.client(), await bench.worker()];
  const query = httpRequest(BODY);
  client.tell(run({ query, max_coefficient: 1_000 }));
  const { reserved } = bench.core.sources.parties.serving!.instance.accounts.client(someOwner(1))!;
  assert.equal(reserved, BigInt(100 + query.length) * 4n);
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, 'x', used(1, 1_000_000_000)));
  await turns();
  const { tokens_used } = client.the('bombyx.answerPart').final_info!;
  assert.equal(tokens_used.total_tokens_used, reserved);
  assert.equal(tokens_used.prompt_tokens_used + tokens_used.completion_tokens_used, reserved);
  assert.equal(bench.keeper.totals().charged, reserved);
});

it('hazard 3: negative token numbers of a worker fail the request and are charged to nobody', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker()];
  client.tell(run());
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, 'x', { ...used(1, 1), completion_tokens_used: -5n }));
  await turns();
  assert.equal(client.the('bombyx.answerError').reason, 'worker_protocol');
  assert.equal(bench.keeper.totals().charges, 0);
  assert.deepEqual(leaks(bench), []);
});

for (const timeout of [Number.NaN, -1, 0, Number.NEGATIVE_INFINITY]) {
  it(`hazard 4: a timeout of ${timeout} is refused`, async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker()];
    client.tell(runEx({ timeout }));
    assert.equal(client.got('client.queryAnswerEx').length, 1);
    assert.equal(worker.got('bombyx.runJob').length, 0);
  });
}

for (const timeout of [1e300, Number.POSITIVE_INFINITY]) {
  it(`hazard 4: a timeout of ${timeout} is cut to our own`, async () => {
    using bench = createBench({ limits: { totalMs: 10_000 } });
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker()];
    client.tell(runEx({ timeout }));
    assert.ok(worker.the('bombyx.runJob').total_timeout_ms <= 10_000);
    bench.clock.advance(10_100);
    assert.equal(client.got('client.queryAnswerEx').length, 1);
  });
}

it('hazard 6: what a client may spend is the same after a restart, less what it used', async () => {
  const clock = createBench().clock;
  const keeper = new TestKeeper({ path: ':memory:' }, { clock });
  const first = createBench({ keeper });
  const [client, worker] = [await first.client(), await first.worker()];
  const before = first.core.sources.parties.serving!.instance.accounts.available(someOwner(1));
  client.tell(run());
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, 'x', used(10, 10)));
  await turns();
  using second = createBench({ keeper });
  await second.client();
  assert.equal(second.core.sources.parties.serving!.instance.accounts.available(someOwner(1)), before - 20n);
});

it('hazard 8: the extended compare comes to its end, and the worker works', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), bench.workerPeer()];
  await worker.ask(connectWorker({}));
  const result = await worker.ask(claim(0n, 0n, 500n));
  assert.ok(result.kind === 'worker.compareBalanceWithProxyResult');
  assert.equal(result.error_code, 1, 'agreeing with a lower maximum would abort a C++ worker');
  const other = Buffer.alloc(0);
  const extended = await worker.ask({
    kind: 'worker.extendedCompareBalanceWithProxy',
    tokens_committed_to_db: 0n,
    other,
  });
  assert.deepEqual(extended, { kind: 'worker.extendedCompareBalanceWithProxyResult', error_code: 0 });
  await worker.ask({ kind: 'worker.proxyHandshakeComplete', is_disabled: false });
  await turns();
  client.tell(run());
  assert.equal(worker.got('bombyx.runJob').length, 1);
});

it('hazard 9: no failed check of admission leaks a reservation or a counter', async () => {
  using bench = createBench({ limits: { queuePerModel: 0 } });
  const client = await bench.client();
  const worker = await bench.worker({ limit: 1, coefficient: 2_000 });
  client.tell(run());
  for (const over of [
    {},
    { max_coefficient: 1 },
    { model_name: 'x' },
    { query: Buffer.alloc(3) },
    { max_tokens: 0x7fff_ffff, max_coefficient: 0x7fff_ffff },
  ]) {
    client.tell(run(over));
  }
  assert.equal(client.got('bombyx.answerError').length, 5);
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, '', used(0, 0)));
  await turns();
  assert.deepEqual(leaks(bench), []);
  assert.equal(client.got('bombyx.answerPart').length, 1);
});

it('hazard 9: a client that goes in the middle of its admission leaks nothing', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker({ version: 3 })];
  client.tell(run());
  client.connection.drop();
  worker.connection.drop();
  assert.deepEqual(leaks(bench), []);
});

it('hazard 11: a lost worker fails its requests at once, a cancel reaches the worker, errors are paid', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker({ limit: 2 })];
  client.tell(run());
  const cancelled = run();
  client.tell(cancelled);
  const [first, second] = worker.got('bombyx.runJob').map(({ request_id }) => request_id);
  worker.tell(head(first!));
  worker.tell(head(second!));
  client.tell({ kind: 'bombyx.cancel', request_id: cancelled.request_id });
  assert.deepEqual(worker.the('bombyx.cancel').request_id, second);
  const final_info = ourFinal(used(3, 4));
  const error = { error_code: 653, reason: 'cancelled', message: '', http_status: 499, retry_after_ms: 0 };
  worker.tell({ kind: 'bombyx.answerError', request_id: second!, ...error, flags: 1, final_info });
  await turns();
  assert.equal(bench.keeper.earned('UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m'), 7n);
  worker.connection.drop();
  assert.deepEqual(
    client.got('bombyx.answerError').map(({ reason }) => reason),
    ['cancelled', 'worker_lost'],
  );
  assert.deepEqual(leaks(bench), []);
});

it('hazard 12: at low load requests do not all go to the oldest connection', async () => {
  using bench = createBench();
  const client = await bench.client();
  const workers = [await bench.worker(), await bench.worker(), await bench.worker()];
  for (let i = 0; i < 60; i += 1) {
    client.tell(run({ query: httpRequest({ ...BODY, messages: [{ role: 'user', content: `question ${i}` }] }) }));
    for (const worker of workers) {
      for (const { request_id } of worker.got('bombyx.runJob')) worker.tell(head(request_id));
    }
    await turns(1);
  }
  for (const worker of workers) assert.ok(worker.got('bombyx.runJob').length >= 5);
});

it('hazard 13: every error speaks the version of its client', async () => {
  using bench = createBench();
  await bench.worker();
  for (const version of [0, 1, 2, 3]) {
    const client = await bench.client({ version, owner: someOwner(version) });
    const request = { model_name: 'no/such' };
    client.tell(version === 3 ? run(request) : runEx(request));
    const kinds = client.connection.sent.map(({ kind }) => kind);
    assert.deepEqual(
      kinds,
      [['client.queryAnswer'], ['client.queryAnswerEx'], ['client.queryAnswerEx'], ['bombyx.answerError']][version],
    );
  }
});

it('hazard 14: a charge cannot be moved to another account: it is one row with client, worker and unique id', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker()];
  for (let i = 0; i < 3; i += 1) {
    client.tell(run());
    const { request_id } = worker.got('bombyx.runJob')[i]!;
    worker.tell(head(request_id));
    worker.tell(lastPart(request_id, '', used(i, 1)));
    worker.tell(lastPart(request_id, '', used(i, 1))); // said twice
  }
  await turns();
  assert.deepEqual(bench.keeper.totals(), { charges: 3, charged: 6n });
});

it('hazard 17: whoever does not finish its handshake is let go', async () => {
  using bench = createBench();
  const [client, worker] = [bench.clientPeer(), bench.workerPeer()];
  await client.ask(connectClient({}));
  await worker.ask(connectWorker({}));
  bench.clock.advance(60_001);
  assert.ok(client.connection.signal.aborted && worker.connection.signal.aborted);
  assert.equal(bench.clock.pending, 0);
});

it('hazard 17: a held authorization ends at its deadline, and leaves nothing', async () => {
  using bench = createBench({
    credentials: { open: false, secretHash: () => undefined },
    limits: { registrationMs: 1_000, handshakeMs: 1_000_000 },
  });
  const client = bench.clientPeer();
  await client.ask(connectClient({}));
  const held = client.ask({ kind: 'client.authorizeWithProxyLong' });
  bench.clock.advance(1_001);
  await assert.rejects(held, { message: 'Lost promise' });
  assert.equal(bench.core.sessions.registrations.size, 0);
});

it('hazard 3 of the client: the empty secret proves nothing where coins are at stake', async () => {
  const hash = createHash('sha256').digest();
  using bench = createBench({ credentials: { open: false, secretHash: () => hash } });
  const client = bench.clientPeer();
  await client.ask(connectClient({}));
  const short = client.ask({ kind: 'client.authorizeWithProxyShort', data: Buffer.alloc(0) });
  await assert.rejects(short, { message: 'sha256 mismatch' });
});

it('rule 1: a full disk fails the request closed, charges nobody, and the process lives on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-full-'));
  const keeper = new TestKeeper({ path: `${folder}/p.sqlite` }, { clock: systemClock });
  using bench = createBench({ keeper });
  const [client, worker] = [await bench.client(), await bench.worker()];
  keeper.limitPages(1);
  const outcomes: string[] = [];
  for (let i = 0; i < 300 && outcomes.at(-1) !== 'accounting_unavailable'; i += 1) {
    client.connection.sent.length = 0;
    client.tell(run());
    const { request_id } = worker.got('bombyx.runJob').at(-1)!;
    worker.tell(head(request_id));
    worker.tell(lastPart(request_id, 'the end', used(1, 1)));
    await turns(2);
    outcomes.push(client.got('bombyx.answerError')[0]?.reason ?? 'ok');
  }
  assert.equal(outcomes.at(-1), 'accounting_unavailable');
  assert.ok(!client.got('bombyx.answerPart').some(({ data }) => data.toString() === 'the end'));
  assert.deepEqual(leaks(bench), []);
  const totals = keeper.totals();
  assert.equal(
    totals.charged,
    bench.core.sources.parties.serving!.instance.accounts.client(someOwner(1))!.used.max,
    'books and disk agree',
  );
  keeper.limitPages(1_000_000);
  client.tell(run());
  const { request_id } = worker.got('bombyx.runJob').at(-1)!;
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, 'fine', used(1, 1)));
  await turns();
  assert.equal(client.got('bombyx.answerPart').at(-1)?.data.toString(), 'fine');
  rmSync(folder, { recursive: true, force: true });
});

it('answers to unknown requests are counted and ignored', async () => {
  using bench = createBench();
  const worker = await bench.worker();
  worker.tell(head(Buffer.alloc(32, 9)));
  worker.tell(part(Buffer.alloc(32, 9), 'x'));
  worker.tell({
    kind: 'proxy.queryAnswerPartEx',
    request_id: Buffer.alloc(32),
    answer: Buffer.alloc(0),
    flags: 1,
    final_info: theirFinal(used(5, 5)),
  });
  await turns();
  assert.equal(bench.core.sessions.dispatcher.ignoredAnswers, 3);
  assert.equal(bench.keeper.totals().charges, 0);
});
