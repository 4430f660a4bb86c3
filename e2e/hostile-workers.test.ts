/** Workers that break the protocol after their handshake: the request they had fails honestly, and costs nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Connection } from '@bombyx/transport';
import { ask, chat, post, type Reply } from './testing/ask.ts';
import { type Behaviour, FALSE_MODEL, head, joinFalsely, part, response } from './testing/false-worker.ts';
import { type Billed, Network } from './testing/network.ts';
import { until } from './testing/until.ts';

const LIMITS = { 'x-bombyx-timeout-first-byte': '1', 'x-bombyx-timeout-idle': '1' };

let network: Network;
let worker: Connection | undefined;
let atStart: Billed;

before(async () => {
  network = await Network.start({ proxyConfig: { max_attempts: 1 } });
});
after(() => network[Symbol.asyncDispose]());
beforeEach(() => {
  atStart = network.billed();
});
afterEach(async () => {
  worker?.close();
  worker = undefined;
  await until('it is gone', () => network.proxy.snapshot().worker_connections.length === 1);
  await network.settled();
  assert.deepEqual(network.billed(), atStart, 'nothing is billed for it');
  assert.equal((await ask(network, chat(''))).status, 200);
});

/** The text of the answer, however it ends; undefined when the connection breaks. */
async function textWith(behave: Behaviour, fields: object = {}): Promise<string | undefined> {
  worker = await joinFalsely(network, behave);
  const answer = await post(network, chat('', { model: FALSE_MODEL, ...fields }), LIMITS);
  return answer.text().catch(() => undefined);
}

async function askWith(behave: Behaviour): Promise<Reply> {
  worker = await joinFalsely(network, behave);
  return ask(network, chat('', { model: FALSE_MODEL }), LIMITS);
}

async function failsWith(status: number, behave: Behaviour): Promise<void> {
  const reply = await askWith(behave);
  assert.equal(reply.status, status, reply.error?.message);
  assert.ok(reply.error?.code, 'a coded error');
}

describe('a worker', () => {
  it('that answers requests nobody made is not heard', () =>
    failsWith(504, (_job, say) => {
      const id = randomBytes(32);
      say(head(id, response()));
      say(part(id, 'x', 1n));
      say({
        kind: 'bombyx.answerError',
        request_id: id,
        error_code: 1,
        reason: '',
        message: '',
        http_status: 1,
        retry_after_ms: 1,
        flags: 0,
      });
    }));

  it('that sends the body before the head', () => failsWith(502, (job, say) => say(part(job.request_id, 'x', 1n))));

  it('that sends something else for a head', () =>
    failsWith(502, (job, say) => say(head(job.request_id, randomBytes(64), 1n))));

  it('that counts a negative number of tokens', () =>
    failsWith(502, (job, say) => say(head(job.request_id, response({ payload: '{}' }), -1n))));

  it('that answers an impossible status', async () => {
    for (const status of [0, -1, 99, 101, 600, 0x7fff_ffff]) {
      await failsWith(502, (job, say) => say(head(job.request_id, response({ status, payload: '{}' }), 0n)));
      worker?.close();
      await until('it is gone', () => network.proxy.snapshot().worker_connections.length === 1);
    }
  });

  it('that drops its connection at once', () => failsWith(502, (_job, _say, connection) => connection.close()));

  it('that reports an error with absurd numbers', async () => {
    const reply = await askWith((job, say) =>
      say({
        kind: 'bombyx.answerError',
        request_id: job.request_id,
        error_code: -1,
        reason: 'x'.repeat(1_000),
        message: `secret\r\nSet-Cookie: a=b\u0000${'y'.repeat(100_000)}`,
        http_status: 200,
        retry_after_ms: -1,
        flags: 0,
      }),
    );
    assert.equal(reply.status, 502);
    assert.equal(reply.headers.get('set-cookie'), null);
    assert.ok(reply.error!.message.length < 1_000);
  });

  it('that puts line breaks into its headers adds none to the answer', async () => {
    const headers = [
      ['X-Good', 'a\r\nX-Injected: yes'],
      ['X-Bad\r\nX-Injected', 'yes'],
      ['Content-Length', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['Connection', 'upgrade'],
    ] as const;
    const reply = await askWith((job, say) => say(head(job.request_id, response({ headers, payload: '{}' }), 0n)));
    assert.equal(reply.headers.get('x-injected'), null);
    assert.notEqual(reply.headers.get('connection'), 'upgrade');
    assert.ok(reply.status === 200 || reply.status === 502, `status ${reply.status}`);
  });

  it('that sends a second head gives no whole answer', async () => {
    const text = await textWith(
      (job, say) => {
        say(head(job.request_id, response({ payload: 'first' })));
        setTimeout(() => say(head(job.request_id, response({ payload: 'second' }), 5n)), 50);
      },
      { stream: true },
    );
    assert.ok(!text?.includes('second'));
  });

  it('that sends more than it was granted is stopped', async () => {
    const chunk = Buffer.alloc(1 << 20, 0x20);
    const text = await textWith((job, say) => {
      say(head(job.request_id, response()));
      for (let sent = 0; sent < 8; sent += 1) say(part(job.request_id, chunk));
    });
    assert.ok(text === undefined || text.length < 8 * chunk.length);
    assert.equal(network.proxy.snapshot().buffered_bytes, 0);
  });

  it('that never ends its answer is a time-out', async () => {
    const text = await textWith((job, say) => {
      say(head(job.request_id, response({ headers: [['Content-Type', 'text/event-stream']] })));
      say(part(job.request_id, 'data: {}\n\n'));
    });
    assert.match(text ?? '', /^data: \{\}\n\n.*"code":"timeout"/s);
  });
});
