/** The worker's own HTTP pages: what it does for people, for `bombyx status`, for Prometheus; and its switches. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Worker } from './api.ts';
import { MetricsPage, type MetricsSource } from './metrics.ts';

export interface PagesOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Password of all pages but `/health`; empty: switches only from this machine. */
  readonly accessHash: string;
}

export interface PagesDeps extends MetricsSource {
  readonly worker: Pick<Worker, 'ready' | 'snapshot' | 'setEnabled' | 'setCoefficient'>;
}

export interface Pages extends AsyncDisposable {
  readonly port: number;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const text = (status: number, body: string): Reply => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/** @throws what listening throws: a port in use, a host that is not ours */
export async function servePages(options: PagesOptions, deps: PagesDeps): Promise<Pages> {
  const metrics = new MetricsPage(deps);
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16_384 },
    (request, response) => {
      request.resume(); // no page reads a body
      answer(request, options, deps, metrics).then(
        (reply) => send(response, reply),
        () => send(response, text(500, 'internal error')),
      );
    },
  );
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function answer(
  request: IncomingMessage,
  { accessHash }: PagesOptions,
  { worker }: PagesDeps,
  metrics: MetricsPage,
): Promise<Reply> {
  const url = URL.parse(request.url ?? '', 'http://worker');
  if (url === null) return text(400, 'not a path');
  if (url.pathname === '/health') return worker.ready ? text(200, 'ready') : text(503, 'not ready');
  if (accessHash !== '' && !equal(accessHash, url.searchParams.get('access_hash') ?? '')) {
    return text(403, 'this page needs the access hash: add ?access_hash=…');
  }
  switch (url.pathname) {
    case '/stats':
      return { status: 200, type: 'text/html; charset=utf-8', body: statsPage(worker) };
    case '/jsonstats':
      return { status: 200, type: 'application/json', body: `${JSON.stringify(worker.snapshot(), null, 2)}\n` };
    case '/metrics':
      return { status: 200, type: metrics.type, body: await metrics.read() };
    case '/request/enable':
    case '/request/disable':
    case '/request/change_coefficient':
    case '/request/payout': {
      const refusal = judgeOrder(request, accessHash);
      return refusal ?? carryOut(url, worker);
    }
    default:
      return text(404, 'not found');
  }
}

/** A switch moves only for a POST from someone who knows the access hash or, without one, sits at this machine. */
function judgeOrder(request: IncomingMessage, accessHash: string): Reply | undefined {
  if (request.method !== 'POST') return text(405, 'must be a POST request');
  // A web page open on this machine could send a POST as well; browsers then name its origin.
  const { origin, host } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) return text(403, 'not from another site');
  if (request.headers['sec-fetch-site'] === 'cross-site') return text(403, 'not from another site');
  if (accessHash !== '') return undefined;
  if (!isLoopback(request.socket.remoteAddress)) {
    return text(403, 'set http_access_hash to use this from another machine');
  }
  // A name that a stranger's DNS lets point here would make his page look like ours.
  if (!/^(?:localhost|[\d.]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host ?? '')) {
    return text(403, 'use localhost or the address, or set http_access_hash');
  }
  return undefined;
}

function carryOut(url: URL, worker: PagesDeps['worker']): Reply {
  switch (url.pathname) {
    case '/request/enable':
      worker.setEnabled(true);
      return text(200, 'enabled');
    case '/request/disable':
      worker.setEnabled(false);
      return text(200, 'disabled');
    case '/request/payout':
      return text(501, 'payouts need the TON chain, and this worker runs without it');
    default: {
      // As in the C++ worker: the value is 1.5 for 1500 thousandths.
      const given = url.searchParams.get('coefficient') ?? '';
      const coefficient = /^\d{1,6}(?:\.\d{1,3})?$/.test(given) ? Math.round(Number(given) * 1_000) : -1;
      if (coefficient < 0) return text(400, 'coefficient must be a number from 0 to 999999.999, for example 1.5');
      worker.setCoefficient(coefficient);
      return text(200, `coefficient ${coefficient} thousandths`);
    }
  }
}

function send(response: ServerResponse, { status, type, body }: Reply): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function statsPage(worker: PagesDeps['worker']): string {
  const { status, localconfig, uplink, jobs, connections, proxies, stats } = worker.snapshot();
  const rows: [string, string | number][] = [
    ['model', localconfig.model],
    ['price', `${localconfig.coefficient / 1_000}`],
    ['enabled', status.enabled ? 'yes' : 'no'],
    ['inference server', uplink.good ? 'up' : `down (${uplink.last_status})`],
    ['running requests', `${jobs.active} of ${jobs.max_active}`],
    ['requests', stats.queries[0] ?? 0],
    ['failed', stats.failed[0] ?? 0],
    ['adjusted tokens', stats.total_adjusted_tokens_used[0] ?? 0],
    ...connections.map(({ address, is_ready, last_error }): [string, string] => [
      `proxy ${address}`,
      is_ready ? 'ready' : last_error,
    ]),
    ...proxies.map(({ sc_address, earned_tokens_max_known }): [string, number] => [
      `earned by ${sc_address}`,
      earned_tokens_max_known,
    ]),
  ];
  const body = rows
    .map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(String(value))}</td></tr>`)
    .join('\n');
  return `<!doctype html>\n<title>Bombyx worker</title>\n<h1>Bombyx worker</h1>\n<table>\n${body}\n</table>\n`;
}

function escapeHtml(raw: string): string {
  return raw.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function equal(secret: string, given: string): boolean {
  const a = Buffer.from(secret);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}

function isLoopback(remote: string | undefined): boolean {
  return remote !== undefined && /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/.test(remote);
}
