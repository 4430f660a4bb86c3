import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { QueryError } from '@bombyx/transport';
import { encode, type TlObject } from '@bombyx/wire';
import fc from 'fast-check';
import { json, usage } from '../testing/backend.ts';
import {
  FakeConnection,
  honest,
  httpRequest,
  ProxyParty,
  recordedRoot,
  runJob,
  runQueryEx,
} from '../testing/fake-proxy.ts';
import { Rig } from '../testing/rig.ts';
import { WorkerError, type WorkerErrorCode } from './errors.ts';

const chat = { model: 'm', messages: [] };
const small = (_request: unknown, response: import('node:http').ServerResponse) =>
  json(response, { usage: usage(3, 4) });
const coded = (code: WorkerErrorCode, text: RegExp) => (error: unknown) =>
  error instanceof WorkerError && error.code === code && text.test(error.message);

describe('the handshake', () => {
  it('says who we are, compares balances, and completes', async () => {
    await using rig = await Rig.ready(small);
    assert.deepEqual(
      rig.connection.asked.map(({ kind }) => kind),
      ['worker.connectToProxy', 'worker.compareBalanceWithProxy', 'worker.proxyHandshakeComplete'],
    );
    const [connect] = rig.connection.asked;
    assert.ok(connect?.kind === 'worker.connectToProxy');
    assert.deepEqual([connect.params.min_proto_version, connect.params.max_proto_version], [1, 3]);
    assert.deepEqual([connect.params.model, connect.params.coefficient, connect.params.flags], ['m@c:h', 1_000, 3]);
    assert.ok(rig.session.ready);
  });

  for (const version of [undefined, 0, 1, 2, 3]) {
    it(`agrees on version ${version ?? '0 by its absence'} and answers in its dialect`, async () => {
      await using rig = await Rig.ready(small, { version });
      assert.equal(rig.session.agreed?.version, version ?? 0);
      const message =
        (version ?? 0) >= 3 ? runJob(httpRequest(chat)) : runQueryEx(httpRequest(chat), { enable_debug: true });
      const got = await rig.run(message);
      assert.deepEqual(got.tokens, [3, 0, 4, 0, 7]);
      const last = rig.connection.sent.at(-1);
      assert.ok(last && 'final_info' in last && last.final_info);
      const times = 'worker_start_time' in last.final_info && last.final_info.worker_start_time !== undefined;
      assert.equal(times, (version ?? 0) >= 2, 'times only from version 2 on');
    });
  }

  it('answers version 0 requests with version 0 objects', async () => {
    await using rig = await Rig.ready(small, { version: undefined });
    const got = await rig.run({
      kind: 'proxy.runQuery',
      query: httpRequest(chat),
      signed_payment: { kind: 'proxy.signedPaymentEmpty' },
      coefficient: 1_000n,
      timeout: 10,
      request_id: randomBytes(32),
    });
    assert.equal(rig.connection.sent[0]?.kind, 'proxy.queryAnswer');
    assert.deepEqual(got.tokens, [3, 0, 4, 0, 7]);
  });

  const root = recordedRoot();
  const party = new ProxyParty(root);
  const other = new ProxyParty(root);
  const connected = party.connected(3);
  const lies: [string, TlObject, WorkerErrorCode, RegExp][] = [
    [
      'an old proxy',
      {
        ...connected,
        params: {
          kind: 'proxy.params',
          flags: 0,
          proxy_public_key: party.publicKey,
          proxy_owner_address: '',
          proxy_sc_address: '',
        },
      },
      'WORKER_HANDSHAKE',
      /too old/,
    ],
    [
      'another network',
      { ...connected, params: { ...connected.params, is_test: false } },
      'WORKER_HANDSHAKE',
      /test mode mismatch/,
    ],
    [
      'a version nobody speaks',
      { ...connected, params: { ...connected.params, proto_version: 4 } },
      'WORKER_HANDSHAKE',
      /protocol version/,
    ],
    [
      "another proxy's contract",
      { ...connected, params: { ...connected.params, proxy_sc_address: other.connected(3).params.proxy_sc_address } },
      'WORKER_ADDRESS',
      /PROXY SC ADDRESS IS UNEXPECTED/,
    ],
    [
      'another key than its contract has',
      { ...connected, params: { ...connected.params, proxy_public_key: other.publicKey } },
      'WORKER_ADDRESS',
      /PROXY SC ADDRESS/,
    ],
    [
      "another worker's contract",
      { ...connected, worker_sc_address: other.connected(3).worker_sc_address },
      'WORKER_ADDRESS',
      /WORKER SC ADDRESS IS UNEXPECTED/,
    ],
    [
      'an answer to another question',
      { kind: 'worker.proxyHandshakeCompleted' },
      'WORKER_HANDSHAKE',
      /expected worker.connectedToProxy/,
    ],
  ];
  for (const [what, answer, code, text] of lies) {
    it(`refuses ${what}`, async () => {
      const replies = honest(party, 3);
      await using rig = await Rig.start(small, {
        party,
        replies: (fn) => (fn.kind === 'worker.connectToProxy' ? answer : replies(fn)),
      });
      await assert.rejects(rig.session.open(), coded(code, text));
      assert.equal(rig.session.ready, false);
    });
  }

  it('hands on what the proxy refused with', async () => {
    await using rig = await Rig.start(small, {
      replies: () => {
        throw new QueryError(621, 'invalid coefficient value');
      },
    });
    await assert.rejects(rig.session.open(), (error) => error instanceof QueryError && error.code === 621);
  });

  it('accepts requests that overtake its last answer (hazard 11)', async () => {
    const party = new ProxyParty(recordedRoot());
    const usual = honest(party, 3);
    const early = runJob(httpRequest(chat));
    const rig: Rig = await Rig.start(small, {
      party,
      replies: (fn) => {
        if (fn.kind === 'worker.proxyHandshakeComplete') rig.session.onMessage(early);
        return usual(fn);
      },
    });
    await using _ = rig;
    await rig.session.open();
    await rig.connection.until(() => rig.ended(early.request_id));
    assert.deepEqual(rig.received(early.request_id).tokens, [3, 0, 4, 0, 7]);
  });

  it('ends a connection that sends requests before it', async () => {
    await using rig = await Rig.start(small);
    assert.throws(
      () => rig.session.onMessage(runJob(httpRequest(chat))),
      coded('WORKER_HANDSHAKE', /before the handshake/),
    );
  });

  it('says with its last query whether work is wanted, and later what changed', async () => {
    await using rig = await Rig.start(small);
    rig.disabled = true;
    await rig.session.open();
    assert.deepEqual(rig.connection.asked.at(-1), { kind: 'worker.proxyHandshakeComplete', is_disabled: true });
    rig.session.tellState(); // nothing new
    rig.disabled = false;
    rig.session.tellState();
    rig.session.tellState();
    rig.session.tellCoefficient(1_500);
    assert.deepEqual(rig.connection.sent, [
      { kind: 'worker.enabledDisabled', disabled: 0 },
      { kind: 'worker.newCoefficient', new_coefficient: 1_500 },
    ]);
  });
});

