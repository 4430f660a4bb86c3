import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JobError } from './errors.ts';
import { type JobRequest, prepareRequest } from './request.ts';

const rules = { model: 'm', refusedPaths: ['/v1/load_lora_adapter'] };

function request(fields: Partial<JobRequest> & { body?: unknown } = {}): JobRequest {
  const { body, ...rest } = fields;
  const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? { model: 'm', messages: [] }));
  return { method: 'POST', url: '/v1/chat/completions', http_version: 'HTTP/1.1', headers: [], payload, ...rest };
}

function refusal(
  fields: Parameters<typeof request>[0],
  with_: Partial<Parameters<typeof prepareRequest>[1]> = {},
): string {
  try {
    prepareRequest(request(fields), { ...rules, ...with_ });
  } catch (error) {
    assert.ok(error instanceof JobError && error.code === 'JOB_INVALID', String(error));
    assert.ok(error.message.startsWith('worker: invalid http request: '));
    return error.message.slice('worker: invalid http request: '.length);
  }
  return assert.fail('was accepted');
}

function sent(fields: Parameters<typeof request>[0]): string {
  return prepareRequest(request(fields), rules).body?.toString() ?? '';
}

describe('what a body may hold', () => {
  it('passes on what the C++ worker refused: tools, user, seed, logprobs and fields nobody knows yet', () => {
    const body = JSON.stringify({ model: 'm', messages: [], tools: [], user: 'u', seed: 1, logprobs: true, x_new: {} });
    assert.equal(sent({ body }), body);
  });
  it('passes on a body byte for byte, with its own spacing and order', () => {
    const body = ' { "messages" : [ ] ,\n"model":"m" , "temperature":1.0 }\n';
    assert.equal(sent({ body }), body);
  });
  it('names the first thing that is wrong', () => {
    assert.match(refusal({ body: '[]' }), /^expected json object: /);
    assert.equal(refusal({ body: '', payload: Buffer.alloc(0) }), 'expected json object');
    assert.match(refusal({ body: '{"model":"m"' }), /^expected json object: not valid JSON at its end$/);
    assert.match(refusal({ url: '/v1/x', body: ' {"model":"m",}' }), /^expected json object: /);
    assert.equal(refusal({ body: { messages: [] } }), "missing required field 'model'");
    assert.equal(refusal({ body: { model: 1 } }), 'model must be a string');
    assert.equal(refusal({ body: { model: 'other' } }), 'model name mismatch');
    assert.equal(refusal({ body: { model: 'm@abc:00' } }), 'model name mismatch');
    assert.equal(refusal({ body: { model: 'm', stream: 'true' } }), 'stream must be a boolean');
    assert.equal(refusal({ body: { model: 'm', n: 0 } }), 'n must be positive');
    assert.equal(refusal({ body: { model: 'm', max_tokens: -1 } }), 'max_tokens must be non-negative');
    assert.equal(refusal({ body: { model: 'm', max_tokens: '9' } }), 'max_tokens must be a number');
    assert.match(
      refusal({ body: { model: 'm', stream: true, stream_options: [] } }),
      /^stream_options must be an object/,
    );
  });
  it('refuses a model that stands twice, since servers differ in which they take', () => {
    assert.equal(refusal({ body: '{"model":"m","model":"other"}' }), "duplicate 'model' field");
  });
  it('checks the model on other paths only where a JSON body names one', () => {
    assert.equal(refusal({ url: '/v1/embeddings', body: { model: 'other' } }), 'model name mismatch');
    assert.equal(refusal({ url: '/v1/x', body: `${' '.repeat(100)}{"mod\\u0065l":"other"}` }), 'model name mismatch');
    assert.equal(sent({ url: '/v1/embeddings', body: { input: 'x' } }), '{"input":"x"}');
    assert.equal(sent({ url: '/v1/x', body: '[{"model":"other"}]' }), '[{"model":"other"}]');
    assert.equal(
      prepareRequest(request({ method: 'GET', url: '/v1/models', payload: Buffer.alloc(0) }), rules).body,
      null,
    );
    const form = { headers: [{ name: 'Content-Type', value: 'multipart/form-data; boundary=x' }], body: '--x' };
    assert.equal(sent({ url: '/v1/audio/transcriptions', ...form }), '--x');
  });
});

