/**
 * An inference server that does what the prompt orders, so that a test reads like its story: `[[chunks=5 delay_ms=100]]`
 * streams five events, one every 100 ms. The other orders are the members of {@link Orders}.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Backend extends AsyncDisposable {
  readonly port: number;
  /** Requests for inference so far. */
  readonly requests: () => number;
  /** Answers under way now. */
  readonly running: () => number;
  /** Answers whose caller left before their end. */
  readonly abandoned: () => number;
  /** Events begun so far, over all streams. */
  readonly events: () => number;
  /** Body bytes of streams written so far. */
  readonly written: () => number;
  /** The last request body, parsed. */
  readonly lastBody: () => Record<string, unknown>;
  readonly lastHeaders: () => IncomingMessage['headers'];
  /** Closes the port and every connection. */
  goDown(): Promise<void>;
  /** Listens on the same port again. */
  comeUp(): Promise<void>;
}

/** What every answer of this server reports as read. */
export const PROMPT_TOKENS = 34;
/** Completion tokens of an answer that nobody ordered otherwise: one for each event. */
export const COMPLETION_TOKENS = 17;

/** Numbers are what stands behind the `=`; an order without one is true. */
interface Orders {
  /** Events of a stream, and completion tokens of any answer. */
  readonly chunks: number;
  readonly delay_ms: number;
  /** Wait before the head. */
  readonly first_ms: number;
  readonly status: number;
  /** `Retry-After` in seconds, with `status`. */
  readonly retry: number | undefined;
  /** Cuts the socket after so many events; of an answer that is no stream, after half of it. */
  readonly die: number | undefined;
  /** Goes silent after so many events. */
  readonly hang: number | undefined;
  /** Goes on until so many bytes are written. */
  readonly bytes: number;
  readonly silent: boolean;
  /** Reports so many completion tokens, whatever it wrote. */
  readonly lie: number | undefined;
  /** Reports no usage. */
  readonly uncounted: boolean;
}

type Body = Record<string, unknown> & {
  readonly messages?: readonly { readonly role: string }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly response_format?: { readonly type: string };
};

const WORD_BYTES = 16_384;

export async function startBackend(model = 'test-model'): Promise<Backend> {
  const counts = { requests: 0, running: 0, abandoned: 0, events: 0, written: 0 };
  let lastBody: Body = {};
  let lastHeaders: IncomingMessage['headers'] = {};
  let port = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') {
      json(response, 200, { object: 'list', data: [{ id: model, object: 'model' }] });
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    lastBody = JSON.parse(text) as Body;
    lastHeaders = request.headers;
    counts.requests += 1;
    counts.running += 1;
    response.once('close', () => {
      counts.running -= 1;
      if (!response.writableFinished) counts.abandoned += 1;
    });
    await answer(request.url ?? '', lastBody, ordersIn(text), response);
  };

  async function answer(url: string, body: Body, orders: Orders, response: ServerResponse): Promise<void> {
    if (orders.silent) return;
    await sleep(orders.first_ms);
    if (orders.status !== 200) {
      if (orders.retry !== undefined) response.setHeader('retry-after', orders.retry);
      const { status } = orders;
      json(response, status, { error: { code: status, message: `forced status ${status}`, type: 'server_error' } });
      return;
    }
    const completion_tokens = orders.lie ?? orders.chunks;
    const total_tokens = PROMPT_TOKENS + completion_tokens;
    const usage = orders.uncounted ? undefined : { prompt_tokens: PROMPT_TOKENS, completion_tokens, total_tokens };
    if (url.includes('/embeddings')) {
      const data = [{ object: 'embedding', index: 0, embedding: [0.5, -0.5] }];
      const read = { prompt_tokens: PROMPT_TOKENS, total_tokens: PROMPT_TOKENS };
      json(response, 200, { object: 'list', model, data, usage: read });
    } else if (url.includes('/responses')) {
      json(response, 404, { detail: 'Not Found' });
    } else if (body['stream'] === true) {
      await stream(deltas(body, orders), usage, orders, response);
    } else {
      const whole = { id: 'c', object: 'chat.completion', created: 1, model, choices: [choice(body, orders)], usage };
      if (orders.die === undefined) json(response, 200, whole);
      else await cutShort(response, whole);
    }
  }

  async function stream(words: Iterable<object>, usage: object | undefined, orders: Orders, response: ServerResponse) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const closed = once(response, 'close').catch(() => {});
    let sent = 0;
    for (const delta of words) {
      if (sent === orders.hang) return;
      if (sent === orders.die) return void response.destroy();
      const more = event(response, { choices: [{ index: 0, delta, finish_reason: null }] });
      if (!more) await Promise.race([new Promise((done) => response.once('drain', done)), closed]);
      if (response.destroyed) return;
      sent += 1;
      if (orders.delay_ms > 0) await sleep(orders.delay_ms);
    }
    event(response, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    if (usage) event(response, { choices: [], usage });
    response.end('data: [DONE]\n\n');
  }

  function event(response: ServerResponse, fields: object): boolean {
    const envelope = { id: 'c', object: 'chat.completion.chunk', created: 1, model };
    const text = `data: ${JSON.stringify({ ...envelope, ...fields })}\n\n`;
    counts.events += 1;
    counts.written += text.length;
    return response.write(text);
  }

  let server = createServer();
  const listen = async (): Promise<void> => {
    server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  await listen();
  return {
    port,
    requests: () => counts.requests,
    running: () => counts.running,
    abandoned: () => counts.abandoned,
    events: () => counts.events,
    written: () => counts.written,
    lastBody: () => lastBody,
    lastHeaders: () => lastHeaders,
    goDown: close,
    comeUp: listen,
    [Symbol.asyncDispose]: close,
  };
}

