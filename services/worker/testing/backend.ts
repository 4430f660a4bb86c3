/** An inference server made of one handler, on a port of its own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Settles when the caller went away before the answer ended. */
  readonly aborted: Promise<void>;
}

export interface Backend extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  readonly sockets: Set<Socket>;
  /** Every connection ever accepted. */
  readonly accepted: () => number;
}

export type Answer = (request: SeenRequest, response: ServerResponse) => unknown;

export async function startBackend(answer: Answer): Promise<Backend> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    const aborted = new Promise<void>((resolve) => response.on('close', () => response.writableFinished || resolve()));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      if (url === '/v1/models' && method === 'GET') {
        response.end('{"object":"list","data":[]}');
        return;
      }
      const one = { method, url, headers, body: Buffer.concat(chunks).toString(), aborted };
      seen.push(one);
      answer(one, response);
    });
  });
  server.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    seen,
    sockets,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

export function usage(prompt: number, completion: number, more: object = {}): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...more };
}

/** One server-sent event with a piece of text, as vLLM writes it. */
export function event(content: string, more: object = {}): string {
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }], ...more })}\n\n`;
}

/** The events that end a stream: the usage on its own, then the mark. */
export function lastEvents(prompt: number, completion: number, more: object = {}): string {
  return `data: ${JSON.stringify({ choices: [], usage: usage(prompt, completion, more) })}\n\ndata: [DONE]\n\n`;
}
