import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { event, json, lastEvents, usage } from '../testing/backend.ts';
import { httpRequest, runJob, runQueryEx } from '../testing/fake-proxy.ts';
import { Rig } from '../testing/rig.ts';
import { soon } from '../testing/soon.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
const streamed = { ...chat, stream: true };
const sse = { 'content-type': 'text/event-stream' };

/** A server that speaks raw bytes, told of each piece that comes in. */
async function rawServer(onData: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => onData(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A connection is free again a moment after its answer. */
const breathe = () => new Promise((resolve) => setTimeout(resolve, 10));

describe('a small answer', () => {
  it('goes out as one message with head, body and bill', async () => {
    const answer = { id: 'x', choices: [], usage: usage(34, 9) };
    await using rig = await Rig.ready((_request, response) => json(response, answer));
    const got = await rig.run(runJob(httpRequest(chat)));
    assert.equal(got.parts, 1);
    assert.deepEqual(JSON.parse(got.body), answer);
    assert.deepEqual(got.tokens, [34, 0, 9, 0, 43]);
    assert.equal(got.head?.status_code, 200);
    const headers = new Map(got.head?.headers.map(({ name, value }) => [name.toLowerCase(), value]));
    assert.equal(headers.get('content-length'), String(got.body.length));
    assert.equal(headers.get('content-type'), 'application/json');
    assert.match(headers.get('x-cocoon-worker-start') ?? '', /^\d+\.\d{6}$/);
  });

  it('is one message also when the server sends the head ahead of the body', async () => {
    await using rig = await Rig.ready(async (_request, response) => {
      const body = JSON.stringify({ usage: usage(1, 2) });
      response.writeHead(200, { 'content-length': body.length });
      response.flushHeaders();
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.end(body);
    });
    const got = await rig.run(runJob(httpRequest(chat)));
    assert.equal(got.parts, 1);
    assert.deepEqual(got.tokens, [1, 0, 2, 0, 3]);
  });

  it('reuses the connection to the inference server', async () => {
    await using rig = await Rig.ready((_request, response) => json(response, { usage: usage(1, 1) }));
    for (let i = 0; i < 5; i += 1) {
      await rig.run(runJob(httpRequest(chat)));
      await breathe();
    }
    assert.equal(rig.backend.accepted(), 1);
  });

  it('has no body for HEAD and 204', async () => {
    await using rig = await Rig.ready((request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 999 });
      else response.writeHead(204);
      response.end();
    });
    const head = await rig.run(runJob(httpRequest('', { method: 'HEAD', url: '/v1/x' })));
    const none = await rig.run(runJob(httpRequest('', { method: 'GET', url: '/v1/x' })));
    assert.deepEqual([head.head?.status_code, head.body, head.parts], [200, '', 1]);
    assert.deepEqual([none.head?.status_code, none.body, none.parts], [204, '', 1]);
  });
});

