/**
 * An inference server that does what the prompt orders, so that a test reads like its story:
 * `[[chunks=5 delay_ms=100]]` streams five events, `die=2` cuts the socket after two, `status=500` refuses,
 * `first_ms=600` waits, `silent` never answers, `bytes=1000000` streams that much, `lie=1` reports absurd usage.
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
  /** Body bytes written so far. */
  readonly written: () => number;
  /** The last request body, parsed. */
  readonly lastBody: () => Record<string, unknown>;
  readonly lastHeaders: () => IncomingMessage['headers'];
}

const PROMPT_TOKENS = 34;

export async function startBackend(model = 'test-model'): Promise<Backend> {
  let requests = 0;
  let running = 0;
  let abandoned = 0;
  let written = 0;
  let lastBody: Record<string, unknown> = {};
  let lastHeaders: IncomingMessage['headers'] = {};

  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      json(response, 200, { object: 'list', data: [{ id: model, object: 'model' }] });
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    lastBody = JSON.parse(text) as Record<string, unknown>;
    lastHeaders = request.headers;
    requests += 1;
    running += 1;
    response.once('close', () => {
      running -= 1;
      if (!response.writableFinished) abandoned += 1;
    });
    await answer(request.url ?? '', orders(text), response).catch(() => response.destroy());
  });

  async function answer(url: string, order: Map<string, string>, response: ServerResponse): Promise<void> {
    const number = (name: string, otherwise: number) => Number(order.get(name) ?? otherwise);
    if (order.has('silent')) return;
    await sleep(number('first_ms', 0));
    const status = number('status', 200);
    if (status !== 200) {
      json(response, status, { error: { code: status, message: `forced status ${status}`, type: 'server_error' } });
      return;
    }
    if (url.includes('/embeddings')) {
      json(response, 200, {
        object: 'list',
        model,
        data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.5] }],
        usage: { prompt_tokens: PROMPT_TOKENS, total_tokens: PROMPT_TOKENS },
      });
      return;
    }
    const count = number('chunks', 17);
    const completion = order.has('lie') ? 2 ** 40 : count;
    const usage = {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: completion,
      total_tokens: PROMPT_TOKENS + completion,
    };
    if (lastBody['stream'] !== true) {
      const message = { role: 'assistant', content: 'word '.repeat(count).trim() };
      json(response, 200, {
        id: 'c',
        object: 'chat.completion',
        created: 1,
        model,
        choices: [{ index: 0, finish_reason: 'stop', message }],
        usage,
      });
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = number('bytes', 0);
    const die = number('die', -1);
    for (let sent = 0; bytes > 0 ? written < bytes : sent < count; sent++) {
      if (sent === die) {
        response.destroy();
        return;
      }
      const content = bytes > 0 ? 'x'.repeat(16_384) : `w${sent} `;
      const more = write(response, { choices: [{ index: 0, delta: { content }, finish_reason: null }] });
      if (!more) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      if (response.destroyed) return;
      if (order.has('delay_ms')) await sleep(number('delay_ms', 0));
    }
    write(response, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    write(response, { choices: [], usage });
    response.end('data: [DONE]\n\n');
  }

  function write(response: ServerResponse, fields: object): boolean {
    const event = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, ...fields })}\n\n`;
    written += event.length;
    return response.write(event);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    running: () => running,
    abandoned: () => abandoned,
    written: () => written,
    lastBody: () => lastBody,
    lastHeaders: () => lastHeaders,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function orders(text: string): Map<string, string> {
  const order = /\[\[(.*?)\]\]/.exec(text)?.[1] ?? '';
  return new Map(
    order.split(' ').map((word) => (word.includes('=') ? (word.split('=') as [string, string]) : [word, ''])),
  );
}

function json(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}
