/** Proxies that lie after an honest handshake: client and worker answer for themselves, and work on with an honest one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { type Client, createClient, parseClientConfig } from '@bombyx/client';
import { type Gateway, startGateway } from '@bombyx/gateway';
import type { Connection } from '@bombyx/transport';
import { encode, type Tl, type TlObject } from '@bombyx/wire';
import { parseWorkerConfig, startWorker, type Worker } from '@bombyx/worker';
import { ask, chat, errorIn, type Reply, stream } from './testing/ask.ts';
import { type Backend, startBackend } from './testing/backend.ts';
import { anyAddress, clientFile, rootWith, workerFile } from './testing/configuration.ts';
import { FalseProxy } from './testing/false-proxy.ts';
import { finalInfo, head, part, response } from './testing/false-worker.ts';
import { until } from './testing/until.ts';

const logs = { clock: systemClock, log: silentLogger };
const rootAddress = anyAddress();
const LIMITS = { 'x-bombyx-timeout-first-byte': '1', 'x-bombyx-timeout-idle': '1' };
const EVENTS = { headers: [['Content-Type', 'text/event-stream']] } as const;
const honestly = (id: Buffer) => head(id, response({ payload: '{"ok":true}' }), 1n);
const wrong = [-1, -0x8000_0000, 0x7fff_ffff];

let proxy: FalseProxy;
before(async () => {
  proxy = await FalseProxy.start(rootAddress);
});
after(() => proxy[Symbol.asyncDispose]());
afterEach(() => {
  proxy.lie = () => undefined;
  proxy.hear = () => {};
});

describe('towards a client, a proxy', () => {
  let client: Client;
  let gateway: Gateway;
  let network: { readonly baseUrl: string };
  const told: TlObject[] = [];

  before(async () => {
    client = await createClient(parseClientConfig(clientFile(rootAddress, 1)), { ...logs, root: rootWith([proxy]) });
    gateway = await startGateway({ port: 0 }, { ...logs, client });
    network = { baseUrl: `http://127.0.0.1:${gateway.port}/v1` };
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
  });
  beforeEach(() => client.whenReady(AbortSignal.timeout(10_000)));
  afterEach(async () => {
    await until('nothing runs', () => client.snapshot().requests.running === 0);
    await client.whenReady(AbortSignal.timeout(10_000));
    assert.deepEqual((await askWith((id, say) => say(honestly(id)))).body, { ok: true });
  });

  type Behaviour = (id: Buffer, say: (message: TlObject) => void, connection: Connection) => void;
  function behave(behaviour: Behaviour): void {
    told.length = 0;
    proxy.hear = (message, connection) => {
      told.push(message);
      if (message.kind === 'bombyx.runQuery') {
        behaviour(message.request_id, (said) => connection.send(said), connection);
      }
    };
  }
  function askWith(behaviour: Behaviour): Promise<Reply> {
    behave(behaviour);
    return ask(network, chat(''), LIMITS);
  }
  async function failsWith(code: string, behaviour: Behaviour): Promise<void> {
    const reply = await askWith(behaviour);
    assert.equal(reply.error?.code, code, reply.error?.message);
    assert.ok(reply.status >= 400 && reply.status <= 599, `status ${reply.status}`);
  }
  const error = (request_id: Buffer, over: Partial<Tl<'bombyx.answerError'>> = {}): Tl<'bombyx.answerError'> => ({
    kind: 'bombyx.answerError',
    request_id,
    error_code: 602,
    reason: 'worker_error',
    message: 'no',
    http_status: 502,
    retry_after_ms: 0,
    flags: 0,
    ...over,
  });

  it('that answers requests nobody made is not heard', () =>
    failsWith('timeout', (_id, say) => {
      const stranger = randomBytes(32);
      for (const message of [honestly(stranger), part(stranger, 'x'), part(stranger, 'x', 1n), error(stranger)]) {
        say(message);
      }
    }));

  it('that sends the body before the head', () => failsWith('protocol', (id, say) => say(part(id, 'x', 1n))));

  it('that sends something else for a head', () =>
    failsWith('protocol', (id, say) => say(head(id, randomBytes(64), 1n))));

  it('that sends an impossible status', async () => {
    for (const status of [...wrong, 0, 99, 101, 600]) {
      const { error } = await askWith((id, say) => say(head(id, response({ status, payload: '{}' }), 0n)));
      assert.ok(error, `status ${status}`);
    }
  });

  it('that sends a second head, or more after the end, adds nothing to the answer', async () => {
    behave((id, say) => {
      say(head(id, response({ ...EVENTS, payload: 'data: {}\n\n' })));
      setTimeout(() => say(head(id, response({ ...EVENTS, payload: 'data: {"second":1}\n\n' }), 1n)), 50);
    });
    const events = await (await stream(network, '', {}, LIMITS)).rest();
    assert.equal(events.length, 2);
    assert.equal(errorIn(events[1])?.code, 'protocol');
    const { body } = await askWith((id, say) => {
      for (const message of [honestly(id), part(id, 'more'), honestly(id), error(id)]) say(message);
    });
    assert.deepEqual(body, { ok: true });
  });

  it('that counts what cannot be is reported, and the answer arrives', async () => {
    const before = client.snapshot().usage_checks.disagreements;
    const kinds = ['prompt', 'cached', 'completion', 'reasoning', 'total'] as const;
    const counts = kinds.flatMap((kind) => [-1n, -(2n ** 63n), 2n ** 63n - 1n].map((count) => ({ kind, count })));
    for (const { kind, count } of counts) {
      const info = finalInfo(1n);
      const tokens_used = { ...info.tokens_used, [`${kind}_tokens_used`]: count };
      const final_info = { ...info, tokens_used };
      const { status } = await askWith((id, say) => say({ ...honestly(id), final_info }));
      assert.equal(status, 200);
    }
    assert.equal(client.snapshot().usage_checks.disagreements, before + counts.length);
  });

  it('that reports an error with absurd numbers and texts', async () => {
    for (const number of [...wrong, 0, 99, 200, 304]) {
      const absurd = { error_code: number, http_status: number, retry_after_ms: number };
      const {
        status,
        headers,
        error: told,
      } = await askWith((id, say) =>
        say(error(id, { ...absurd, message: `a\r\nSet-Cookie: b=c\u0000${'y'.repeat(100_000)}`, reason: '__proto__' })),
      );
      assert.ok(status >= 400 && status <= 599, `status ${status} for ${number}`);
      assert.equal(headers.get('set-cookie'), null);
      assert.ok(Number(headers.get('retry-after') ?? 0) >= 0);
      assert.ok(told!.message.length < 1_000);
    }
  });

  it('that sends more than it was granted is stopped, whoever does not read', async () => {
    behave((id, say) => {
      say(head(id, response(EVENTS)));
      for (let sent = 0; sent < 24; sent += 1) say(part(id, Buffer.alloc(1 << 20, 0x20)));
    });
    const answer = await stream(network, '', {}, { 'x-bombyx-timeout-total': '20' });
    await until('it is told to stop', () => told.some(({ kind }) => kind === 'bombyx.cancel'));
    answer.leave();
  });

  it('that bills what nobody asked for, or under a false signature, is not believed', async () => {
    const before = client.snapshot();
    const { connection } = proxy;
    const stranger = proxy.signed('charge', 1_000_000n, proxy.contractOfPeer!);
    const forged = { kind: 'proxy.signedPayment', data: Buffer.from(stranger.data) } as const;
    forged.data[forged.data.length - 1]! ^= 1;
    for (const signed_payment of [forged, { ...forged, data: randomBytes(3) }]) {
      connection!.send(signed_payment);
      for (const number of [-1n, -(2n ** 63n)]) {
        connection!.send({
          kind: 'proxy.clientRequestPayment',
          request_id: randomBytes(32),
          signed_payment,
          db_tokens: number,
          max_tokens: number,
          request_tokens: number,
        });
      }
    }
    await askWith((id, say) => say(honestly(id)));
    const now = client.snapshot();
    const signed = (snapshot: typeof now) => snapshot.proxies.map(({ tokens_signed }) => tokens_signed);
    assert.deepEqual(signed(now), signed(before));
    assert.ok(now.proxies.every(({ tokens_used_proxy_max: max }) => max >= 0));
    assert.ok(now.usage_checks.disagreements > before.usage_checks.disagreements);
  });

  it('that speaks to it as to a worker, or asks it something, is not heard', async () => {
    const reply = await askWith((id, say, connection) => {
      say({ kind: 'bombyx.cancel', request_id: id });
      say({ kind: 'bombyx.window', request_id: id, bytes: -1 });
      say({ kind: 'worker.enabledDisabled', disabled: 1 });
      connection
        .query({ kind: 'client.updatePaymentStatus' }, { timeoutMs: 5_000 })
        .then(() => assert.fail('a client answers no queries'))
        .catch(() => say(honestly(id)));
    });
    assert.equal(reply.status, 200);
  });

  it('that lies in its handshake is left, and tried again', async () => {
    const lies = [
      { kind: 'client.authorizationWithProxyFailed', error_code: -1, error: '\r\n\u0000' },
      { kind: 'worker.proxyHandshakeCompleted' },
    ] as const;
    for (const lie of lies) {
      let tries = 0;
      proxy.lie = (fn) => (fn.kind === 'client.authorizeWithProxyLong' && ++tries < 3 ? lie : undefined);
      proxy.connection?.close();
      await until('it is back', () => tries >= 3 && client.ready);
    }
  });
});

describe('towards a worker, a proxy', () => {
  let worker: Worker;
  let backend: Backend;
  let answers: TlObject[] = [];

  before(async () => {
    backend = await startBackend();
    const shape = { model: 'test-model', coefficient: 1_000, proxies: 1, backendPort: backend.port };
    worker = await startWorker(parseWorkerConfig(workerFile(rootAddress, shape)), { ...logs, root: rootWith([proxy]) });
  });
  after(async () => {
    await worker.close();
    await backend[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    answers = [];
    proxy.hear = (message) => void answers.push(message);
    await worker.whenReady(AbortSignal.timeout(10_000));
  });
  afterEach(async () => {
    await worker.whenReady(AbortSignal.timeout(10_000));
    await until('nothing is left over', () => worker.snapshot().jobs.active === 0 && backend.running() === 0);
    answers = [];
    proxy.hear = (message) => void answers.push(message);
    const last = tell();
    await until('it serves', () => answerTo(last)?.kind === 'bombyx.answerHead');
  });

  const query = (orders: string, fields: object = {}) =>
    encode({
      kind: 'http.request',
      method: 'POST',
      url: '/v1/chat/completions',
      http_version: 'HTTP/1.1',
      headers: [{ kind: 'http.header', name: 'Content-Type', value: 'application/json' }],
      payload: Buffer.from(JSON.stringify(chat(orders, fields))),
    });

  /** Gives it a job. @returns the id */
  function tell(over: Partial<Tl<'bombyx.runJob'>> = {}): Buffer {
    const job: Tl<'bombyx.runJob'> = {
      kind: 'bombyx.runJob',
      request_id: randomBytes(32),
      query: query(''),
      signed_payment: { kind: 'proxy.signedPaymentEmpty' },
      coefficient: 1_000,
      max_tokens: 1_000,
      first_byte_timeout_ms: 10_000,
      idle_timeout_ms: 10_000,
      total_timeout_ms: 10_000,
      window: 1 << 20,
      flags: 0,
      ...over,
    };
    proxy.connection!.send(job);
    return job.request_id;
  }
  const answerTo = (id: Buffer) =>
    answers.find((answer) => 'request_id' in answer && id.equals(answer.request_id as Buffer));

  it('with a number that cannot be is refused, and the inference server hears nothing', async () => {
    const before = backend.requests();
    const fields = [
      'coefficient',
      'max_tokens',
      'first_byte_timeout_ms',
      'idle_timeout_ms',
      'total_timeout_ms',
      'window',
    ];
    const ids = fields.flatMap((field) => [-1, -0x8000_0000].map((number) => tell({ [field]: number })));
    ids.push(tell({ query: randomBytes(100) }), tell({ query: Buffer.alloc(0) }));
    await until('all are answered', () => ids.every((id) => answerTo(id)));
    for (const id of ids) assert.equal(answerTo(id)?.kind, 'bombyx.answerError');
    assert.equal(backend.requests(), before);
  });

  it('that grants more than any number holds changes nothing', async () => {
    const id = tell({ query: query('chunks=5 delay_ms=20', { stream: true }), window: 0x7fff_ffff });
    for (let count = 0; count < 100; count += 1) {
      proxy.connection!.send({ kind: 'bombyx.window', request_id: id, bytes: 0x7fff_ffff });
    }
    await until('it ends', () => answers.some((answer) => answer.kind === 'bombyx.answerPart' && answer.final_info));
  });

  it('that takes back what it granted loses the connection, and the inference server is told', async () => {
    for (const bytes of [0, -1, -0x8000_0000]) {
      const { connection } = proxy;
      const id = tell({ query: query('chunks=1000 delay_ms=20', { stream: true }) });
      await until('it runs', () => backend.running() === 1);
      connection!.send({ kind: 'bombyx.window', request_id: id, bytes });
      await until('it hangs up', () => connection!.signal.aborted);
      await until('the server is told', () => backend.running() === 0);
      await until('it is back', () => worker.ready);
    }
  });

  it('that gives two requests one id loses the connection', async () => {
    const { connection } = proxy;
    tell({ request_id: tell({ query: query('silent') }) });
    await until('it hangs up', () => connection!.signal.aborted);
    await until('it is back', () => worker.ready);
  });

  it('that stops or grants requests nobody has is not heard', () => {
    for (let count = 0; count < 1_000; count += 1) {
      proxy.connection!.send({ kind: 'bombyx.cancel', request_id: randomBytes(32) });
      proxy.connection!.send({ kind: 'bombyx.window', request_id: randomBytes(32), bytes: 1 });
    }
  });

  it('that sends more requests than it has places for is refused the rest', async () => {
    const most = worker.snapshot().jobs.max_active;
    const ids = Array.from({ length: most + 10 }, () => tell({ query: query('silent') }));
    await until('the rest is refused', () => answers.length === 10);
    assert.ok(answers.every(({ kind }) => kind === 'bombyx.answerError'));
    assert.equal(worker.snapshot().jobs.active, most);
    for (const request_id of ids) proxy.connection!.send({ kind: 'bombyx.cancel', request_id });
  });

  it('that pays with a false signature, or less than nothing, is not believed', async () => {
    const earned = () => worker.snapshot().proxies.map((account) => account.earned_tokens_committed_to_blockchain);
    const before = earned();
    const forged = proxy.signed('payout', 1_000n);
    forged.data[forged.data.length - 1]! ^= 1;
    const forAnother = proxy.signed('charge', 1_000n);
    for (const payment of [forged, forAnother, { ...forged, data: randomBytes(3) }]) {
      proxy.connection?.send(payment);
      await until('it is there', () => worker.ready);
    }
    const id = tell({ signed_payment: forged });
    await until('it is answered', () => answerTo(id) !== undefined);
    const { connection } = proxy;
    connection!.send({
      kind: 'proxy.workerRequestPayment',
      request_id: randomBytes(32),
      signed_payment: proxy.signed('payout', 0n),
      db_tokens: -1n,
      max_tokens: -(2n ** 63n),
      request_tokens: -1n,
      request_client_owner: '',
    });
    await until('it hangs up', () => connection!.signal.aborted);
    await until('it is back', () => worker.ready);
    assert.deepEqual(earned(), before);
    assert.ok(worker.snapshot().proxies.every((account) => account.earned_tokens_max_known >= 0));
  });

  it('that speaks before its handshake is done loses the connection, and may come again', async () => {
    let tries = 0;
    proxy.lie = (fn) => {
      if (fn.kind === 'worker.compareBalanceWithProxy' && ++tries < 3) tell();
      return undefined;
    };
    proxy.connection?.close();
    await until('it is back', () => tries >= 3 && worker.ready);
  });
});