describe('hazard 1: streams', () => {
  it('passes events on as they come and bills them exactly', async () => {
    const text = ['a', 'b', 'c'].map((word) => event(word));
    const gate = Promise.withResolvers<void>();
    await using rig = await Rig.ready(async (request, response) => {
      assert.equal(JSON.parse(request.body).stream_options.include_usage, true);
      response.writeHead(200, sse);
      response.write(text[0]);
      await gate.promise;
      response.write(text[1]);
      response.write(text[2]);
      response.end(lastEvents(10, 3));
    });
    const message = runJob(httpRequest(streamed));
    rig.session.onMessage(message);
    await rig.connection.until(() => rig.received(message.request_id).body === text[0]); // before the server goes on
    assert.equal(rig.ended(message.request_id), false);
    gate.resolve();
    await rig.connection.until(() => rig.ended(message.request_id));
    const got = rig.received(message.request_id);
    assert.equal(got.body, text.join('') + lastEvents(10, 3));
    assert.deepEqual(got.tokens, [10, 0, 3, 0, 13]);
  });

  it('sends all events that one read brought as one part', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, sse);
      response.cork();
      for (let i = 0; i < 100; i += 1) response.write(event(String(i)));
      response.uncork();
      response.end(lastEvents(5, 100));
    });
    const got = await rig.run(runJob(httpRequest(streamed)));
    assert.ok(got.parts <= 10, `${got.parts} messages for 100 events`);
    assert.deepEqual(got.tokens, [5, 0, 100, 0, 105]);
  });

  it('bills bare JSON lines, several choices, tools, cached and reasoning tokens', async () => {
    const details = {
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const tool = { index: 1, delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":"}"' } }] } };
      response.write(`${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x' } }, tool] })}\n`);
      response.end(`${JSON.stringify({ choices: [], usage: usage(10, 30, details) })}\n`);
    });
    const got = await rig.run(runJob(httpRequest({ ...streamed, n: 2, tools: [{ type: 'function' }] })));
    assert.deepEqual(got.tokens, [6, 4, 10, 20, 40]);
  });

  it('bills with the price the request names and the multipliers of the root contract', async () => {
    await using rig = await Rig.ready((_request, response) => json(response, { usage: usage(34, 9) }));
    rig.coefficients.change(2_000);
    const got = await rig.run(runJob(httpRequest(chat), { coefficient: 2_000 }));
    assert.deepEqual(got.tokens, [68, 0, 18, 0, 86]);
  });

  it('splits a large answer into parts of at most a megabyte', async () => {
    const size = 3_500_000;
    await using rig = await Rig.ready((_request, response) => response.end(Buffer.alloc(size, 0x20)));
    const got = await rig.run(runJob(httpRequest(chat), { window: 1 << 24 }));
    assert.equal(got.body.length, size);
    for (const one of rig.connection.sent) if (one.kind === 'bombyx.answerPart') assert.ok(one.data.length <= 1 << 20);
  });
});

describe('what the inference server says is passed on', () => {
  for (const status of [400, 429, 500, 503]) {
    it(`a status of ${status} with its body`, async () => {
      const problem = { error: { message: 'no', type: 'x' } };
      await using rig = await Rig.ready((_request, response) => json(response, problem, status));
      const got = await rig.run(runJob(httpRequest(chat)));
      assert.equal(got.head?.status_code, status);
      assert.deepEqual(JSON.parse(got.body), problem);
      assert.equal(got.error, undefined);
      assert.deepEqual(got.tokens, [0, 0, 0, 0, 0]);
    });
  }

  it('hazards 6 and 14: without the headers of the connection or about the machine, in any spelling', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, {
        'Content-LENGTH': 2,
        Server: 'uvicorn',
        'Set-Cookie': 'a=b',
        Connection: 'keep-alive, X-Hop',
        'X-Hop': '1',
        'X-Request-Id': 'r',
      });
      response.end('{}');
    });
    const got = await rig.run(runJob(httpRequest(chat)));
    const names = got.head?.headers.map(({ name }) => name.toLowerCase()).sort();
    assert.deepEqual(names, ['content-length', 'date', 'x-cocoon-worker-end', 'x-cocoon-worker-start', 'x-request-id']);
  });

  it('interim answers are not mistaken for the answer', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' });
      json(response, { usage: usage(1, 1) });
    });
    assert.equal((await rig.run(runJob(httpRequest(chat)))).head?.status_code, 200);
  });
});

