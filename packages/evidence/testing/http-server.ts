/** A server on this machine whose answers a test writes out. */
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpReply {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string | Uint8Array;
}

/** @param answer undefined: 404 */
export async function httpServer(answer: (path: string) => HttpReply | undefined) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const {
      status = 200,
      type = 'application/octet-stream',
      headers,
      body,
    } = answer(path) ?? { status: 404, body: '' };
    response.writeHead(status, { 'content-type': type, ...headers }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
