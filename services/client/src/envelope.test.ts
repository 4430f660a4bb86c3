import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decode, encode, type Tl } from '@bombyx/wire';
import fc from 'fast-check';
import { request } from '../testing/network.ts';
import { httpResponse } from '../testing/scripted-proxy.ts';
import { decodeHead, encodeQuery, mostQueryBytes } from './envelope.ts';
import { ClientError } from './errors.ts';

const header = (name: string, value: string): Tl<'http.header'> => ({ kind: 'http.header', name, value });
const withHeaders = (...headers: [string, string][]) =>
  httpResponse('', { headers: headers.map(([n, v]) => header(n, v)) });
const sent = (over: Parameters<typeof request>[0]) => decode(encodeQuery(request(over))) as Tl<'http.request'>;
const code = (expected: string) => (error: unknown) => error instanceof ClientError && error.code === expected;

it('sends the body byte for byte, with its own length and a host that names nobody', () => {
  const body = Buffer.from('{"b":1, "a":1.0,\n "a":2}');
  const query = sent({
    body,
    headers: [
      ['Content-Type', 'application/json'],
      ['content-LENGTH', '7'],
      ['HOST', 'me.example'],
    ],
  });
  assert.deepEqual(query.payload, body);
  assert.deepEqual(
    query.headers.map(({ name, value }) => [name, value]),
    [
      ['Host', 'localhost'],
      ['Content-Type', 'application/json'],
      ['Content-Length', String(body.length)],
    ],
  );
});

for (const [what, over] of [
  ['a method with a blank', { method: 'GET /' }],
  ['an empty method', { method: '' }],
  ['a path with a line break', { path: '/v1/x\r\nEvil: 1' }],
  ['a path that is a URL', { path: 'http://elsewhere/' }],
  ['a header value with a line break', { headers: [['Accept', 'a\r\nEvil: 1']] as [string, string][] }],
] as const) {
  it(`refuses ${what}`, () => assert.throws(() => encodeQuery(request(over)), code('CLIENT_BAD_REQUEST')));
}

it('refuses at once a request that no packet can carry', () => {
  assert.throws(() => encodeQuery(request({ body: Buffer.alloc(1 << 24) })), code('CLIENT_TOO_LARGE'));
});

it('lets a request of the largest size fit into a packet', () => {
  const body = Buffer.alloc(
    (1 << 24) - 1_024 - 64 - 'application/json'.length - '/v1/chat/completions'.length - 'Qwen/Qwen3-8B'.length,
  );
  const query = encodeQuery(request({ body }));
  const message = encode({
    kind: 'bombyx.runQuery',
    request_id: Buffer.alloc(32),
    model_name: 'Qwen/Qwen3-8B',
    query,
    max_coefficient: 1,
    max_tokens: 1,
    first_byte_timeout_ms: 1,
    idle_timeout_ms: 1,
    total_timeout_ms: 1,
    window: 1,
    min_config_version: 1,
    flags: 1,
    enable_debug: false,
  });
  assert.ok(encode({ kind: 'tcp.packet', data: message }).length <= 1 << 24);
});

it('drops what belongs to one connection, also what Connection names', () => {
  const answer = withHeaders(
    ['Connection', 'close, X-Hop'],
    ['x-hop', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['X-Kept', 'ü'],
  );
  assert.deepEqual(decodeHead(answer, false).headers, [['X-Kept', 'ü']]);
});

it('keeps a Content-Length only where it is certainly right', () => {
  const headers = [header('Content-Length', '4')];
  assert.equal(decodeHead(httpResponse('abcd', { headers }), true).headers.length, 1);
  assert.equal(decodeHead(httpResponse('abcde', { headers }), true).headers.length, 0);
  assert.equal(decodeHead(httpResponse('abcd', { headers }), false).headers.length, 0);
});

for (const [what, answer] of [
  ['status 99', httpResponse('', { status_code: 99 })],
  ['status 101', httpResponse('', { status_code: 101 })],
  ['status 1000', httpResponse('', { status_code: 1_000 })],
  ['status -1', httpResponse('', { status_code: -1 })],
  ['a header name with a colon', withHeaders(['a:b', '1'])],
  ['a header value with CR LF', withHeaders(['a', '1\r\nSet-Cookie: x'])],
  ['a header value with NUL', withHeaders(['a', '1\0'])],
  ['300 headers', withHeaders(...Array.from({ length: 300 }, (): [string, string] => ['a', '1']))],
  ['another object', encode({ kind: 'tcp.ping', id: 1n })],
  ['no object', Buffer.from('HTTP/1.1 200 OK')],
] as const) {
  it(`refuses an answer with ${what}`, () => assert.throws(() => decodeHead(answer, false), code('CLIENT_PROTOCOL')));
}

it('drops a reason that would break out of its line', () => {
  assert.equal(decodeHead(httpResponse('', { reason: 'OK\r\nEvil: 1' }), false).reason, '');
});

it('answers hostile bytes with a coded error and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), fc.boolean(), (bytes, complete) => {
      try {
        decodeHead(Buffer.concat([httpResponse('').subarray(0, 4), bytes]), complete);
      } catch (error) {
        assert.ok(error instanceof ClientError);
      }
    }),
  );
});

for (const size of [0, 1, 2, 3, 4, 253, 254, 255, 256, 99_999, 100_000, 1 << 20]) {
  it(`knows how long a query with a body of ${size} bytes becomes, without making it`, () => {
    const request = {
      method: 'POST',
      path: '/v1/x',
      headers: [['accept', '*/*']],
      model: 'm',
      body: Buffer.alloc(size),
    } as const;
    const surplus = mostQueryBytes(request) - encodeQuery(request).length;
    assert.ok(surplus >= 0 && surplus <= 32, String(surplus));
  });
}
