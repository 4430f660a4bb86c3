/** Whatever a caller sends gets an OpenAI error object at once, and the next request works. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { ClientError } from '@bombyx/client';
import { type Answer, chat, gatewayFor, HELLO, rawExchange, until } from './harness.ts';

interface Expected {
  readonly method?: string;
  readonly path?: string;
  readonly status: number;
  readonly code?: string;
  readonly param?: string;
  readonly also?: (answer: Answer) => void;
}

/** Every request that killed or hung the C++ client, by the title of its recording. */
const RECORDED: Record<string, Expected> = {
  'missing model': { status: 400, code: 'missing_model', param: 'model' },
  'unknown model': { status: 404, code: 'model_not_found', param: 'model' },
  'unknown top-level option (user)': { status: 200 },
  tools: { status: 200 },
  'seed (allowed by OpenAI chat API)': { status: 200 },
  'max_tokens negative': { status: 400, code: 'invalid_value', param: 'max_tokens' },
  'max_tokens 2e9 (more than the balance)': { status: 402, code: 'balance' },
  'max_coefficient 1 (worker asks 1000)': { status: 409, code: 'price' },
  'unsupported path POST /v1/embeddings': { path: '/v1/embeddings', status: 200 },
  'GET unknown path': { method: 'GET', path: '/unknown', status: 404, code: 'unknown_path' },
  'backend answers 500': { status: 500, also: (answer) => assert.equal(answer.json.error.message, 'forced') },
  'backend answers 429': { status: 429, also: (answer) => assert.equal(answer.json.error.message, 'forced') },
  'backend closes after 2 of 5 stream chunks (ndjson)': {
    status: 200,
    also: (answer) => {
      assert.match(answer.text, /\n\ndata: \{"error":\{"message":"the worker was lost",.*"code":"worker".*\}\}\n\n$/);
      assert.ok(!answer.text.includes('[DONE]'));
    },
  },
  'backend slower than timeout (timeout 3 s, first byte at 6 s)': { status: 504, code: 'timeout' },
  'enable_debug + request_guid': {
    status: 200,
    also: (answer) => assert.equal(answer.json.debug.client.type, 'client_stats'),
  },
  'OPTIONS-like GET /v1/chat/completions': { method: 'GET', status: 405, code: 'method_not_allowed' },
};

test('every bad request recorded from the C++ client is answered', async (t) => {
  const file = new URL('../../../vectors/cocoon-cpp/stats/errors.txt', import.meta.url);
  const sections = readFileSync(file, 'utf8').split(/^=== /m).slice(1);
  assert.deepEqual(
    sections.map((section) => section.split('\n')[0]),
    Object.keys(RECORDED),
  );
  const { ask } = await gatewayFor(t);
  for (const section of sections) {
    const [title = '', second = ''] = section.split('\n');
    const expected = RECORDED[title] as Expected;
    const body = second.startsWith('body: ') ? second.slice(6) : undefined;
    const answer = await ask(expected.method ?? 'POST', expected.path ?? '/v1/chat/completions', body);
    assert.equal(answer.status, expected.status, title);
    if (expected.code) checkError(answer, expected.code, expected.param, title);
    expected.also?.(answer);
    assert.equal((await ask('POST', '/v1/chat/completions', HELLO)).status, 200, `after ${title}`);
  }
});

function checkError(answer: Answer, code: string, param: string | undefined, title: string): void {
  const { error } = answer.json;
  assert.equal(error.code, code, title);
  assert.equal(error.param, param ?? null, title);
  assert.equal(typeof error.message, 'string', title);
  assert.equal(error.type, answer.status < 500 && answer.status !== 429 ? 'invalid_request_error' : error.type, title);
  assert.ok(answer.headers['x-request-id'], title);
}

