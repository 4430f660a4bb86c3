/** API keys as callers meet them: over HTTP, in front of a fake network. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { nanoTon, silentLogger, systemClock } from '@bombyx/base';
import OpenAI from 'openai';
import { type Caps, type GatewayOptions, KEYS_FILE, KeyStore, Keys } from '../src/index.ts';
import { type Backend, PRICE, TOKENS } from './fake-client.ts';
import { chat, gatewayFor, HELLO, until } from './harness.ts';
import { openAiBackend } from './openai-backend.ts';

const COST = TOKENS.total * PRICE;

async function setUp(
  t: TestContext,
  caps: Caps = {},
  backend: Backend = openAiBackend(),
  options: Partial<GatewayOptions> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-keys-'));
  const path = join(folder, KEYS_FILE);
  const store = new KeyStore(path);
  const { key } = store.create('laptop', caps, Date.now());
  const keys = new Keys({ path, required: false }, { clock: systemClock, log: silentLogger });
  t.after(() => {
    keys[Symbol.dispose]();
    store[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const gateway = await gatewayFor(t, backend, options, undefined, keys);
  const bearer = { authorization: `Bearer ${key}` };
  return { ...gateway, path, store, key, bearer, books: () => store.list()[0]!.books };
}

for (const [name, headers] of [
  ['no key', {}],
  ['the key of another service', { authorization: 'Bearer sk-abc' }],
  ['a key that nobody made', { authorization: `Bearer bxk_${'A'.repeat(43)}` }],
] as const) {
  it(`answers 401 to ${name}, on every path of the API, and sends nothing`, async (t) => {
    const { ask, client } = await setUp(t);
    for (const [method, path] of [
      ['POST', '/v1/chat/completions'],
      ['POST', '/v1/responses'],
      ['POST', '/v1/anything'],
      ['GET', '/v1/models'],
      ['GET', '/v1/models/Qwen/Qwen3-8B'],
    ] as const) {
      const answer = await ask(method, path, method === 'POST' ? HELLO : undefined, headers);
      assert.equal(answer.status, 401, path);
      assert.equal(answer.json.error.code, 'invalid_api_key');
      assert.equal(typeof answer.json.error.message, 'string');
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    }
    assert.equal(client.runs.length, 0);
    assert.equal((await ask('GET', '/health', undefined, headers)).status, 200);
  });
}

it('lets the operator list models with the access hash, and nothing more', async (t) => {
  const { ask } = await setUp(t, {}, openAiBackend(), { httpAccessHash: 'secret' });
  const operator = { authorization: 'Bearer secret' };
  assert.equal((await ask('GET', '/v1/models', undefined, operator)).status, 200);
  assert.equal((await ask('GET', '/v1/models', undefined, { authorization: 'Bearer other' })).status, 401);
  assert.equal((await ask('POST', '/v1/chat/completions?access_hash=secret', HELLO, operator)).status, 401);
});

it("is open, also to strangers' keys, while there is no key and none is required", async (t) => {
  const { ask } = await gatewayFor(t);
  assert.equal((await ask('POST', '/v1/chat/completions', HELLO, { authorization: 'Bearer sk-abc' })).status, 200);
});

for (const stream of [false, true]) {
  it(`charges what was billed before the last byte of ${stream ? 'a stream' : 'an answer'}, and sends no key on`, async (t) => {
    const { ask, client, bearer, books } = await setUp(t);
    const answer = await ask('POST', '/v1/chat/completions', chat('hello', { stream }), bearer);
    assert.equal(answer.status, 200);
    assert.deepEqual([books().spentTotal, books().spentDay, books().held], [COST, COST, 0n]);
    if (stream) assert.ok(answer.text.trimEnd().endsWith('data: [DONE]'));
    else assert.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.text)));
    assert.doesNotMatch(JSON.stringify(client.last.request.headers), /authorization|bxk_/i);
    assert.equal(client.last.request.body.includes('bxk_'), false);
  });
}

it('holds what the request can cost with the default of tokens that is sent', async (t) => {
  const { ask, client, bearer, books } = await setUp(t, {}, () => {});
  ask('POST', '/v1/chat/completions', HELLO, bearer).catch(() => {});
  await until(() => client.runs.length === 1, 'the request is sent');
  const { body, maxTokens } = client.last.request;
  assert.equal(JSON.parse(body.toString()).max_tokens, maxTokens);
  assert.equal(books().held, PRICE * BigInt(body.length + maxTokens));
});

it('never lets concurrent requests past a cap', async (t) => {
  const one = PRICE * BigInt(Buffer.byteLength(JSON.stringify(chat('hello', { max_tokens: 50 }))) + 50);
  const { ask, client, bearer, books } = await setUp(t, { day: nanoTon(3n * one) }, () => {});
  let refused = 0;
  const asked = Array.from({ length: 20 }, async () => {
    const answer = await ask('POST', '/v1/chat/completions', chat('hello', { max_tokens: 50 }), bearer);
    if (answer.status === 429) refused += 1;
    return answer;
  });
  await until(() => client.runs.length === 3 && refused === 17, 'three of them run');
  for (const run of client.runs) await openAiBackend()(run);
  const answers = await Promise.all(asked);
  assert.equal(answers.filter(({ status }) => status === 200).length, 3);
  for (const { status, json, headers } of answers) {
    if (status === 200) continue;
    assert.equal(status, 429);
    assert.deepEqual([json.error.type, json.error.code], ['insufficient_quota', 'insufficient_quota']);
    assert.match(json.error.message, /TON a day .* resets at \d{4}-\d\d-\d\dT00:00:00Z/);
    assert.equal(headers['x-should-retry'], 'false');
  }
  assert.equal(books().spentTotal, 3n * COST);
});

it('keeps holding for a caller who left until the bill comes', async (t) => {
  const { client, port, bearer, books } = await setUp(t, {}, () => {});
  const body = JSON.stringify(HELLO);
  const req = http.request({ port, method: 'POST', path: '/v1/chat/completions', headers: bearer });
  req.on('error', () => {});
  req.end(body);
  await until(() => client.runs.length === 1, 'the request is sent');
  req.destroy();
  await until(() => client.last.cancelled, 'the request is cancelled');
  assert.ok(books().held > 0n);
  client.last.bill(7n);
  await until(() => books().held === 0n, 'the bill is written');
  assert.equal(books().spentTotal, 7n);
});

for (const stream of [false, true]) {
  it(`does not end ${stream ? 'a stream' : 'an answer'} as complete when its charge cannot be written`, async (t) => {
    const { ask, client, path, bearer, books } = await setUp(t, {}, () => {});
    const asked = ask('POST', '/v1/chat/completions', chat('hello', { stream }), bearer);
    await until(() => client.runs.length === 1, 'the request is sent');
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await openAiBackend()(client.last);
    const answer = await asked;
    other.exec('COMMIT');
    other.close();
    assert.doesNotMatch(answer.text, /\[DONE\]/);
    assert.match(answer.text, /could not be recorded/);
    if (!stream) assert.equal(answer.status, 503);
    await until(() => books().spentTotal === COST, 'the charge is written when that is possible again');
  });
}

it('pays for both requests where /v1/responses is translated', async (t) => {
  const { ask, client, bearer, books } = await setUp(t, {}, async (run) => {
    if (run.request.path === '/v1/responses') {
      run.sink.head(404, 'Not Found', []);
      run.bill(1n);
    } else await openAiBackend()(run);
  });
  const answer = await ask('POST', '/v1/responses', { model: HELLO.model, input: 'hello' }, bearer);
  assert.equal(answer.status, 200);
  assert.equal(client.runs.length, 2);
  assert.deepEqual([books().spentTotal, books().held], [COST + 1n, 0n]);
});

it('works with the official package, which does not repeat what a cap refused', async (t) => {
  const { baseUrl, key, client, store } = await setUp(t, { total: nanoTon(10n) });
  const openai = new OpenAI({ apiKey: key, baseURL: `${baseUrl}/v1`, maxRetries: 5 });
  await assert.rejects(openai.chat.completions.create(chat('hello')), (error) => {
    return error instanceof OpenAI.RateLimitError && error.code === 'insufficient_quota';
  });
  const rich = store.create('rich', {}, Date.now());
  const allowed = new OpenAI({ apiKey: rich.key, baseURL: `${baseUrl}/v1` });
  assert.ok((await allowed.chat.completions.create(chat('hello'))).choices.length > 0);
  assert.equal(client.runs.length, 1);
});

it('holds for the translated request where that is larger than the one that was asked for', async (t) => {
  let answers = true;
  const { ask, client, bearer, books } = await setUp(t, {}, async (run) => {
    if (run.request.path === '/v1/responses') {
      run.sink.head(404, 'Not Found', []);
      run.bill(0n);
    } else if (answers) await openAiBackend()(run);
  });
  const body = { model: HELLO.model, input: 'hello' };
  await ask('POST', '/v1/responses', body, bearer); // from now on it is known that there is no /v1/responses
  answers = false;
  ask('POST', '/v1/responses', body, bearer).catch(() => {});
  await until(() => client.runs.length === 3, 'the translated request is sent at once');
  assert.equal(client.last.request.path, '/v1/chat/completions');
  assert.equal(books().held, client.mostCost(client.last.request));
});
