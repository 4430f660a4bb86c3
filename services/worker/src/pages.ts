/** The worker's own HTTP pages: what it does for people, for `bombyx status`, for Prometheus; and its switches. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, formatTon } from '@bombyx/base';
import { AccessHash, pageHeaders, refusesOrder } from '@bombyx/page';
import { type Address, parseAddress } from '@bombyx/ton';
import type { Worker } from './api.ts';
import { MetricsPage, type MetricsSource } from './metrics.ts';
import { statsPage } from './stats-page.ts';

export interface PagesOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Password of all pages but `/health`; empty: switches only from this machine. */
  readonly accessHash: string;
  /** What this worker's certificate attests; where it is not said, the page shows no tier. */
  readonly attestation?: string;
}

export interface PagesDeps extends MetricsSource {
  readonly clock: Clock;
  readonly worker: Pick<Worker, 'ready' | 'snapshot' | 'setEnabled' | 'setCoefficient' | 'payOut'>;
}

export interface Pages extends AsyncDisposable {
  readonly port: number;
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const text = (status: number, body: string): Reply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: `${body}\n`,
});

/** @throws what listening throws: a port in use, a host that is not ours */
export async function servePages(options: PagesOptions, deps: PagesDeps): Promise<Pages> {
  const metrics = new MetricsPage(deps);
  const access = new AccessHash(options.accessHash);
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16_384 },
    (request, response) => {
      request.resume(); // no page reads a body
      answer(request, options, access, deps, metrics).then(
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
  { attestation }: PagesOptions,
  access: AccessHash,
  { worker, clock }: PagesDeps,
  metrics: MetricsPage,
): Promise<Reply> {
  const url = URL.parse(request.url ?? '', 'http://worker');
  if (url === null) return text(400, 'not a path');
  if (url.pathname === '/health') return worker.ready ? text(200, 'ready') : text(503, 'not ready');
  const stranger = access.refuses(url.search.slice(1), request.headers.authorization);
  if (stranger) return text(stranger.status, stranger.text);
  switch (url.pathname) {
    case '/stats':
      return {
        status: 200,
        headers: pageHeaders,
        body: statsPage(worker.snapshot(), { attestation, nowMs: clock.nowMs() }),
      };
    case '/jsonstats':
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: `${JSON.stringify(worker.snapshot(), null, 2)}\n`,
      };
    case '/metrics':
      return { status: 200, headers: { 'content-type': metrics.type }, body: await metrics.read() };
    case '/request/enable':
    case '/request/disable':
    case '/request/change_coefficient':
    case '/request/payout': {
      if (request.method !== 'POST') return text(405, 'must be a POST request');
      const refusal = refusesOrder({ headers: request.headers, remoteAddress: request.socket.remoteAddress }, access);
      return refusal ? text(refusal.status, refusal.text) : carryOut(url, worker);
    }
    default:
      return text(404, 'not found');
  }
}

async function carryOut(url: URL, worker: PagesDeps['worker']): Promise<Reply> {
  switch (url.pathname) {
    case '/request/enable':
      worker.setEnabled(true);
      return text(200, 'enabled');
    case '/request/disable':
      worker.setEnabled(false);
      return text(200, 'disabled');
    case '/request/payout':
      return payOut(url.searchParams.get('proxy') ?? '', worker.payOut);
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

const REFUSED = { unknown: 404, nothing: 409, 'not-now': 503 } as const;

async function payOut(proxy: string, order: PagesDeps['worker']['payOut']): Promise<Reply> {
  if (order === undefined) return text(501, 'payouts need the TON chain, and this worker runs without it');
  let contract: Address;
  try {
    contract = parseAddress(proxy);
  } catch {
    return text(400, 'proxy must be the address of a proxy contract, as /jsonstats shows it in proxy_sc_address');
  }
  const ordered = await order(contract);
  if (!ordered.ok) return text(REFUSED[ordered.reason], ordered.text);
  return text(202, `a payout of ${formatTon(ordered.amount)} TON is under way`);
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, {
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
}
