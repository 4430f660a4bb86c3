/** The paths beside inference, and who may use them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chat, gatewayFor, HELLO, rawExchange } from './harness.ts';

const recording = (name: string) =>
  readFileSync(new URL(`../../../vectors/cocoon-cpp/${name}`, import.meta.url), 'utf8');

test('the list of models has all the members that the C++ client gives, as JSON and once each', async (t) => {
  const { ask } = await gatewayFor(t);
  const answer = await ask('GET', '/v1/models');
  const recorded = JSON.parse(
    recording('http-models.txt')
      .split(/\r?\n\r?\n/)
      .slice(1)
      .join('\n'),
  );
  assert.deepEqual(answer.json, { ...recorded, data: [{ ...recorded.data[0], owned_by: 'cocoon' }] });
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.equal(answer.text.split('"object":"list"').length, 2);
  assert.equal((await ask('GET', '/v1/models?limit=1')).status, 200);
  assert.equal((await ask('GET', '/v1/models/Qwen/Qwen3-8B')).json.id, 'Qwen/Qwen3-8B');
  assert.equal((await ask('GET', '/v1/models/%ff')).status, 404);
});

test('jsonstats has every member of the C++ client, down to the rows', async (t) => {
  const { ask } = await gatewayFor(t);
  const ours = (await ask('GET', '/jsonstats')).json;
  const theirs = JSON.parse(recording('end-client2-jsonstats.json'));
  for (const [name, value] of Object.entries(theirs)) {
    assert.ok(name in ours, name);
    if (name === 'status' || name === 'stats' || name === 'wallet' || name === 'localconf') {
      for (const inner of Object.keys(value as object)) assert.ok(inner in ours[name], `${name}.${inner}`);
    }
  }
});

test('the statistics page shows the snapshot, runs no script and escapes what it shows', async (t) => {
  const { ask } = await gatewayFor(t);
  const { text, headers } = await ask('GET', '/stats');
  assert.match(text, /\[127\.0\.0\.1:11002\]/);
  assert.match(text, /Bombyx <b>client<\/b>.*\s+<span class="badge good">ready<\/span>/);
  assert.match(text, /tier: SIMULATED/);
  assert.match(text, /name="viewport"/);
  assert.doesNotMatch(text, /git.commit/i);
  assert.ok(text.includes('UQ&#60;script&#62;') && !text.includes('<script'));
  assert.match(String(headers['content-type']), /^text\/html; charset=utf-8/);
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/);
});

test('health tells whether requests can be served', async (t) => {
  const { ask, client } = await gatewayFor(t);
  assert.deepEqual((await ask('GET', '/health')).json, { status: 'ok', ready: true, in_flight: 0 });
  client.ready = false;
  assert.equal((await ask('GET', '/health')).status, 503);
  assert.equal((await ask('HEAD', '/health')).text, '');
});

test('metrics count requests by route and end, tokens by kind, and hold nothing of the content', async (t) => {
  const { ask } = await gatewayFor(t);
  await ask('POST', '/v1/chat/completions', chat('silkworm'));
  await ask('POST', '/v1/chat/completions', '{"silkworm');
  await ask('POST', '/v1/silkworm', HELLO);
  const { text } = await ask('GET', '/metrics');
  assert.match(text, /bombyx_gateway_requests_total\{route="chat",status="200",result="complete"\} 1/);
  assert.match(text, /bombyx_gateway_requests_total\{route="chat",status="400",result="refused"\} 1/);
  assert.match(text, /bombyx_gateway_requests_total\{route="other",status="404",result="complete"\} 1/);
  assert.match(text, /bombyx_gateway_first_byte_seconds_count\{route="chat"\} 1/);
  assert.match(text, /bombyx_gateway_duration_seconds_count\{route="chat"\} 2/);
  assert.match(text, /bombyx_gateway_adjusted_tokens_total\{kind="completion"\} 18/);
  assert.match(text, /bombyx_gateway_in_flight 0/);
  assert.ok(!text.includes('silkworm') && !text.includes('Qwen'));
});

test('any other path under /v1 passes through, with the model of body, header or the only one', async (t) => {
  const { ask, client } = await gatewayFor(t);
  assert.deepEqual((await ask('POST', '/v1/tokenize?x=1', HELLO)).json, { tokens: [1, 2] });
  assert.equal(client.last.request.path, '/v1/tokenize?x=1');
  assert.equal(client.last.request.body.toString(), JSON.stringify(HELLO));
  const form = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--b--\r\n';
  const multipart = { 'content-type': 'multipart/form-data; boundary=b' };
  await ask('POST', '/v1/audio/transcriptions', form, { ...multipart, 'x-bombyx-model': 'Qwen/Qwen3-8B' });
  assert.equal(client.last.request.model, 'Qwen/Qwen3-8B');
  assert.equal(client.last.request.body.toString(), form);
  assert.deepEqual(client.last.request.headers, [['content-type', multipart['content-type']]]);
  assert.equal((await ask('GET', '/v1/files')).status, 404);
  assert.equal(client.last.request.model, 'Qwen/Qwen3-8B');
  client.models_ = [...client.models_, { id: 'other', workers: [] }];
  const answer = await ask('GET', '/v1/files');
  assert.equal(answer.status, 400);
  assert.match(answer.json.error.message, /x-bombyx-model/);
});

test('special fields and headers reach the client and not the server', async (t) => {
  const { ask, client } = await gatewayFor(t);
  const fields = { max_coefficient: 5000, timeout: 10, enable_debug: false, request_guid: 'g', max_tokens: 7, n: 3 };
  await ask('POST', '/v1/chat/completions', { ...HELLO, ...fields });
  let { request } = client.last;
  assert.deepEqual(JSON.parse(request.body.toString()), { ...HELLO, max_tokens: 7, n: 3 });
  assert.equal(request.maxCoefficient, 5000);
  assert.equal(request.maxTokens, 21);
  assert.deepEqual(request.timeouts, { firstByteMs: 10_000, idleMs: 10_000, totalMs: 10_000 });
  await ask(
    'POST',
    '/v1/chat/completions',
    { ...HELLO, max_tokens: 7, max_completion_tokens: 9 },
    {
      'x-bombyx-max-coefficient': '6000',
      'x-bombyx-timeout-first-byte': '1.5',
      'x-bombyx-timeout-idle': '2',
      'x-bombyx-timeout-total': '30',
      'x-bombyx-enable-debug': 'true',
      authorization: 'Bearer secret',
      cookie: 'secret',
    },
  );
  ({ request } = client.last);
  assert.deepEqual(JSON.parse(request.body.toString()), { ...HELLO, max_completion_tokens: 9 });
  assert.equal(request.maxTokens, 9);
  assert.equal(request.maxCoefficient, 6000);
  assert.equal(request.enableDebug, true);
  assert.deepEqual(request.timeouts, { firstByteMs: 1_500, idleMs: 2_000, totalMs: 30_000 });
  assert.ok(!JSON.stringify(request.headers).includes('secret'));
  await ask('POST', '/v1/completions', { model: HELLO.model, prompt: ['a', 'b'], max_tokens: 5 });
  assert.equal(client.last.request.maxTokens, 10);
  await ask('POST', '/v1/completions', { model: HELLO.model, prompt: [1, 2, 3], max_tokens: 5 });
  assert.equal(client.last.request.maxTokens, 5);
  await ask('POST', '/v1/chat/completions', { ...HELLO, max_tokens: null });
  assert.equal(client.last.request.body.toString(), `${JSON.stringify(HELLO).slice(0, -1)},"max_tokens":4096}`);
  assert.equal(client.last.request.maxTokens, 4096);
});

test('statistics, metrics and management need the access hash where one is set; health and inference do not', async (t) => {
  const { ask } = await gatewayFor(t, undefined, { httpAccessHash: 's3cret' });
  for (const path of ['/stats', '/jsonstats', '/metrics', '/request/debuglogentry']) {
    const refused = await ask('GET', path);
    assert.equal(refused.status, 400, path);
    assert.match(refused.text, /^this path needs the access hash.*\?access_hash=HASH.*\n$/);
    assert.equal((await ask('GET', `${path}?access_hash=s3cre`)).status, 400, path);
    assert.equal((await ask('GET', `${path}?a=b&access_hash=s3cret`)).status, 200, path);
    assert.equal((await ask('GET', path, undefined, { authorization: 'Bearer s3cret' })).status, 200, path);
  }
  for (const action of ['charge', 'topup', 'withdraw', 'close', 'trust']) {
    assert.match((await ask('POST', `/request/${action}?proxy=A`)).text, /needs the access hash/);
    assert.match((await ask('POST', `/request/${action}?proxy=A&access_hash=s3cret`)).text, /without TON/);
  }
  assert.equal((await ask('POST', '/v1/chat/completions', HELLO)).status, 200);
  assert.equal((await ask('GET', '/v1/models')).status, 200);
  assert.equal((await ask('GET', '/health')).status, 200);
  assert.equal((await ask('GET', '/nothing')).status, 404);
});

test('management acts on POST only, and says so where there is no TON', async (t) => {
  const without = await gatewayFor(t);
  assert.match((await without.ask('POST', '/request/topup?proxy=A')).json.error.message, /without TON/);
  const done: string[] = [];
  const action = (name: string) => async (proxy: string) => void done.push(`${name} ${proxy}`);
  const management = {
    charge: action('charge'),
    topup: action('topup'),
    withdraw: action('withdraw'),
    close: action('close'),
    trust: action('trust'),
  };
  const { ask } = await gatewayFor(t, undefined, {}, management);
  assert.equal((await ask('GET', '/request/charge?proxy=A')).status, 405);
  for (const name of Object.keys(management))
    assert.equal((await ask('POST', `/request/${name}?proxy=UQ-a`)).text, 'request sent\n');
  assert.deepEqual(done, ['charge UQ-a', 'topup UQ-a', 'withdraw UQ-a', 'close UQ-a', 'trust UQ-a']);
  assert.equal((await ask('POST', '/request/charge')).status, 400);
});

test('what is lacking, every account and the evidence of a fault are shown to people and to machines', async (t) => {
  const { ask, client } = await gatewayFor(t);
  const account = {
    proxy_sc_address: 'UQproxy',
    proxy_public_key: 'AB',
    sc_address: 'UQours',
    state: 1,
    tokens_used_proxy_committed_to_blockchain: 5,
    tokens_used_proxy_committed_to_db: 6,
    tokens_used_proxy_max: 7,
    tokens_charged: 5,
    tokens_payed: 1_000,
    tokens_signed: 5,
    balance: 1_500_000_000,
    stake: 1_000_000_000,
    unlock_at: 1_800_000_000,
    last_transaction: '12:ab',
    under_way: 'ask-refund',
    last_deed: 'charge: executed',
    trouble: '',
    fault: {
      at: 1_795_000_000,
      failures: ['the signed payment is <b>above</b> what was asked for'],
      request_id: '',
      claimed: '2000',
      explained: '1000',
      signed_payment_hash: 'cd'.repeat(32),
    },
  };
  const lack = 'the wallet has 0.5 TON and needs 3.8 TON: send 3.35 TON to UQwallet';
  client.more = {
    proxies: [account],
    money: { lack, topped_up_today: 2_000_000_000, top_up_per_day: 10_000_000_000 },
  };
  const { json } = await ask('GET', '/jsonstats');
  assert.deepEqual(json.proxies, [account]);
  const { text } = await ask('GET', '/stats');
  for (const shown of [lack, 'not trusted', '1.50 TON', '2 TON of 10 TON', '2027-01-15T08:00:00.000Z', 'ask-refund']) {
    assert.ok(text.includes(shown), shown);
  }
  assert.ok(text.includes('&#60;b&#62;above') && !text.includes('<b>above'));
  const metrics = (await ask('GET', '/metrics')).text;
  assert.match(metrics, /bombyx_client_distrusted_proxies 1/);
  assert.match(metrics, /bombyx_client_accounts_nanoton 1500000000/);
  assert.match(metrics, /bombyx_client_topped_up_today_nanoton 2000000000/);
});

test('a foreign name (DNS rebinding) or a foreign page is refused; addresses and allowed names are not', async (t) => {
  const { ask, client, port } = await gatewayFor(t, undefined, { allowedHosts: ['bombyx.lan'] });
  assert.match(await rawExchange(port, 'GET /health HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
  const as = async (headers: Record<string, string>) =>
    (await ask('POST', '/v1/chat/completions', HELLO, headers)).status;
  assert.equal(await as({ host: 'evil.example' }), 403);
  assert.equal(await as({ host: 'localhost.evil.example:80' }), 403);
  assert.equal(await as({ origin: 'https://evil.example' }), 403);
  assert.equal(await as({ origin: 'null' }), 403);
  assert.equal((await ask('GET', '/stats', undefined, { host: 'evil.example' })).status, 403);
  assert.equal((await ask('OPTIONS', '/v1/models', undefined, { origin: 'https://evil.example' })).status, 403);
  assert.equal(client.runs.length, 0);
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:1', '[::1]:1', '192.168.1.2', 'bombyx.lan:8080']) {
    assert.equal(await as({ host }), 200, host);
  }
  assert.equal(await as({ host: 'localhost:1', origin: 'http://localhost:1' }), 200);
});

test('pages of the configured origin may call, and read answers and errors', async (t) => {
  const { ask } = await gatewayFor(t, undefined, { corsOrigin: 'https://app.example' });
  const origin = { origin: 'https://app.example' };
  const preflight = await ask('OPTIONS', '/v1/chat/completions', undefined, {
    ...origin,
    'access-control-request-headers': 'x-stainless-os',
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-headers'], 'x-stainless-os');
  for (const body of [HELLO, '{']) {
    const answer = await ask('POST', '/v1/chat/completions', body, origin);
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example');
  }
  assert.equal(
    (await ask('GET', '/v1/models', undefined, origin)).headers['access-control-allow-origin'],
    'https://app.example',
  );
  assert.equal((await ask('GET', '/v1/models')).headers['access-control-allow-origin'], undefined);
});