describe('comparing balances', () => {
  const compare = (party: ProxyParty, fields: object) => {
    const usual = honest(party, 3);
    return (fn: Parameters<typeof usual>[0]) =>
      fn.kind === 'worker.compareBalanceWithProxy'
        ? ({ ...(usual(fn) as TlObject & { kind: 'worker.compareBalanceWithProxyResult' }), ...fields } as TlObject)
        : usual(fn);
  };
  /** A worker that knows 50 signed, 70 on disk, 90 in all. */
  async function knowing(party: ProxyParty, fields: object, version = 3): Promise<Rig> {
    const before = await Rig.ready(small, { party });
    before.session.onMessage(payment(before, 50n, 70n, 90n));
    await before[Symbol.asyncDispose]();
    const replies = compare(party, fields);
    const answer = (fn: Parameters<typeof replies>[0]) =>
      fn.kind === 'worker.connectToProxy' ? party.connected(version) : replies(fn);
    return Rig.start(small, { party, memory: before.memory, replies: answer });
  }
  const payment = (rig: Rig, signed: bigint, db: bigint, max: bigint) =>
    ({
      kind: 'proxy.workerRequestPayment',
      request_id: Buffer.alloc(32),
      signed_payment: rig.party.sign(signed),
      db_tokens: db,
      max_tokens: max,
      request_tokens: 0n,
      request_client_owner: '',
    }) as const;

  it('claims what it was told before in this run', async () => {
    const party = new ProxyParty(recordedRoot());
    await using rig = await knowing(party, {
      signed_payment: party.sign(50n),
      tokens_committed_to_db: 70n,
      max_tokens: 90n,
    });
    await rig.session.open();
    assert.deepEqual(rig.connection.asked[1], {
      kind: 'worker.compareBalanceWithProxy',
      tokens_committed_to_blockchain: 50n,
      tokens_committed_to_db: 70n,
      max_tokens: 90n,
    });
  });

  it('never claims more than is on the disk of a proxy that would lock it out for it', async () => {
    const party = new ProxyParty(recordedRoot());
    await using rig = await knowing(
      party,
      { signed_payment: party.sign(50n), tokens_committed_to_db: 70n, max_tokens: 70n },
      2,
    );
    await rig.session.open();
    assert.ok(rig.connection.asked[1]?.kind === 'worker.compareBalanceWithProxy');
    assert.equal(rig.connection.asked[1].max_tokens, 70n);
    assert.equal(rig.session.agreed?.lostTokens, 20n);
    assert.equal(rig.memory.accounts[0]?.totals.max, 70n);
  });

  it('goes through the extended compare when the proxy asks for it', async () => {
    const party = new ProxyParty(recordedRoot());
    await using rig = await knowing(party, {
      signed_payment: party.sign(50n),
      tokens_committed_to_db: 70n,
      max_tokens: 80n,
      error_code: 1,
    });
    await rig.session.open();
    assert.equal(rig.connection.asked[2]?.kind, 'worker.extendedCompareBalanceWithProxy');
    assert.ok(rig.session.ready);
  });

  it('refuses a proxy whose books were rolled back', async () => {
    const party = new ProxyParty(recordedRoot());
    const wrong: [object, RegExp][] = [
      [{ signed_payment: party.sign(49n), tokens_committed_to_db: 70n, max_tokens: 90n }, /49 tokens after 50/],
      [{ signed_payment: party.sign(50n), tokens_committed_to_db: 69n, max_tokens: 90n }, /db is too low/],
      [
        { signed_payment: { kind: 'proxy.signedPaymentEmpty' }, tokens_committed_to_db: 70n, max_tokens: 90n },
        /there is none/,
      ],
      [
        { signed_payment: new ProxyParty(recordedRoot()).sign(60n), tokens_committed_to_db: 70n, max_tokens: 90n },
        /not valid/,
      ],
    ];
    for (const [fields, text] of wrong) {
      await using rig = await knowing(party, fields);
      await assert.rejects(rig.session.open(), coded('WORKER_PAYMENT', text));
    }
  });

  it('ends the connection for a payment after work that is lower, empty or forged', async () => {
    await using rig = await Rig.ready(small);
    rig.session.onMessage(payment(rig, 50n, 70n, 90n));
    const fine = payment(rig, 50n, 70n, 90n);
    const worse = [
      { ...fine, signed_payment: rig.party.sign(49n) },
      { ...fine, signed_payment: { kind: 'proxy.signedPaymentEmpty' as const } },
      { ...fine, signed_payment: { kind: 'proxy.signedPayment' as const, data: Buffer.alloc(40) } },
      { ...fine, signed_payment: rig.party.sign(60n, { contract: rig.party.contract }) },
      { ...fine, db_tokens: 69n },
      { ...fine, max_tokens: 89n },
    ];
    for (const message of worse) assert.throws(() => rig.session.onMessage(message), coded('WORKER_PAYMENT', /./));
    rig.session.onMessage(fine);
    assert.deepEqual(rig.memory.accounts[0]?.totals, { signed: 50n, db: 70n, max: 90n });
  });

  it('ignores a lower payment that rides on a request or comes alone, and takes a higher one over', async () => {
    await using rig = await Rig.ready(small);
    rig.session.onMessage(payment(rig, 50n, 70n, 90n));
    rig.session.onMessage(rig.party.sign(40n));
    rig.session.onMessage({ kind: 'proxy.signedPaymentEmpty' });
    assert.equal(rig.memory.accounts[0]?.totals.signed, 50n);
    await rig.run(runJob(httpRequest(chat), { signed_payment: rig.party.sign(60n) }));
    await rig.run(
      runJob(httpRequest(chat), { signed_payment: { kind: 'proxy.signedPayment', data: Buffer.from('x') } }),
    );
    assert.equal(rig.memory.accounts[0]?.totals.signed, 60n);
  });
});