const BODIES: [title: string, body: unknown, code: string, param?: string][] = [
  ['empty body', '', 'bad_json'],
  ['not JSON', 'hello', 'bad_json'],
  ['an array', '[1]', 'bad_json'],
  ['a number', '7', 'bad_json'],
  ['text after the object', '{"model":"m"}x', 'bad_json'],
  ['a comment', '{/*x*/"model":"m"}', 'bad_json'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc0, 0x22, 0x3a, 0x31, 0x7d]), 'bad_json'],
  ['a byte order mark', '\ufeff{"model":"m"}', 'bad_json'],
  ['deep nesting', `{"a":${'['.repeat(100_000)}`, 'bad_json'],
  ['model not a text', { model: 5 }, 'invalid_value', 'model'],
  ['model empty', { model: '' }, 'invalid_value', 'model'],
  ['model null', { model: null }, 'missing_model', 'model'],
  ['model twice', '{"model":"a","model":"b"}', 'duplicate_field', 'model'],
  ['model twice, once escaped', '{"model":"a","\\u006dodel":"b"}', 'duplicate_field', 'model'],
  ['max_tokens twice', '{"model":"a","max_tokens":1,"max_tokens":2}', 'duplicate_field', 'max_tokens'],
  ['stream twice', '{"model":"a","stream":true,"stream":false}', 'duplicate_field', 'stream'],
  ['max_tokens fraction', { ...HELLO, max_tokens: 1.5 }, 'invalid_value', 'max_tokens'],
  ['max_tokens text', { ...HELLO, max_tokens: '5' }, 'invalid_value', 'max_tokens'],
  ['max_tokens beyond 32 bits', { ...HELLO, max_tokens: 4_294_967_297 }, 'invalid_value', 'max_tokens'],
  ['max_tokens huge', '{"model":"m","max_tokens":1e999}', 'invalid_value', 'max_tokens'],
  ['max_completion_tokens negative', { ...HELLO, max_completion_tokens: -1 }, 'invalid_value', 'max_completion_tokens'],
  ['n zero', { ...HELLO, n: 0 }, 'invalid_value', 'n'],
  ['n times max_tokens beyond 32 bits', { ...HELLO, n: 2, max_tokens: 2_147_483_647 }, 'invalid_value', 'max_tokens'],
  ['max_coefficient negative', { ...HELLO, max_coefficient: -1 }, 'invalid_value', 'max_coefficient'],
  ['timeout zero', { ...HELLO, timeout: 0 }, 'invalid_value', 'timeout'],
  ['timeout negative', { ...HELLO, timeout: -1 }, 'invalid_value', 'timeout'],
  ['timeout endless', '{"model":"m","timeout":1e999}', 'invalid_value', 'timeout'],
  ['enable_debug a text', { ...HELLO, enable_debug: 'yes' }, 'invalid_value', 'enable_debug'],
  ['request_guid too long', { ...HELLO, request_guid: 'x'.repeat(513) }, 'invalid_value', 'request_guid'],
];

test('a body that is wrong is refused with the field and never with its content', async (t) => {
  const { ask, client } = await gatewayFor(t);
  for (const [title, body, code, param] of BODIES) {
    const answer = await ask('POST', '/v1/chat/completions', body);
    assert.equal(answer.status, 400, title);
    checkError(answer, code, param, title);
    assert.ok(!answer.text.includes('hello'), title);
  }
  assert.equal(client.runs.length, 0);
});

test('headers that are wrong are refused by their name', async (t) => {
  const { ask } = await gatewayFor(t);
  const names = [
    'x-bombyx-max-coefficient',
    'x-bombyx-timeout-total',
    'x-bombyx-timeout-first-byte',
    'x-bombyx-timeout-idle',
  ];
  for (const name of names) {
    for (const value of ['-1', 'abc', '1e9', 'NaN', '']) {
      const answer = await ask('POST', '/v1/chat/completions', HELLO, { [name]: value });
      assert.equal(answer.status, 400, `${name}: ${value}`);
      checkError(answer, 'invalid_value', name, name);
    }
  }
});

test('a packed body is refused: nobody further on would know that it is packed', async (t) => {
  const { ask } = await gatewayFor(t);
  const answer = await ask('POST', '/v1/chat/completions', HELLO, { 'content-encoding': 'gzip' });
  assert.equal(answer.status, 400);
  checkError(answer, 'unsupported', undefined, 'gzip');
});

test('a path cannot climb out of /v1', async (t) => {
  const { ask, client } = await gatewayFor(t);
  const paths = [
    '/v1/../metrics',
    '/v1/a/..',
    '/v1/%2e%2e/metrics',
    '/v1/.%2E%2fmetrics',
    '/v1/..%5cmetrics',
    '/v1/a%00b',
    '/v1/a\\b',
    '/v1/a|b',
  ];
  for (const path of paths) {
    const answer = await ask('POST', path, HELLO);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.json.error.code, 'unknown_path', path);
  }
  assert.equal(client.runs.length, 0);
});

