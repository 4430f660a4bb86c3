/**
 * The proxy's own HTTP pages. On 127.0.0.1 unless configured otherwise. Management is by POST only, from this machine
 * only unless an access hash is configured, which then every custom path needs; pages of other sites are refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { ProxyError } from './errors.ts';
import { statsPage } from './page.ts';
import type { ProxySnapshot } from './snapshot.ts';

export interface Management {
  /** What `/request/<action>` does; the text is shown. @returns undefined for an unknown action */
  act(action: string, query: URLSearchParams): string | undefined;
  snapshot(): ProxySnapshot;
  /** undefined when all is well, otherwise what is wrong. */
  illness(): string | undefined;
}

export interface Pages extends AsyncDisposable {
  readonly port: number;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
} as const;

/** @throws {ProxyError} `PROXY_PORT` when the port cannot be bound */
export async function servePages(
  options: { host: string; port: number; accessHash: string },
  deps: { management: Management; metrics: Registry },
): Promise<Pages> {
  const server = createServer((request, response) => {
    answer(request, response, options.accessHash, deps).catch((error: unknown) => {
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
  accessHash: string,
  { management, metrics }: { management: Management; metrics: Registry },
): Promise<void> {
  request.resume();
  const reply = (status: number, type: keyof typeof TYPES, text: string) => {
    response.writeHead(status, {
      'Content-Type': TYPES[type],
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(text);
  };
  const url = URL.parse(request.url ?? '/', 'http://proxy');
  if (!url) return reply(400, 'text', 'bad request\n');
  if (url.pathname === '/health') {
    const illness = management.illness();
    return reply(illness ? 503 : 200, 'json', `${JSON.stringify({ ok: !illness, problem: illness ?? null })}\n`);
  }
  const open = accessHash === '';
  if (!open && !knows(request, url, accessHash)) return reply(400, 'text', 'access hash is wrong or missing\n');
  switch (url.pathname) {
    case '/':
    case '/stats':
      return reply(200, 'html', statsPage(management.snapshot()));
    case '/jsonstats':
      return reply(200, 'json', `${JSON.stringify(management.snapshot(), null, 2)}\n`);
    case '/metrics': {
      const text = await metrics.metrics();
      response.writeHead(200, { 'Content-Type': metrics.contentType });
      response.end(text);
      return;
    }
    default:
  }
  const action = /^\/request\/([a-z]+)$/.exec(url.pathname)?.[1];
  if (action === undefined) return reply(404, 'text', 'not found\n');
  if (request.method !== 'POST') return reply(405, 'text', `${action} must be a post request\n`);
  if (crossSite(request)) return reply(403, 'text', 'requests of other sites are refused\n');
  if (open && !isLoopback(request.socket.remoteAddress)) {
    return reply(403, 'text', 'management is for this machine only: set http_access_hash to allow others\n');
  }
  const text = management.act(action, url.searchParams);
  return text === undefined ? reply(404, 'text', 'not found\n') : reply(200, 'text', `${text}\n`);
}

/** Compared by hash, so that neither length nor content of the password shows in the time it takes. */
function knows(request: IncomingMessage, url: URL, accessHash: string): boolean {
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const given = bearer ?? url.searchParams.get('access_hash') ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(accessHash));
}

/** Browsers say where a request comes from; one made by another site's page is not the operator's. */
function crossSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (headers.origin === undefined) return false;
  return URL.parse(headers.origin)?.host !== headers.host;
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address ?? '');
}
