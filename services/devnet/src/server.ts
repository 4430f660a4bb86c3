/** The HTTP server: routes, both forms of the API, and its errors. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@bombyx/base';
import { accountMethods } from './account-methods.ts';
import { ApiError, toApiError } from './api-error.ts';
import { blockMethods } from './block-methods.ts';
import { readJson } from './body.ts';
import { DevnetError } from './errors.ts';
import type { Method } from './method.ts';
import { type OperatorContext, operatorRoutes } from './operator-routes.ts';

export interface Server extends AsyncDisposable {
  readonly port: number;
}

const METHODS = new Map<string, Method>(Object.entries({ ...blockMethods, ...accountMethods }));
const API = '/api/v2/';
const MAX_CONNECTIONS = 256;
/** Longer than clients keep an idle connection, so that the client closes first. */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS = 30_000;

/** What is answered, before it is written. */
interface Answer {
  readonly status: number;
  readonly body: object;
}

/** @throws {DevnetError} `DEVNET_PORT` when the port cannot be bound */
export async function serve(
  options: { readonly host: string; readonly port: number },
  deps: OperatorContext & { readonly log: Logger },
): Promise<Server> {
  const handle = handler(deps);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS }, (request, response) => {
    handle(request).then(
      (answer) => write(response, answer),
      (error: unknown) => {
        if (!request.errored) deps.log.error('an answer could not be written', { cause: String(error) });
        response.destroy();
      },
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `cannot listen on ${options.host}:${options.port}: ${why}`;
    throw new DevnetError('DEVNET_PORT', text, { port: options.port }, { cause });
  }
  return {
    port: (server.address() as AddressInfo).port, // a TCP server has this form of address
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function handler(context: OperatorContext & { readonly log: Logger }): (request: IncomingMessage) => Promise<Answer> {
  const routes = new Map<string, (body: unknown) => unknown>(Object.entries(operatorRoutes(context)));

  /** Runs a method or a route. Failures are answers; those that are ours are logged. */
  const answer = async (work: () => unknown, extra: object = {}): Promise<Answer> => {
    try {
      return { status: 200, body: { ok: true, result: await work(), ...extra } };
    } catch (error) {
      const { status, message } = toApiError(error);
      if (status === 500 && !(error instanceof ApiError || error instanceof DevnetError)) {
        context.log.error('a request failed', { cause: error instanceof Error ? error.message : String(error) });
      }
      return { status, body: { ok: false, error: message, code: status, ...extra } };
    }
  };

  return async (request) => {
    const url = URL.parse(request.url ?? '/', 'http://devnet');
    const verb = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    if (!url) return await answer(() => refuse(400, 'bad request'));
    if (crossSite(request)) return await answer(() => refuse(403, 'requests of other sites are refused'));
    if (verb !== 'GET' && verb !== 'POST') return await answer(() => refuse(405, 'GET or POST'));
    if (url.pathname === `${API}jsonRPC`) {
      if (verb !== 'POST') return await answer(() => refuse(405, 'jsonRPC takes POST only'));
      return await rpc(request, answer, context);
    }
    return await answer(async () => {
      const body = verb === 'POST' ? await readJson(request) : Object.fromEntries(url.searchParams);
      const route = routes.get(`${verb} ${url.pathname}`);
      if (route) return await route(body);
      if (!url.pathname.startsWith(API)) refuse(404, 'not found');
      return await methodNamed(url.pathname.slice(API.length))(body, context.ledger);
    });
  };
}

/** One call in the JSON-RPC form; its `id` comes back whatever happens. */
async function rpc(
  request: IncomingMessage,
  answer: (work: () => unknown, extra?: object) => Promise<Answer>,
  { ledger }: OperatorContext,
): Promise<Answer> {
  let call: unknown;
  try {
    call = await readJson(request);
  } catch (error) {
    return await answer(() => Promise.reject(error), { jsonrpc: '2.0', id: null });
  }
  const {
    id = null,
    method,
    params = {},
  } = (typeof call === 'object' && call !== null ? call : {}) as {
    readonly id?: unknown;
    readonly method?: unknown;
    readonly params?: unknown;
  }; // any JSON object may be read so: all of it is unknown
  const echoed = typeof id === 'string' || typeof id === 'number' ? id : null;
  return await answer(() => methodNamed(method)(params, ledger), { jsonrpc: '2.0', id: echoed });
}

/** @throws {ApiError} 404 */
function methodNamed(name: unknown): Method {
  const found = typeof name === 'string' ? METHODS.get(name) : undefined;
  return found ?? refuse(404, 'unknown method');
}

function refuse(status: number, message: string): never {
  throw new ApiError(status, message);
}

function write(response: ServerResponse, { status, body }: Answer): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 413 ? { Connection: 'close' } : {}),
  });
  response.end(text);
}

/** Browsers say where a request comes from; pages of other sites have no business here. */
function crossSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (headers.origin === undefined) return false;
  return URL.parse(headers.origin)?.host !== headers.host;
}
