/** What an answer costs whose end never came: what went to the client, as the worker would have counted it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bench, createBench, leaks, type Peer, turns } from '../testing/harness.ts';
import {
  head,
  httpRequest,
  httpResponse,
  MODEL,
  newId,
  OWNER,
  ourFinal,
  part,
  run,
  runEx,
  someOwner,
  theirFinal,
  used,
} from '../testing/messages.ts';

const event = (fields: object) => `data: ${JSON.stringify(fields)}\n\n`;
const delta = (content: string, more: object = {}) => event({ choices: [{ index: 0, delta: { content } }], ...more });
const usage = (prompt_tokens: number, completion_tokens: number) => ({ usage: { prompt_tokens, completion_tokens } });
const jobOf = (worker: Peer) => worker.the('bombyx.runJob').request_id;

/** The bill, the same in all three books. */
function billed(bench: Bench): number {
  const { charged } = bench.keeper.totals();
  assert.equal(bench.keeper.used(someOwner(1)), charged);
  assert.equal(bench.keeper.earned(OWNER), charged);
  assert.deepEqual(leaks(bench), []);
  return Number(charged);
}

const counts = { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 };

describe('a worker that dies in the middle of an answer', () => {
  it('is paid a token for each delivered event, and the client is told', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    worker.tell(head(jobOf(worker)));
    worker.tell(part(jobOf(worker), `${event({ choices: [{ delta: { role: 'assistant' } }] })}${delta('one')}`));
    worker.tell(part(jobOf(worker), `${delta('two')}${delta('cut').slice(0, -9)}`));
    worker.connection.drop();
    await turns();
    const { reason, final_info } = client.the('bombyx.answerError');
    assert.equal(reason, 'worker_lost');
    assert.equal(final_info?.tokens_used.completion_tokens_used, 2n);
    assert.equal(final_info?.tokens_used.total_tokens_used, 2n);
    assert.equal(billed(bench), 2);
  });

  it('is paid by the last usage that its server told, prompt included', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    worker.tell(head(jobOf(worker)));
    for (const n of [3, 6]) worker.tell(part(jobOf(worker), delta('three words more', usage(40, n))));
    worker.connection.drop();
    await turns();
    assert.equal(client.the('bombyx.answerError').final_info?.tokens_used.prompt_tokens_used, 40n);
    assert.equal(billed(bench), 46);
  });

  it('is paid at its price of the time, weighted by kind', async () => {
    using bench = createBench({ root: { multipliers: { ...counts, completion: 30_000 } } });
    const [client, worker] = [await bench.client(), await bench.worker({ coefficient: 1_337 })];
    client.tell(run());
    worker.tell(head(jobOf(worker), 200, Buffer.from(delta('in the head', usage(100, 7)))));
    worker.tell({ kind: 'worker.newCoefficient', new_coefficient: 4_000 });
    worker.connection.drop();
    await turns();
    const weigh = (count: number, multiplier: number) => Math.trunc(count * (1_337 * 0.001) * multiplier * 0.0001);
    assert.equal(billed(bench), weigh(100, 10_000) + weigh(7, 30_000));
    assert.equal(client.got('bombyx.answerError').length, 1);
  });

  it('is never paid more than was held, whatever it wrote into its stream', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    const request = run({ max_coefficient: 1_000, max_tokens: 100 });
    client.tell(request);
    worker.tell(head(jobOf(worker)));
    worker.tell(part(jobOf(worker), delta('x', usage(0, 2_000_000_000))));
    worker.connection.drop();
    await turns();
    assert.equal(billed(bench), 100 + request.query.length);
  });

  it('is not paid for what a slow reader had not taken', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker({ version: 2 })];
    client.tell(run({ window: delta('one').length }));
    const { request_id } = worker.the('proxy.runQueryEx');
    worker.tell({ kind: 'proxy.queryAnswerEx', request_id, answer: httpResponse(), flags: 0 });
    for (const word of ['one', 'two', 'six']) {
      worker.tell({ kind: 'proxy.queryAnswerPartEx', request_id, answer: Buffer.from(delta(word)), flags: 0 });
    }
    worker.connection.drop();
    await turns();
    assert.equal(client.the('bombyx.answerPart').data.toString(), delta('one'));
    assert.equal(billed(bench), 1);
  });

  it('is paid in every version of the protocol, on both sides', async () => {
    for (const version of [0, 1, 2]) {
      using bench = createBench();
      const [client, worker] = [await bench.client({ version }), await bench.worker({ version })];
      client.tell(version === 0 ? { ...oldRun(), kind: 'client.runQuery' } : runEx());
      const message = worker.connection.sent.findLast(({ kind }) => kind.startsWith('proxy.runQuery'));
      const { request_id } = message as { readonly request_id: Buffer };
      const none = { is_completed: false, tokens_used: used(0, 0) };
      const data = Buffer.from(delta('one') + delta('two'));
      if (version === 0) {
        worker.tell({ kind: 'proxy.queryAnswer', request_id, answer: httpResponse(), ...none });
        worker.tell({ kind: 'proxy.queryAnswerPart', request_id, answer: data, ...none });
      } else {
        worker.tell({ kind: 'proxy.queryAnswerEx', request_id, answer: httpResponse(), flags: 0 });
        worker.tell({ kind: 'proxy.queryAnswerPartEx', request_id, answer: data, flags: 0 });
      }
      worker.connection.drop();
      await turns();
      assert.equal(client.the('proxy.clientRequestPayment').request_tokens, 2n, `version ${version}`);
      assert.equal(billed(bench), 2, `version ${version}`);
    }
  });

  it('is paid nothing before the first event', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run());
    worker.tell(head(jobOf(worker)));
    worker.connection.drop();
    await turns();
    assert.equal(client.the('bombyx.answerError').final_info?.tokens_used.total_tokens_used, 0n);
    assert.equal(billed(bench), 0);
    assert.equal(bench.keeper.totals().charges, 0);
  });
});