describe('hazard 1: a stream always reports its usage', () => {
  const cases: [string, string][] = [
    ['{"model":"m","stream":true}', '{"model":"m","stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"model":"m","stream":true,"stream_options":null}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{"a":1}}',
      '{"model":"m","stream":true,"stream_options":{"a":1,"include_usage":true}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{"include_usage":false}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
    ['{"model":"m","stream":false}', '{"model":"m","stream":false}'],
    ['{"model":"m","stream":null}', '{"model":"m","stream":null}'],
  ];
  for (const [given, expected] of cases) {
    it(`makes ${given} into ${expected}`, () => assert.equal(sent({ body: given }), expected));
  }
  it('asks for usage in any streamed body and changes nothing else of it', () => {
    const options = fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: null });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), options, (rest, stream_options) => {
        const { n, best_of, max_tokens, max_completion_tokens, max_output_tokens, ...others } = rest;
        const body = { ...others, model: 'm', stream: true, stream_options };
        const after = JSON.parse(sent({ body: JSON.stringify(body) }));
        const plain = JSON.parse(JSON.stringify(body));
        assert.deepEqual(after, { ...plain, stream_options: { ...plain.stream_options, include_usage: true } });
      }),
    );
  });
  it('leaves a stream of responses alone: it reports usage by itself', () => {
    const body = '{"model":"m","input":"x","stream":true}';
    assert.equal(sent({ url: '/v1/responses', body }), body);
  });
  it('cannot be evaded by spelling the path differently', () => {
    for (const url of [
      '/v1/chat/%63ompletions',
      '/v1/chat/completions/',
      '/v1/CHAT/completions',
      '/v1/chat/completions?x=1',
    ]) {
      assert.match(sent({ url, body: { model: 'm', stream: true } }), /include_usage/);
    }
  });
});

describe('a body behind a byte order mark, which some servers skip', () => {
  it('is refused wherever it is an object, and passed on where it is none', () => {
    const object = '\ufeff {"model":"another"}';
    for (const url of ['/v1/embeddings', '/v1/chat/completions']) {
      assert.match(refusal({ url, body: object }) ?? '', /^expected json object: not valid JSON/);
    }
    const text = '\ufeffwords';
    assert.equal(sent({ url: '/v1/embeddings', body: text }), text);
  });
});

describe('hazard 4: what a body asks for is compared with the reservation', () => {
  const within = (body: object) =>
    prepareRequest(request({ body: { model: 'm', ...body } }), { ...rules, maxTokens: 100 });
  it('accepts amounts up to it', () => {
    for (const body of [{}, { max_tokens: 100 }, { max_completion_tokens: 50, n: 2 }, { max_tokens: null }])
      within(body);
  });
  it('refuses amounts above it, each answer counted', () => {
    const reserved = { maxTokens: 100 };
    const above = [
      { max_tokens: 101 },
      { max_completion_tokens: 101, max_tokens: 1 },
      { max_tokens: 51, n: 2 },
      { max_tokens: 51, best_of: 2 },
    ];
    for (const body of above)
      assert.match(refusal({ body: { model: 'm', ...body } }, reserved), /exceed the reserved 100/);
    assert.match(refusal({ url: '/v1/responses', body: { model: 'm', max_output_tokens: 101 } }, reserved), /exceed/);
  });
});