function ordersIn(text: string): Orders {
  const given = new Map<string, string>();
  for (const word of (/\[\[(.*?)\]\]/.exec(text)?.[1] ?? '').split(' ')) {
    const [name = '', value = ''] = word.split('=');
    given.set(name, value);
  }
  const number = (name: string) => (given.has(name) ? Number(given.get(name)) : undefined);
  return {
    chunks: number('chunks') ?? COMPLETION_TOKENS,
    delay_ms: number('delay_ms') ?? 0,
    first_ms: number('first_ms') ?? 0,
    status: number('status') ?? 200,
    retry: number('retry'),
    die: number('die'),
    hang: number('hang'),
    bytes: number('bytes') ?? 0,
    silent: given.has('silent'),
    lie: number('lie'),
    uncounted: given.has('uncounted'),
  };
}

/** A tool is called once, a schema is obeyed, anything else gets words. */
function choice(body: Body, { chunks }: Orders): object {
  const call = callOf(body);
  if (call) {
    const message = { role: 'assistant', content: null, tool_calls: [call] };
    return { index: 0, finish_reason: 'tool_calls', message };
  }
  const schema = body.response_format?.type === 'json_schema';
  const content = schema ? '{"answer":42}' : 'word '.repeat(chunks).trim();
  return { index: 0, finish_reason: 'stop', message: { role: 'assistant', content } };
}

function* deltas(body: Body, { chunks, bytes }: Orders): Generator<object> {
  const call = callOf(body);
  if (call) {
    yield { role: 'assistant', tool_calls: [{ index: 0, ...call }] };
  } else if (bytes > 0) {
    const content = 'x'.repeat(WORD_BYTES);
    for (let sent = 0; sent < bytes; sent += WORD_BYTES) yield { role: 'assistant', content };
  } else {
    for (let sent = 0; sent < chunks; sent += 1) yield { role: 'assistant', content: `w${sent} ` };
  }
}

function callOf({ tools, messages }: Body): object | undefined {
  const name = tools?.[0]?.function.name;
  if (name === undefined || messages?.at(-1)?.role === 'tool') return undefined;
  return { id: 'call_1', type: 'function', function: { name, arguments: '{"city":"Bern"}' } };
}

async function cutShort(response: ServerResponse, body: object): Promise<void> {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  await new Promise<void>((written) => response.write(text.slice(0, text.length / 2), () => written()));
  await sleep(20); // so that the half is read before the reset comes
  response.destroy();
}

function json(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}