describe('refusals', () => {
  it('too many at once is said at once, and may be tried again', async () => {
    await using rig = await Rig.ready(() => {}, { maxActive: 2 });
    for (let i = 0; i < 2; i += 1) rig.session.onMessage(runJob(httpRequest(chat)));
    const got = await rig.run(runJob(httpRequest(chat)));
    assert.deepEqual(got.error, { code: 602, reason: 'JOB_TOO_MANY', message: 'too many active queries' });
    const answer = rig.connection.sent.at(-1);
    assert.ok(answer?.kind === 'bombyx.answerError' && answer.http_status === 503 && answer.retry_after_ms > 0);
    assert.equal(rig.runner.active, 2);
  });

  it('hazard 3: a price that is not ours is refused, zero and negative ones included', async () => {
    await using rig = await Rig.ready(small);
    for (const coefficient of [0, 999, 1_001, -1]) {
      const got = await rig.run(runJob(httpRequest(chat), { coefficient }));
      assert.equal(got.error?.reason, 'JOB_COEFFICIENT');
    }
    const got = await rig.run(runQueryEx(httpRequest(chat), { coefficient: 2n ** 40n }));
    assert.equal(got.head?.status_code, 503);
    assert.equal(rig.backend.seen.length, 0);
  });

  it('a price that was ours when the proxy sent the request is still good', async () => {
    await using rig = await Rig.ready(small);
    rig.coefficients.change(3_000);
    assert.deepEqual((await rig.run(runJob(httpRequest(chat), { coefficient: 1_000 }))).tokens, [3, 0, 4, 0, 7]);
    assert.deepEqual((await rig.run(runJob(httpRequest(chat), { coefficient: 3_000 }))).tokens, [9, 0, 12, 0, 21]);
  });

  it('hazard 2: a request that does not parse ends itself and nothing else', async () => {
    await using rig = await Rig.ready(small);
    for (const query of [Buffer.alloc(0), Buffer.from('garbage!'), encode({ kind: 'worker.updatePaymentStatus' })]) {
      const got = await rig.run(runJob(query));
      assert.equal(got.error?.reason, 'JOB_INVALID');
      assert.equal(got.error?.code, 621);
      assert.match(got.error?.message ?? '', /^worker: invalid http request: /);
    }
    assert.deepEqual((await rig.run(runJob(httpRequest(chat)))).tokens, [3, 0, 4, 0, 7]);
  });

  it('hostile bytes as a request give a coded error, whatever they are', async () => {
    await using rig = await Rig.ready(small);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        const prefix = httpRequest(chat).subarray(0, 12); // the right tag, then anything
        const got = await rig.run(runJob(Buffer.concat([prefix, bytes])));
        assert.ok(got.error?.reason === 'JOB_INVALID' || got.head !== undefined);
      }),
      { numRuns: 100 },
    );
    assert.equal(rig.runner.active, 0);
  });

  it('below version 3 reach the caller as an HTTP answer: an error object would kill a C++ client', async () => {
    await using rig = await Rig.ready(small, { version: 2 });
    const got = await rig.run(runQueryEx(httpRequest({ model: 'other' })));
    assert.equal(got.head?.status_code, 400);
    assert.deepEqual(JSON.parse(got.body), {
      error: {
        message: 'worker: invalid http request: model name mismatch',
        type: 'invalid_request_error',
        param: null,
        code: 'JOB_INVALID',
      },
    });
    assert.deepEqual(got.tokens, [0, 0, 0, 0, 0]);
    assert.equal(rig.connection.sent.at(-1)?.kind, 'proxy.queryAnswerEx');
  });

  it('below version 3 after the head are the error object of the protocol, with its bill', async () => {
    await using rig = await Rig.ready(
      (_request, response) => {
        response.writeHead(200);
        response.write('data: {"choices":[{"delta":{"content":"x"}}]}\n\n');
      },
      { version: 2 },
    );
    const got = await rig.run(runQueryEx(httpRequest(chat), { timeout: 0.2 }));
    assert.equal(got.error?.code, 652);
    assert.equal(rig.connection.sent.at(-1)?.kind, 'proxy.queryAnswerErrorEx');
    assert.deepEqual(got.tokens, [0, 0, 1, 0, 1]);
  });

  it('two requests with one id end the connection', async () => {
    await using rig = await Rig.ready(() => {});
    const message = runJob(httpRequest(chat));
    rig.session.onMessage(message);
    assert.throws(() => rig.session.onMessage(message), coded('WORKER_HANDSHAKE', /one id/));
  });

  it('a window that shrinks ends the connection', async () => {
    await using rig = await Rig.ready(() => {});
    const grant = (bytes: number) =>
      rig.session.onMessage({ kind: 'bombyx.window', request_id: Buffer.alloc(32), bytes });
    grant(1);
    for (const bytes of [0, -1]) assert.throws(() => grant(bytes), coded('WORKER_HANDSHAKE', /positive/));
  });

  it('queries are not served, unknown messages are dropped', async () => {
    await using rig = await Rig.ready(small);
    await assert.rejects(rig.session.onQuery(), (error) => error instanceof QueryError && error.code === 0);
    rig.session.onMessage({ kind: 'worker.newCoefficient', new_coefficient: 1 });
    assert.deepEqual(rig.connection.sent, []);
  });
});

