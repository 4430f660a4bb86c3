/**
 * The proxy's own HTTP pages. On 127.0.0.1 unless configured otherwise. Management is by POST only, from this machine
 * only unless an access hash is configured, which then every path but `/health` needs; pages of other sites are refused.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AccessHash, pageHeaders, refusesOrder } from '@bombyx/page';
import type { Registry } from 'prom-client';
import { ProxyError } from './errors.ts';
import { statsPage } from './page.ts';
import type { ProxySnapshot } from './snapshot.ts';

export interface Management {
  /** What `/request/<action>` does; the text is shown. @returns undefined for an unknown action */
  act(action: string, query: URLSearchParams): string | Promise<string> | undefined;
  snapshot(): ProxySnapshot;
  /** What the certificates of the connected workers attest. */
  attestations(): readonly string[];
  nowMs(): number;
  /** undefined when all is well, otherwise what is wrong. */
  illness(): string | undefined;
}

export interface Pages extends AsyncDisposable {
  readonly port: number;
}

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';

/** @throws {ProxyError} `PROXY_PORT` when the port cannot be bound */
export async function servePages(
  options: { host: string; port: number; accessHash: string },
  deps: { management: Management; metrics: Registry },
): Promise<Pages> {
  const access = new AccessHash(options.accessHash);
  const server = createServer((request, response) => {
    answer(request, response, access, deps).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(`failed: ${error instanceof Error ? error.message : String(error)}\n`);
    });
  });
  server.maxConnections = 64;
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProxyError('PROXY_PORT', `cannot listen on http_port ${options.port}: ${why}`, {}, { cause });
  }
  return {
    port: (server.address() as AddressInfo).port, // a TCP server that listens has one
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  access: AccessHash,
  { management, metrics }: { management: Management; metrics: Registry },
): Promise<void> {
  request.resume();
  const send = (status: number, headers: Readonly<Record<string, string>>, body: string) => {
    response.writeHead(status, {
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    });
    response.end(body);
  };
  const text = (status: number, line: string) => send(status, { 'content-type': TEXT_TYPE }, `${line}\n`);
  const json = (status: number, body: string) => send(status, { 'content-type': JSON_TYPE }, `${body}\n`);

  const url = URL.parse(request.url ?? '/', 'http://proxy');
  if (!url) return text(400, 'bad request');
  if (url.pathname === '/health') {
    const illness = management.illness();
    return json(illness ? 503 : 200, JSON.stringify({ ok: !illness, problem: illness ?? null }));
  }
  const stranger = access.refuses(url.search.slice(1), request.headers.authorization);
  if (stranger) return text(stranger.status, stranger.text);
  switch (url.pathname) {
    case '/':
    case '/stats': {
      const state = { attestations: management.attestations(), nowMs: management.nowMs() };
      return send(200, pageHeaders, statsPage(management.snapshot(), state));
    }
    case '/jsonstats':
      return json(200, JSON.stringify(management.snapshot(), null, 2));
    case '/metrics':
      return send(200, { 'content-type': metrics.contentType }, await metrics.metrics());
    default:
  }
  const action = /^\/request\/([a-z]+)$/.exec(url.pathname)?.[1];
  if (action === undefined) return text(404, 'not found');
  if (request.method !== 'POST') return text(405, `${action} must be a post request`);
  const sender = { headers: request.headers, remoteAddress: request.socket.remoteAddress };
  const refusal = refusesOrder(sender, access);
  if (refusal) return text(refusal.status, refusal.text);
  const done = await management.act(action, url.searchParams);
  return done === undefined ? text(404, 'not found') : text(200, done);
}