describe('a worker that never reports', () => {
  it('after a time-out is paid what was delivered', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client(), await bench.worker()];
    client.tell(run({ idle_timeout_ms: 500 }));
    worker.tell(head(jobOf(worker)));
    worker.tell(part(jobOf(worker), delta('one')));
    bench.clock.advance(600);
    worker.tell(part(jobOf(worker), delta('too late')));
    bench.clock.advance(2_000);
    await turns();
    assert.equal(client.the('bombyx.answerError').reason, 'idle_timeout');
    assert.equal(billed(bench), 1);
  });

  it('after the client left is paid what was delivered, also when it dies over it', async () => {
    for (const end of ['silence', 'death']) {
      using bench = createBench();
      const [client, worker] = [await bench.client(), await bench.worker()];
      client.tell(run());
      worker.tell(head(jobOf(worker)));
      worker.tell(part(jobOf(worker), delta('one') + delta('two')));
      client.connection.drop();
      if (end === 'death') worker.connection.drop();
      bench.clock.advance(2_000);
      await turns();
      assert.equal(billed(bench), 2, end);
    }
  });

  it('what it counted, as C++ workers with an error, is paid what was delivered', async () => {
    using bench = createBench();
    const [client, worker] = [await bench.client({ version: 2 }), await bench.worker({ version: 2 })];
    client.tell(runEx());
    const { request_id } = worker.the('proxy.runQueryEx');
    worker.tell({ kind: 'proxy.queryAnswerEx', request_id, answer: httpResponse(), flags: 0 });
    worker.tell({ kind: 'proxy.queryAnswerPartEx', request_id, answer: Buffer.from(delta('one')), flags: 0 });
    const final_info = theirFinal(used(0, 0));
    worker.tell({ kind: 'proxy.queryAnswerErrorEx', request_id, error_code: 602, error: 'no', flags: 1, final_info });
    await turns();
    assert.equal(client.the('client.queryAnswerErrorEx').final_info?.tokens_used.total_tokens_used, 1n);
    assert.equal(billed(bench), 1);
  });
});

it('a count that the worker did report wins over ours', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker()];
  client.tell(run());
  worker.tell(head(jobOf(worker)));
  worker.tell(part(jobOf(worker), delta('one')));
  const said = { error_code: 602, reason: 'x', message: 'no', http_status: 502, retry_after_ms: 0 };
  const final_info = ourFinal(used(5, 7));
  worker.tell({ kind: 'bombyx.answerError', request_id: jobOf(worker), ...said, flags: 1, final_info });
  await turns();
  assert.equal(client.got('bombyx.answerError').length, 1);
  assert.equal(billed(bench), 12);
});

it('a worker that breaks the protocol is paid nothing', async () => {
  using bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker()];
  client.tell(run());
  worker.tell(head(jobOf(worker)));
  worker.tell(part(jobOf(worker), delta('one')));
  worker.tell(head(jobOf(worker)));
  await turns();
  assert.equal(client.the('bombyx.answerError').reason, 'worker_protocol');
  assert.equal(billed(bench), 0);
});

function oldRun() {
  const query = httpRequest({ model: MODEL, messages: [] });
  const limits = { max_coefficient: 4_000, max_tokens: 100, timeout: 114, min_config_version: 0 };
  return { model_name: MODEL, query, ...limits, request_id: newId() } as const;
}