describe('paths', () => {
  const refused = [
    '/',
    '/v1',
    'v1/models',
    '/v2/models',
    '/metrics',
    '/V1x/models',
    'http://evil/v1/models',
    '//evil/v1/models',
    '/v1/../metrics',
    '/v1/./models',
    '/v1/a/../../metrics',
    '/v1/%2e%2e/metrics',
    '/v1/%252e%252e/metrics',
    '/v1/..%2fmetrics',
    '/v1/%2e%2e%5cmetrics',
    '/v1\\..\\metrics',
    '/v1//models',
    '/v1/%zz',
    '/v1/a%00b',
    '/v1/a b',
    '/v1/a\r\nX: y',
    '/v1/a#b',
    '/v1/é',
    '/v1/load_lora_adapter',
    '/v1/Load_lora_adapter/',
    `/v1/${'a'.repeat(9_000)}`,
  ];
  for (const url of refused) {
    it(`refuses ${JSON.stringify(url.slice(0, 40))}`, () => {
      assert.ok(refusal({ method: 'GET', url, payload: Buffer.alloc(0) }));
    });
  }
  for (const url of ['/v1/models', '/v1/models/Qwen%2FQwen3-8B', '/v1/files/a..b?limit=2', '/v1/x/y/z']) {
    it(`passes ${url} on as it is`, () => {
      assert.equal(prepareRequest(request({ method: 'GET', url, payload: Buffer.alloc(0) }), rules).path, url);
    });
  }
  it('never lets a dot segment through, however often it is escaped', () => {
    const piece = fc.constantFrom('.', '..', '%2e', '%2E.', '%252e', '/', '%2f', '%5c', '\\', 'a', 'v1', '%', '?');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const url = `/v1/${pieces.join('')}`;
        try {
          prepareRequest(request({ method: 'GET', url, payload: Buffer.alloc(0) }), rules);
        } catch (error) {
          assert.ok(error instanceof JobError);
          return;
        }
        assert.ok(new URL(decodeURIComponent(url.split('?')[0]!), 'http://h').pathname.startsWith('/v1/'));
      }),
      { numRuns: 500 },
    );
  });
});

describe('methods and versions', () => {
  it('refuses those that are not HTTP/1', () => {
    assert.equal(refusal({ method: 'CONNECT' }), "unsupported http method 'CONNECT'");
    assert.equal(refusal({ method: 'GET / HTTP/1.1\r\nX: y' }), "unsupported http method 'GET / HTTP/1.1??X: y'");
    assert.equal(refusal({ http_version: 'HTTP/2' }), "unsupported http version 'HTTP/2'");
  });
});

describe('headers', () => {
  const kept = (headers: { name: string; value: string }[], more = {}) =>
    prepareRequest(request({ headers }), { ...rules, ...more }).headers;
  it('hazard 6: drops connection headers in every spelling, and those that Connection names', () => {
    const headers = [
      { name: 'CONTENT-length', value: '5' },
      { name: 'Transfer-Encoding', value: 'chunked' },
      { name: 'Connection', value: 'keep-alive, X-Secret' },
      { name: 'x-secret', value: '1' },
      { name: 'Accept-Encoding', value: 'gzip' },
      { name: 'HOST', value: 'evil' },
      { name: 'Content-Type', value: 'application/json' },
    ];
    assert.deepEqual(kept(headers), ['Content-Type', 'application/json']);
  });
  it('keeps who asks from the inference server', () => {
    const headers = ['Authorization', 'Cookie', 'X-Forwarded-For', 'Forwarded', 'Referer'].map((name) => ({
      name,
      value: 'x',
    }));
    assert.deepEqual(kept(headers), []);
    assert.deepEqual(kept(headers, { apiKey: 'k' }), ['authorization', 'Bearer k']);
  });
  it('refuses header injection', () => {
    for (const header of [
      { name: 'a\r\nb', value: '' },
      { name: 'a b', value: '' },
      { name: '', value: '' },
      { name: 'a:', value: '' },
    ]) {
      assert.equal(refusal({ headers: [header] }), 'bad character in header name');
    }
    for (const value of ['x\r\nHost: evil', 'x\ny', 'x\0y', 'x\u0100y', 'x\x7fy']) {
      assert.equal(refusal({ headers: [{ name: 'a', value }] }), 'bad character in header value');
    }
  });
  it('refuses more headers than a server would take', () => {
    assert.equal(
      refusal({ headers: Array.from({ length: 129 }, () => ({ name: 'a', value: '' })) }),
      'too many headers',
    );
    assert.equal(refusal({ headers: [{ name: 'a', value: 'x'.repeat(40_000) }] }), 'headers too large');
  });
});
