/** How an answer gets to its caller: at the caller's pace, whole or visibly broken. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ClientError } from '@bombyx/client';
import { type Backend, TOKENS } from './fake-client.ts';
import { chat, gatewayFor, HELLO, until } from './harness.ts';

const REQUEST = (body: string) =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const SSE: [string, string][] = [['content-type', 'text/event-stream']];

/** Sends `parts` parts as long as the reader's window allows, like a proxy of protocol version 3. */
function windowed(parts: number, size: number, window: number): Backend {
  return (run) => {
    let sent = 0;
    const more = () => {
      while (sent < parts * size && sent + size - run.consumed <= window) {
        sent += size;
        run.sink.part(Buffer.alloc(size, 'x'));
      }
      if (sent === parts * size) {
        run.onConsumed = () => {};
        run.sink.end({ tokens: TOKENS });
      }
    };
    run.onConsumed = () => setImmediate(more);
    run.sink.head(200, 'OK', SSE);
    more();
  };
}

test('a reader that stops stops the sender, and gets everything when it goes on', async (t) => {
  const parts = 1_024;
  const size = 64 * 1024;
  const { port, client } = await gatewayFor(t, windowed(parts, size, 4 * size));
  const socket = net.connect(port, '127.0.0.1');
  socket.pause();
  socket.write(REQUEST(JSON.stringify(HELLO)));
  await until(() => client.runs.length === 1 && client.last.consumed > 0, 'the start');
  let before = -1;
  while (before !== client.last.consumed) {
    before = client.last.consumed;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.ok(before < (parts * size) / 2, `${before} bytes went to a reader that reads nothing`);
  let body = 0;
  socket.on('data', (chunk) => (body += chunk.length));
  socket.resume();
  await new Promise((done) => socket.once('close', done));
  assert.ok(body > parts * size);
  assert.ok(client.last.consumed <= parts * size);
  assert.equal(client.last.cancelled, false);
});

test('a reader that leaves while it is slow cancels the request', async (t) => {
  const { port, client, ask } = await gatewayFor(t, windowed(1_024, 64 * 1024, 256 * 1024));
  const socket = net.connect(port, '127.0.0.1');
  socket.pause();
  socket.write(REQUEST(JSON.stringify(HELLO)));
  await until(() => client.runs.length === 1 && client.last.consumed > 0, 'the start');
  socket.destroy();
  await until(() => client.last.cancelled, 'the cancel');
  assert.equal((await ask('GET', '/health')).json.in_flight, 0);
});

test('a caller that neither reads nor leaves is cut off once the request is over', async (t) => {
  const { port, client, ask } = await gatewayFor(
    t,
    (run) => {
      run.sink.head(200, 'OK', SSE);
      run.sink.part(Buffer.alloc(64 * 1024 * 1024, 'x'));
      run.sink.end({ tokens: TOKENS });
    },
    { totalTimeoutMs: 200, drainTimeoutMs: 200 },
  );
  const socket = net.connect(port, '127.0.0.1').on('error', () => {});
  socket.pause();
  socket.write(REQUEST(JSON.stringify(HELLO)));
  await until(() => client.runs.length === 1, 'the request');
  const deadline = Date.now() + 10_000;
  while ((await ask('GET', '/health')).json.in_flight !== 0) assert.ok(Date.now() < deadline, 'still held');
  socket.destroy();
});

test('an answer that comes at once has a length; one in pieces is chunked and its pieces are not held back', async (t) => {
  const { ask, client, port } = await gatewayFor(t);
  const whole = await ask('POST', '/v1/chat/completions', HELLO);
  assert.equal(Number(whole.headers['content-length']), Buffer.byteLength(whole.text));
  assert.equal(whole.headers['transfer-encoding'], undefined);

  client.backend = (run) => {
    run.sink.head(200, 'OK', SSE);
    setTimeout(() => run.sink.part(Buffer.from('data: 1\n\n')), 5);
  };
  const req = http.request({ port, method: 'POST', path: '/v1/chat/completions' }).end(JSON.stringify(HELLO));
  const res = await new Promise<http.IncomingMessage>((done) => req.once('response', done));
  assert.equal(res.headers['transfer-encoding'], 'chunked');
  const first = await new Promise((done) => res.once('data', done));
  assert.equal(String(first), 'data: 1\n\n');
  client.last.sink.end({ tokens: TOKENS });
  assert.equal(await text(res), '');
});

for (const { what, includeUsage } of [
  { what: 'a caller who asked for the usage', includeUsage: true },
  { what: 'a caller who did not', includeUsage: false },
]) {
  test(`a stream that is cut inside an event gives ${what} whole events and the error, and no half of one`, async (t) => {
    const { ask } = await gatewayFor(t, (run) => {
      run.sink.head(200, 'OK', SSE);
      setTimeout(() => {
        run.sink.part(Buffer.from('data: {"choices":[{"delta":1}]}\n\ndata: {"choices":[{"del'));
        setTimeout(() => run.sink.error(new ClientError('CLIENT_PROXY_LOST', 'lost')), 5);
      }, 5);
    });
    const stream = { ...HELLO, stream: true, stream_options: { include_usage: includeUsage } };
    const { text: body } = await ask('POST', '/v1/chat/completions', stream);
    const data = body.split('\n\n').filter((event) => event !== '');
    const parsed = data.map((event) => JSON.parse(event.replace(/^data: /, '')) as { error?: { code: string } });
    assert.deepEqual(
      parsed.map(({ error }) => error?.code),
      [undefined, 'proxy_lost'],
    );
  });
}

test('a stream whose last event has no end is passed whole', async (t) => {
  const { ask } = await gatewayFor(t, (run) => {
    run.sink.head(200, 'OK', SSE);
    setTimeout(() => {
      run.sink.part(Buffer.from('data: 1\n\ndata: 2'));
      setTimeout(() => run.sink.end({ tokens: TOKENS }), 5);
    }, 5);
  });
  assert.equal((await ask('POST', '/v1/chat/completions', { ...HELLO, stream: true })).text, 'data: 1\n\ndata: 2');
});

test('an answer that breaks off is a broken transfer where it is no event stream', async (t) => {
  const { ask, client } = await gatewayFor(t, (run) => {
    run.sink.head(200, 'OK', [['content-type', 'application/json']]);
    run.sink.part(Buffer.from('{"half":'));
    setTimeout(() => run.sink.error(new ClientError('CLIENT_PROXY_LOST', 'lost')), 5);
  });
  await assert.rejects(ask('POST', '/v1/chat/completions', HELLO), { code: 'ECONNRESET' });
  client.backend = (run) => {
    run.sink.head(200, 'OK', [['content-type', 'application/json']]);
    run.sink.error(new ClientError('CLIENT_PROXY_LOST', 'lost')); // in the same turn: nothing was written yet
  };
  const answer = await ask('POST', '/v1/chat/completions', HELLO);
  assert.equal(answer.status, 502);
  assert.equal(answer.json.error.code, 'proxy_lost');
});

test('what a worker answers cannot break the head of the answer or speak for us', async (t) => {
  const { ask, client } = await gatewayFor(t, (run) => {
    run.sink.head(200, 'OK\r\nX-Evil: 1', [
      ['content-type', 'text/plain'],
      ['x-split', 'a\r\nx-evil: 1'],
      ['x evil', '1'],
      ['Set-Cookie', 'a=b'],
      ['Access-Control-Allow-Origin', '*'],
      ['Content-Length', '999'],
      ['Transfer-Encoding', 'gzip'],
      ['X-Cocoon-Worker-Start', '1.5'],
    ]);
    run.sink.part(Buffer.from('ok'));
    run.sink.end({ tokens: TOKENS });
  });
  const answer = await ask('POST', '/v1/chat/completions', HELLO);
  assert.equal(answer.text, 'ok');
  for (const name of ['x-split', 'x-evil', 'set-cookie', 'access-control-allow-origin'])
    assert.equal(answer.headers[name], undefined);
  assert.equal(answer.headers['content-length'], '2');
  assert.equal(answer.headers['x-cocoon-worker-start'], '1.5');
  assert.match(String(answer.headers['x-cocoon-client-start']), /^\d{10}\.\d{6}$/);
  assert.match(String(answer.headers['x-cocoon-client-end']), /^\d{10}\.\d{6}$/);
  for (const status of [0, 101, 99_999, Number.NaN]) {
    client.backend = (run) => run.sink.head(status, '', []);
    assert.equal((await ask('POST', '/v1/chat/completions', HELLO)).status, 502);
  }
  client.backend = (run) => run.sink.end({ tokens: TOKENS });
  assert.equal((await ask('POST', '/v1/chat/completions', HELLO)).status, 502);
});

test('a translated answer gives back the window of the chat it comes from, streamed or not', async (t) => {
  const event = Buffer.from(`data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(1_000) } }] })}\n\n`);
  const backend: Backend = (run) => {
    if (run.request.path === '/v1/responses') {
      run.sink.head(404, 'Not Found', []);
      run.sink.end({ tokens: TOKENS });
      return;
    }
    let sent = 0;
    const more = () => {
      for (; sent < 100 && (sent + 1) * event.length - run.consumed <= 4 * event.length; sent++) run.sink.part(event);
      if (sent === 100) run.sink.end({ tokens: TOKENS });
    };
    run.onConsumed = () => setImmediate(more);
    run.sink.head(200, 'OK', SSE);
    more();
  };
  const { ask } = await gatewayFor(t, backend);
  for (const stream of [false, true]) {
    const answer = await ask('POST', '/v1/responses', { model: HELLO.model, input: 'x', stream });
    assert.equal(answer.status, 200);
    const response = stream
      ? JSON.parse(/event: response.completed\ndata: (.*)/.exec(answer.text)?.[1] ?? '').response
      : answer.json;
    assert.equal(response.output[0].content[0].text.length, 100_000);
  }
});

test('an answer to a translated response that is not what it should be is a 502', async (t) => {
  const { ask, client } = await gatewayFor(t, undefined, { maxHeldAnswerBytes: 1_000 });
  const broken = (type: string, bytes: string): Backend => {
    return (run) => {
      if (run.request.path === '/v1/responses')
        return run.sink.error(new ClientError('CLIENT_BAD_REQUEST', 'unsupported method'));
      run.sink.head(200, 'OK', [['content-type', type]]);
      run.sink.part(Buffer.from(bytes));
      run.sink.end({ tokens: TOKENS });
    };
  };
  for (const [type, bytes] of [
    ['application/json', 'not json'],
    ['application/json', ' '.repeat(2_000)],
    ['text/event-stream', 'data: {broken\n\n'],
    ['text/event-stream', 'data: {"error":{"message":"secret"}}\n\n'],
  ] as const) {
    client.backend = broken(type, bytes);
    const answer = await ask('POST', '/v1/responses', { model: HELLO.model, input: 'x' });
    assert.equal(answer.status, 502);
    assert.equal(answer.json.error.code, 'bad_answer');
    assert.ok(!answer.text.includes('secret'));
  }
});

test('debug data is a member of a JSON answer, a line after a stream, and can be asked for later', async (t) => {
  const { ask, client } = await gatewayFor(t);
  const asked = chat('hello', { enable_debug: true, request_guid: 'abc' });
  const whole = await ask('POST', '/v1/chat/completions', asked);
  assert.equal(whole.json.choices[0].message.content, 'Silk, réellement ✓');
  assert.equal(whole.json.debug.client.type, 'client_stats');
  assert.deepEqual((await ask('GET', '/request/debuglogentry?request_guid=abc')).json, whole.json.debug);
  assert.deepEqual((await ask('GET', '/request/debuglogentry?request_guid=other')).json, {});
  const sent = JSON.parse(client.last.request.body.toString());
  assert.deepEqual(sent, { ...HELLO, max_tokens: 4096 });
  assert.equal(client.last.request.enableDebug, true);

  client.backend = (run) => {
    run.sink.head(200, 'OK', SSE);
    run.sink.part(Buffer.from('data: {"a":1}\n\n'));
    setTimeout(() => {
      run.sink.part(Buffer.from('data: [DONE]\n\n'));
      run.sink.end({ tokens: TOKENS, proxyDebug: '{"type":"proxy_stats"}', workerDebug: 'no json' });
    }, 5);
  };
  const streamed = await ask('POST', '/v1/chat/completions', asked);
  const [events, line = ''] = streamed.text.split('data: [DONE]\n\n');
  assert.equal(events, 'data: {"a":1}\n\n');
  const { debug } = JSON.parse(line);
  assert.deepEqual([debug.proxy, debug.worker], [{ type: 'proxy_stats' }, 'no json']);
});

test('closing lets a running answer end within the grace time and refuses new connections', async (t) => {
  const { ask, client, gateway } = await gatewayFor(t, () => {});
  const running = ask('POST', '/v1/chat/completions', HELLO);
  await until(() => client.runs.length === 1, 'the request');
  const closed = gateway.close(30_000);
  client.last.sink.error(new ClientError('CLIENT_CLOSED', 'shutting down'));
  assert.equal((await running).status, 503);
  await closed;
  await assert.rejects(ask('GET', '/health'));
});

test('closing without grace cuts running answers off and cancels them', async (t) => {
  const { ask, client, gateway } = await gatewayFor(t, () => {});
  const running = ask('POST', '/v1/chat/completions', HELLO);
  running.catch(() => {});
  await until(() => client.runs.length === 1, 'the request');
  await gateway.close();
  await assert.rejects(running);
  await until(() => client.last.cancelled, 'the cancel');
});