describe('hazard 7: an answer that is not whole is an error', () => {
  it('when the server dies during a stream; what was delivered is billed', async () => {
    await using rig = await Rig.ready(async (_request, response) => {
      response.writeHead(200, sse);
      for (const word of ['a', 'b', 'c']) response.write(event(word));
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.destroy();
    });
    const got = await rig.run(runJob(httpRequest(streamed)));
    assert.equal(got.error?.reason, 'JOB_UPSTREAM_BROKE');
    assert.equal(got.body, event('a') + event('b') + event('c'));
    assert.deepEqual(got.tokens, [0, 0, 3, 0, 3]);
  });

  it('when fewer bytes come than were announced', async () => {
    await using server = await rawServer((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":1'),
    );
    await using rig = await Rig.ready(() => {}, { origin: server.origin });
    const got = await rig.run(runJob(httpRequest(chat)));
    assert.equal(got.error?.reason, 'JOB_UPSTREAM_BROKE');
    assert.equal(got.head, undefined, 'nothing was delivered: another worker may still do it');
  });

  it('when a body without a length stops in the middle of an event or value', async () => {
    const heads = ['text/event-stream', 'application/json'].map(
      (type) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`,
    );
    const cases: [string, string, boolean][] = [
      [heads[0]!, event('a') + event('b').slice(0, 20), true],
      [heads[0]!, event('a') + lastEvents(1, 1), false],
      [heads[1]!, '{"choices":[', true],
      [heads[1]!, '{"choices":[]} \n', false],
    ];
    for (const [head, body, broken] of cases) {
      await using server = await rawServer((socket) => socket.end(head + body));
      await using rig = await Rig.ready(() => {}, { origin: server.origin });
      const got = await rig.run(runJob(httpRequest(chat)));
      assert.equal(got.error?.reason, broken ? 'JOB_UPSTREAM_BROKE' : undefined);
    }
  });

  it('when the server closes without a word', async () => {
    await using server = await rawServer((socket) => socket.end());
    await using rig = await Rig.ready(() => {}, { origin: server.origin });
    const got = await rig.run(runJob(httpRequest(chat)));
    assert.equal(got.error?.reason, 'JOB_UPSTREAM_BROKE');
    assert.equal(got.head, undefined);
  });

  it('when the head is not HTTP', async () => {
    await using server = await rawServer((socket) => socket.end('HELLO\r\n\r\n'));
    await using rig = await Rig.ready(() => {}, { origin: server.origin });
    assert.equal((await rig.run(runJob(httpRequest(chat)))).error?.reason, 'JOB_UPSTREAM_MALFORMED');
  });

  it('when the head is larger than anyone needs', async () => {
    await using server = await rawServer((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
    );
    await using rig = await Rig.ready(() => {}, { origin: server.origin });
    assert.equal((await rig.run(runJob(httpRequest(chat)))).error?.reason, 'JOB_UPSTREAM_MALFORMED');
  });

  it('when nobody listens', async () => {
    await using server = await rawServer(() => {});
    await server[Symbol.asyncDispose]();
    await using rig = await Rig.ready(() => {}, { origin: server.origin });
    const got = await rig.run(runJob(httpRequest(chat)));
    assert.equal(got.error?.reason, 'JOB_UPSTREAM_UNREACHABLE');
    assert.equal(got.error?.code, 651);
  });

  it('but an idle connection that the server closed meanwhile is simply replaced', async () => {
    let served = 0;
    await using server = await rawServer((socket) => {
      served += 1;
      if (served === 2)
        socket.end(); // the second request on a kept connection finds it closing
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    });
    await using rig = await Rig.ready(() => {}, { origin: server.origin });
    for (let i = 0; i < 2; i += 1) {
      assert.equal((await rig.run(runJob(httpRequest(chat)))).body, '{}');
      await breathe();
    }
    assert.equal(served, 3);
  });
});

describe('time limits', () => {
  const silent = () => {};
  it('end a request the server never answers, and the server sees the connection close', async () => {
    await using rig = await Rig.ready(silent);
    const got = await rig.run(runJob(httpRequest(chat), { first_byte_timeout_ms: 100 }));
    assert.equal(got.error?.reason, 'JOB_TIMEOUT');
    assert.equal(got.error?.code, 652);
    assert.match(got.error?.message ?? '', /^worker: timeout: the inference server sent nothing for 100 ms/);
    assert.deepEqual(got.tokens, [0, 0, 0, 0, 0]);
    await soon(rig.backend.seen[0]?.aborted, 'stopping the inference server');
  });

  it('end a stream that pauses, billed for what was delivered', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, sse);
      response.write(event('a'));
    });
    const got = await rig.run(runJob(httpRequest(streamed), { idle_timeout_ms: 100 }));
    assert.match(got.error?.message ?? '', /paused for 100 ms/);
    assert.deepEqual(got.tokens, [0, 0, 1, 0, 1]);
    assert.equal(got.body, event('a'));
  });

  it('end a stream that never ends', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, sse);
      const timer = setInterval(() => response.write(event('a')), 10);
      response.on('close', () => clearInterval(timer));
    });
    const got = await rig.run(runJob(httpRequest(streamed), { total_timeout_ms: 150 }));
    assert.match(got.error?.message ?? '', /longer than 150 ms/);
    assert.ok(Number(got.tokens?.[4]) >= 1);
  });

  it('below version 3 are one limit, of which this hop keeps a twentieth', async () => {
    await using rig = await Rig.ready(silent, { version: 2 });
    const got = await rig.run(runQueryEx(httpRequest(chat), { timeout: 0.2 }));
    assert.match(got.body, /longer than 190 ms/);
  });

  it('must be positive numbers', async () => {
    await using rig = await Rig.ready(silent);
    for (const fields of [
      { total_timeout_ms: 0 },
      { idle_timeout_ms: -1 },
      { first_byte_timeout_ms: 0 },
      { window: -1 },
      { max_tokens: -1 },
    ]) {
      assert.equal((await rig.run(runJob(httpRequest(chat), fields))).error?.reason, 'JOB_INVALID');
    }
    for (const timeout of [Number.NaN, -1, 0]) {
      assert.match((await rig.run(runQueryEx(httpRequest(chat), { timeout }))).body, /timeout must be positive/);
    }
    assert.equal(rig.backend.seen.length, 0);
  });
});

describe('cancel', () => {
  it('stops the inference server within one chunk and bills what was delivered', async () => {
    let written = 0;
    const stopped = Promise.withResolvers<void>();
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, sse);
      const timer = setInterval(() => {
        written += 1;
        response.write(event('x'));
      }, 50);
      response.on('close', () => {
        clearInterval(timer);
        stopped.resolve();
      });
    });
    const message = runJob(httpRequest(streamed));
    rig.session.onMessage(message);
    await rig.connection.until(() => rig.received(message.request_id).body.length > 0);
    rig.session.onMessage({ kind: 'bombyx.cancel', request_id: message.request_id });
    const got = rig.received(message.request_id);
    assert.equal(got.error?.reason, 'JOB_CANCELLED');
    const delivered = got.body.split('data:').length - 1;
    assert.deepEqual(got.tokens, [0, 0, delivered, 0, delivered]);
    await soon(stopped.promise, 'stopping the inference server');
    assert.ok(written <= delivered + 2, `${written} written, ${delivered} delivered`);
    assert.equal(rig.runner.active, 0);
  });

  it('before the server has answered stops it, too, and costs nothing', async () => {
    const begun = Promise.withResolvers<void>();
    await using rig = await Rig.ready(() => begun.resolve());
    const message = runJob(httpRequest(chat));
    rig.session.onMessage(message);
    await begun.promise;
    rig.session.onMessage({ kind: 'bombyx.cancel', request_id: message.request_id });
    assert.deepEqual(rig.received(message.request_id).tokens, [0, 0, 0, 0, 0]);
    await soon(rig.backend.seen[0]?.aborted, 'stopping the inference server');
  });

  it('in the tick the request came never reaches the server', async () => {
    await using rig = await Rig.ready((_request, response) => json(response, {}));
    const message = runJob(httpRequest(chat));
    rig.session.onMessage(message);
    rig.session.onMessage({ kind: 'bombyx.cancel', request_id: message.request_id });
    assert.equal(rig.received(message.request_id).error?.reason, 'JOB_CANCELLED');
    await rig.run(runJob(httpRequest(chat)));
    assert.ok(rig.backend.seen.length <= 2);
    assert.equal(rig.runner.active, 0);
  });

  it('of a request that is not there changes nothing', async () => {
    await using rig = await Rig.ready(() => {});
    rig.session.onMessage({ kind: 'bombyx.cancel', request_id: Buffer.alloc(32) });
    assert.deepEqual(rig.connection.sent, []);
  });

  it('hazard 10: a lost proxy connection stops its requests and sends nothing more', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, sse);
      const timer = setInterval(() => response.write(event('x')), 10);
      response.on('close', () => clearInterval(timer));
    });
    const message = runJob(httpRequest(streamed));
    rig.session.onMessage(message);
    await rig.connection.until(() => rig.received(message.request_id).body.length > 0);
    rig.connection.close('lost');
    assert.equal(rig.runner.active, 0);
    assert.equal(rig.session.activeJobs, 0);
    await soon(rig.backend.seen[0]?.aborted, 'stopping the inference server');
    assert.equal(rig.stats.errors.get('JOB_CANCELLED'), 1);
  });
});

describe('a slow reader', () => {
  const size = 32 * 1_048_576;
  /** Writes as fast as it may; counts what it got rid of. */
  function firehose(count: { written: number }) {
    const block = Buffer.alloc(65_536, 0x20);
    return (_request: unknown, response: import('node:http').ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const more = () => {
        while (count.written < size) {
          count.written += block.length;
          if (!response.write(block)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    };
  }
  const settle = () => new Promise((resolve) => setTimeout(resolve, 100));
  /** Kernel socket buffers on both sides, by far. */
  const IN_FLIGHT = 20 * 1_048_576;

  it('of version 3 gets exactly what it granted, and the server is made to wait', async () => {
    const count = { written: 0 };
    await using rig = await Rig.ready(firehose(count));
    const message = runJob(httpRequest(chat), { window: 100_000 });
    rig.session.onMessage(message);
    const delivered = () => rig.received(message.request_id).body.length;
    await rig.connection.until(() => delivered() === 100_000);
    await settle();
    assert.equal(delivered(), 100_000);
    assert.ok(count.written < IN_FLIGHT, `${count.written} bytes written against a window of 100000`);
    rig.session.onMessage({ kind: 'bombyx.window', request_id: message.request_id, bytes: 50_000 });
    await rig.connection.until(() => delivered() === 150_000);
    await settle();
    assert.equal(delivered(), 150_000);
    rig.session.onMessage({ kind: 'bombyx.cancel', request_id: message.request_id });
  });

  it('of version 2 is followed by the state of its connection', async () => {
    const count = { written: 0 };
    await using rig = await Rig.ready(firehose(count), { version: 2 });
    rig.connection.accepts = false;
    const message = runQueryEx(httpRequest(chat));
    rig.session.onMessage(message);
    await rig.connection.until((sent) => sent.length === 1);
    await settle();
    assert.equal(rig.connection.sent.length, 1, 'nothing follows a send that was answered with false');
    assert.ok(count.written < IN_FLIGHT);
    rig.connection.drain();
    await rig.connection.until(() => rig.ended(message.request_id));
    assert.equal(rig.received(message.request_id).body.length, size);
  });

  it('is not a slow server: its pauses do not count as idle time', async () => {
    await using rig = await Rig.ready((_request, response) => response.end('x'.repeat(200_000)));
    const message = runJob(httpRequest(chat), { window: 10, idle_timeout_ms: 60, total_timeout_ms: 60_000 });
    rig.session.onMessage(message);
    await rig.connection.until(() => rig.received(message.request_id).body.length === 10);
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.equal(rig.ended(message.request_id), false);
    rig.session.onMessage({ kind: 'bombyx.window', request_id: message.request_id, bytes: 1_000_000 });
    await rig.connection.until(() => rig.ended(message.request_id));
    assert.equal(rig.received(message.request_id).body.length, 200_000);
  });

  it('gets a small announced body piece by piece, too', async () => {
    const body = 'x'.repeat(60_000);
    await using rig = await Rig.ready((_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.end(body);
    });
    const message = runJob(httpRequest(chat), { window: 1_000 });
    rig.session.onMessage(message);
    for (let granted = 1_000; granted < body.length; granted += 20_000) {
      await rig.connection.until(() => rig.received(message.request_id).body.length === granted);
      rig.session.onMessage({ kind: 'bombyx.window', request_id: message.request_id, bytes: 20_000 });
    }
    await rig.connection.until(() => rig.ended(message.request_id));
    assert.equal(rig.received(message.request_id).body, body);
  });

  it('with a window as large as the answer still learns its end', async () => {
    await using rig = await Rig.ready((_request, response) => {
      response.write('x'.repeat(1_000));
      setTimeout(() => response.end(), 20);
    });
    const got = await rig.run(runJob(httpRequest(chat), { window: 1_000 }));
    assert.equal(got.body.length, 1_000);
    assert.equal(got.error, undefined);
  });
});