describe('counting', () => {
  it('hazard 8: a failed request is counted once', async () => {
    await using rig = await Rig.ready(small);
    await rig.run(runJob(httpRequest(chat)));
    await rig.run(runJob(httpRequest({})));
    const { queries, success, failed, total_adjusted_tokens_used } = rig.stats.totals();
    assert.deepEqual([queries, success, failed, total_adjusted_tokens_used], [2, 1, 1, 7]);
    assert.deepEqual([...rig.stats.errors], [['JOB_INVALID', 1]]);
  });

  it('hazard 9: connections to the inference server are bounded by the requests allowed at once', async () => {
    await using rig = await Rig.ready(
      async (_request, response) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        json(response, { usage: usage(1, 1) });
      },
      { maxActive: 4 },
    );
    const rounds = Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 5; i += 1) await rig.run(runJob(httpRequest(chat)));
    });
    await Promise.all(rounds);
    assert.ok(rig.backend.accepted() <= 4);
    assert.equal(rig.stats.totals().success, 20);
  });

  it('a server that counts absurdly is not billed by', async () => {
    await using rig = await Rig.ready((_request, response) => json(response, { usage: usage(9e15, 9e15) }));
    rig.coefficients.change(999_999_999);
    const got = await rig.run(runJob(httpRequest(chat), { coefficient: 999_999_999 }));
    assert.equal(got.head?.status_code, 200);
    assert.deepEqual(got.tokens, [0, 0, 0, 0, 0]);
  });
});