test('HTTP that is broken or smuggles is answered 400 and ends its connection', async (t) => {
  const { port, ask } = await gatewayFor(t);
  for (const bytes of [
    'hello\r\n\r\n',
    'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n',
    'GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ]) {
    const answer = await rawExchange(port, bytes);
    assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(bytes));
    assert.match(answer, /"code":"bad_http"/);
  }
  assert.match(
    await rawExchange(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 .*headers_too_large/s,
  );
  assert.equal((await ask('GET', '/health')).status, 200);
});

test('a head or body that comes too slowly is answered 408', async (t) => {
  const { port, client, ask } = await gatewayFor(t, undefined, { bodyTimeoutMs: 200 });
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n';
  const before = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';
  assert.match(await rawExchange(port, before + head), /^HTTP\/1\.1 200 .*HTTP\/1\.1 408 /s);
  for (const bytes of [head, `${head}Content-Length: 100\r\n\r\n{"model"`]) {
    const answer = await rawExchange(port, bytes);
    assert.match(answer, /^HTTP\/1\.1 408 .*"code":"body_timeout"/s);
  }
  assert.equal(client.runs.length, 0);
  assert.equal((await ask('GET', '/health')).json.in_flight, 0);
});

test('100 MB are refused without keeping them, with a length and chunked', async (t) => {
  const { port, client, ask } = await gatewayFor(t, undefined, { maxBodyBytes: 1_000_000 });
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
  const block = Buffer.alloc(64 * 1024, ' ');
  const chunk = Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from('\r\n')]);
  for (const [framing, piece] of [
    [`Content-Length: ${1_600 * block.length}\r\n\r\n`, block],
    ['Transfer-Encoding: chunked\r\n\r\n', chunk],
  ] as const) {
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const socket = net.connect(port, '127.0.0.1');
    let answer = '';
    let closed = false;
    socket.setEncoding('utf8').on('data', (text) => (answer += text));
    socket.on('error', () => {}).on('close', () => (closed = true));
    socket.write(head + framing);
    for (let i = 0; i < 1_600 && !closed; i++) {
      if (!socket.write(piece)) await new Promise<void>((done) => socket.once('drain', done).once('close', done));
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
    await until(() => answer.includes('}}'), 'the refusal');
    socket.destroy();
    assert.match(answer, /^HTTP\/1\.1 413 .*"code":"body_too_large"/s);
    assert.ok(peak < 32 * 1024 * 1024, `kept ${peak} bytes`);
  }
  assert.equal(client.runs.length, 0);
  await until(() => true, 'a turn');
  assert.equal((await ask('GET', '/health')).json.in_flight, 0);
});

test('a body announced as too large is refused before it is sent', async (t) => {
  const { port } = await gatewayFor(t);
  const head =
    'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n';
  const answer = await rawExchange(port, head);
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('more requests, or more body bytes, than are held at once are answered 429 with a time', async (t) => {
  const { ask, client } = await gatewayFor(t, () => {}, { maxConcurrentRequests: 2, maxHeldBodyBytes: 1_000 });
  const waiting = [ask('POST', '/v1/chat/completions', HELLO), ask('POST', '/v1/chat/completions', HELLO)];
  for (const one of waiting) one.catch(() => {});
  await until(() => client.runs.length === 2, 'two requests');
  const third = await ask('POST', '/v1/chat/completions', HELLO);
  assert.equal(third.status, 429);
  assert.equal(third.json.error.type, 'rate_limit_error');
  assert.equal(third.headers['retry-after'], '1');
  for (const run of client.runs) run.sink.error(new ClientError('CLIENT_TIMEOUT', 'late'));
  for (const one of waiting) assert.equal((await one).status, 504);
  const large = await ask('POST', '/v1/chat/completions', chat('x'.repeat(2_000)));
  assert.equal(large.status, 429);
  const again = ask('POST', '/v1/chat/completions', chat('x'.repeat(800)));
  await until(() => client.runs.length === 3, 'a request after the bodies were let go');
  client.last.sink.error(new ClientError('CLIENT_TIMEOUT', 'late'));
  assert.equal((await again).status, 504);
});

test('a caller that leaves inside its body leaves nothing behind', async (t) => {
  const { port, ask, client } = await gatewayFor(t);
  const socket = net.connect(port, '127.0.0.1');
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"model"');
  await until(() => true, 'a turn');
  socket.destroy();
  const deadline = Date.now() + 10_000;
  while ((await ask('GET', '/health')).json.in_flight !== 0) assert.ok(Date.now() < deadline);
  assert.equal(client.runs.length, 0);
});
