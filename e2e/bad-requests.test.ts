/** Requests that are wrong, hostile or merely odd: each is answered at once, with an OpenAI error object or an answer. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, it } from 'node:test';
import { ask, chat } from './testing/ask.ts';
import { COMPLETION_TOKENS, PROMPT_TOKENS } from './testing/backend.ts';
import { breakThings, SOON_MS, timed } from './testing/faults.ts';
import { MODEL, Network } from './testing/network.ts';

const WHOLE = PROMPT_TOKENS + COMPLETION_TOKENS;

let network: Network;
const billed = breakThings(
  () => Network.start(),
  (started) => {
    network = started;
  },
);
afterEach(() => assert.equal(network.client.snapshot().usage_checks.disagreements, 0));

const refused = async (body: object | string, status: number, code: string, because = /./): Promise<void> => {
  const before = network.backend.requests();
  const { result, tookMs } = await timed(ask(network, body));
  assert.equal(result.status, status, result.error?.message);
  assert.equal(result.error?.code, code);
  assert.match(result.error?.message ?? '', because);
  assert.ok(tookMs < SOON_MS, `${tookMs} ms`);
  assert.equal(network.backend.requests(), before);
  assert.equal(await billed(), 0);
};

it('a request for an unknown model is not found, at once', () =>
  refused({ ...chat(''), model: 'nobody-has-this' }, 404, 'model_not_found'));

it('a request without a model is a bad request', () => refused({ messages: [] }, 400, 'missing_model'));

it('a request that the worker refuses is a bad request', () =>
  refused(chat('', { stream: 'yes' }), 400, 'bad_request', /stream must be a boolean/));

it('a request that pays less than any worker asks is told the price', () =>
  refused(chat('', { max_coefficient: 1 }), 409, 'price', /1000/));

it('a request for no path below /v1/ goes nowhere', async () => {
  const { origin } = new URL(network.baseUrl);
  for (const path of ['/v1', '/v1/', '/v1//', '/v1/?x=1']) {
    const answer = await fetch(`${origin}${path}`);
    const { error } = (await answer.json()) as { readonly error: { readonly code: string } };
    assert.deepEqual([answer.status, error.code], [404, 'unknown_path'], path);
  }
  assert.equal(await billed(), 0);
});

it('a request for a negative number of tokens is a bad request', () =>
  refused(chat('', { max_tokens: -1 }), 400, 'invalid_value'));

it('a request for more tokens than the wire can carry is a bad request', () =>
  refused(chat('', { max_tokens: 2 ** 53 }), 400, 'invalid_value'));

it('a request for more tokens than the balance covers is told to pay', () =>
  refused(chat('', { max_tokens: 0x7fff_ffff, max_coefficient: 0x7fff_ffff }), 402, 'balance'));

it('a request for many answers reserves for all of them, or is refused', () =>
  refused(chat('', { max_tokens: 0x7fff_ffff, n: 2 }), 400, 'invalid_value'));

it('a request that is not JSON is a bad request', async () => {
  for (const text of ['', '{', '[]', '"x"', '{"model":"test-model",}', `${JSON.stringify(chat(''))}}`]) {
    const { status, error } = await ask(network, text);
    assert.equal(status, 400, text);
    assert.ok(error?.code === 'bad_json' || error?.code === 'missing_model', `${text}: ${error?.code}`);
  }
  assert.equal(await billed(), 0);
});

it('a request that names the model twice is refused: two readers could take two models from it', () =>
  refused(`{"model":"${MODEL}","messages":[],"model":"other"}`, 400, 'duplicate_field'));

it('a request of 100 MB is refused while it is being sent, announced or not, and its caller still reads why', async () => {
  for (const announced of [true, false]) assert.equal(await sendHuge(network, 100 * 1024 * 1024, announced), 413);
});

it('a request cannot put a header of its own into the next hop', async () => {
  const evil = { 'x-bombyx-model': 'a', 'x-forwarded-for': '1.2.3.4', 'transfer-encoding-x': 'chunked' };
  await ask(network, chat(''), { ...evil, 'x-injected': 'a: b' });
  const seen = network.backend.lastHeaders();
  for (const name of Object.keys(evil)) assert.equal(seen[name], undefined, name);
  const smuggled = await rawHttp(
    network,
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-A: b\rX-Injected: yes\r\nContent-Length: 2\r\n\r\n{}`,
  );
  assert.match(smuggled, /^HTTP\/1\.1 400 /);
  const split = await rawHttp(
    network,
    'GET /v1/models%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
  );
  assert.match(split, /^HTTP\/1\.1 4\d\d /);
  assert.ok(!/^x-injected/im.test(split));
});

it('a request whose lengths contradict each other is refused, and nothing of it becomes a second request', async () => {
  const before = network.backend.requests();
  const hidden = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}`;
  const answer = await rawHttp(
    network,
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  );
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
  assert.equal(network.backend.requests(), before);
});

it('a request with fields nobody knows goes through, and the server gets them', async () => {
  const fields = { seed: 7, user: 'somebody', temperature: 0.5, frobnicate: { deep: [1, 'two', null] } };
  const { status } = await ask(network, chat('', fields));
  assert.equal(status, 200);
  const { seed, user, temperature, frobnicate } = network.backend.lastBody();
  assert.deepEqual({ seed, user, temperature, frobnicate }, fields);
  assert.equal(await billed(), WHOLE);
});

it('a request leaves our own fields at the gateway', async () => {
  await ask(network, chat('', { max_coefficient: 2000, timeout: 30, enable_debug: false, request_guid: 'g' }));
  for (const name of ['max_coefficient', 'timeout', 'enable_debug', 'request_guid']) {
    assert.ok(!(name in network.backend.lastBody()), name);
  }
});

/** Sends a body of `size` bytes until somebody objects. @returns the status of the objection */
function sendHuge({ baseUrl }: Network, size: number, announced: boolean): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', ...(announced ? { 'content-length': size } : {}) };
  const sending = httpRequest(`${baseUrl}/chat/completions`, { method: 'POST', headers });
  const chunk = Buffer.alloc(65_536, 0x20);
  let left = size;
  const more = () => {
    while (left > 0 && sending.writable) {
      left -= chunk.length;
      if (!sending.write(chunk)) return;
    }
    if (left <= 0) sending.end();
  };
  return new Promise((resolve, reject) => {
    sending.on('drain', more).on('error', reject);
    sending.on('response', (response) => {
      resolve(response.statusCode);
      sending.destroy();
    });
    more();
  });
}

/** Sends bytes as they are. @returns everything that comes back until the socket closes */
function rawHttp({ baseUrl }: Network, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(baseUrl).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
    });
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('close', () => resolve(text)).on('error', reject);
    socket.write(bytes);
  });
}