it('closing lets running requests end, refuses new ones, and cancels what takes too long', async () => {
  const gate = Promise.withResolvers<void>();
  await using rig = await Rig.ready(async (request, response) => {
    if (request.body.includes('forever')) return;
    await gate.promise;
    json(response, { usage: usage(1, 1) });
  });
  const good = runJob(httpRequest(chat));
  const endless = runJob(httpRequest({ ...chat, user: 'forever' }));
  rig.session.onMessage(good);
  rig.session.onMessage(endless);
  const closed = rig.runner.close(1_000);
  assert.equal((await rig.run(runJob(httpRequest(chat)))).error?.reason, 'JOB_CLOSING');
  gate.resolve();
  await closed;
  assert.deepEqual(rig.received(good.request_id).tokens, [1, 0, 1, 0, 2]);
  assert.equal(rig.received(endless.request_id).error?.reason, 'JOB_CLOSING');
  assert.equal(rig.runner.active, 0);
});

it('a session that was never opened ends without a trace', () => {
  const connection = new FakeConnection(() => ({ kind: 'worker.proxyHandshakeCompleted' }));
  connection.close();
  assert.ok(connection.signal.aborted);
});

it('new parameters that come while hands are shaken end the connection: its addresses are of the old ones', async () => {
  await using rig = await Rig.start(() => {});
  const { replies } = rig.connection;
  rig.connection.replies = (fn) => {
    if (fn.kind === 'worker.proxyHandshakeComplete') {
      const { version, paramsVersion } = rig.root;
      rig.root = { ...rig.root, version: version + 1, paramsVersion: paramsVersion + 1 };
    }
    return replies(fn);
  };
  await assert.rejects(rig.session.open(), /the root contract has changed meanwhile/);
  assert.equal(rig.session.ready, false);
});
