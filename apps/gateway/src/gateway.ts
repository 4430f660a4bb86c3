import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock, Logger } from '@bombyx/base';
import type { Client } from '@bombyx/client';
import { Access } from './access.ts';
import { ByteBudget, refuse } from './body.ts';
import { DebugLog } from './debug.ts';
import { asAnswerable, causeOf, GatewayError, openAiError } from './errors.ts';
import { Exchange, type ForwardContext } from './forward.ts';
import type { Keys } from './keys.ts';
import { GatewayMetrics } from './metrics.ts';
import { defaultOptions, type GatewayOptions } from './options.ts';
import { answerPage, isPage } from './pages.ts';
import { ResponsesSupport } from './responses.ts';

export interface GatewayDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** API keys, where callers may need one. The caller's to close, after the gateway. */
  readonly keys?: Keys | undefined;
}

export interface Gateway extends AsyncDisposable {
  /** The port it listens on, also where the options said 0. */
  readonly port: number;
  /** Takes no new requests, lets the running ones end for `graceMs` (default 0), then cuts them off. */
  close(graceMs?: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16 * 1024;
const HEAD_TIMEOUT_MS = 15_000;
/** Longer than load balancers and the OpenAI packages keep an idle connection, so that they are the ones to close it. */
const KEEP_ALIVE_MS = 75_000;

/** Starts the HTTP API. @throws what `listen` throws: the port is in use, or may not be opened */
export async function startGateway(options: Partial<GatewayOptions>, deps: GatewayDeps): Promise<Gateway> {
  const full: GatewayOptions = { ...defaultOptions, ...options };
  const { client, clock, log } = deps;
  const context: ForwardContext = {
    options: full,
    client,
    clock,
    log,
    access: new Access(full),
    keys: deps.keys,
    metrics: new GatewayMetrics(
      () => context.inFlight,
      () => client.ready,
      () => client.snapshot(),
    ),
    support: new ResponsesSupport(full.responsesMemoryMs, () => clock.monotonicMs()),
    bodies: new ByteBudget(full.maxHeldBodyBytes),
    debugLog: new DebugLog(),
    inFlight: 0,
  };
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.min(HEAD_TIMEOUT_MS, full.bodyTimeoutMs),
    requestTimeout: full.bodyTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, full.bodyTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
  });
  server.maxConnections = full.maxConnections;
  const latest = new WeakMap<Socket, ServerResponse>();
  let closing: Promise<void> | undefined;
  // Node would leave a kept-alive connection open whose last answer ended after the server began to close
  const closeIfIdle = () => {
    if (closing) setImmediate(() => server.closeIdleConnections());
  };
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    latest.set(req.socket, res);
    res.on('close', closeIfIdle);
    route(context, req, res);
  };
  server.on('request', listener);
  // a body that will be refused is not asked for
  server.on('checkContinue', (req, res) => {
    if (Number(req.headers['content-length'] ?? 0) <= full.maxBodyBytes) res.writeContinue();
    listener(req, res);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    answerBrokenHttp(error, socket, latest.get(socket));
  });
  server.listen(full.port, full.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  log.info('the gateway listens', { host: full.host, port });

  const close = (graceMs = 0): Promise<void> => {
    closing ??= new Promise((done) => {
      const cutOff = clock.after(graceMs, () => server.closeAllConnections());
      server.close(() => {
        cutOff();
        done();
      });
      server.closeIdleConnections();
    });
    return closing;
  };
  return { port, close, [Symbol.asyncDispose]: () => close() };
}

function route(context: ForwardContext, req: IncomingMessage, res: ServerResponse): void {
  const url = req.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  req.on('error', ignore); // a caller that breaks off; 'close' of the response says so too
  res.on('error', ignore);
  if (req.method === 'OPTIONS') {
    answerOptions(context, req, res);
    return;
  }
  if (!isPage(path)) {
    new Exchange(context, req, res, path).start();
    return;
  }
  void answerPageSafely(context, req, res, path, mark < 0 ? '' : url.slice(mark + 1));
}

function ignore(): void {}

async function answerPageSafely(
  context: ForwardContext,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: string,
): Promise<void> {
  const { access, keys, clock, log } = context;
  try {
    access.checkCaller(req);
    access.addCorsHeaders(req, res);
    const { authorization } = req.headers;
    const isOperator = access.hash.isSet && !access.hash.refuses(query, authorization); // may see more than models
    if (path.startsWith('/v1/') && !isOperator && keys?.asks(authorization)) keys.authenticate(authorization);
    await answerPage(context, req, res, path, query);
  } catch (thrown) {
    const error = asAnswerable(thrown);
    if (error.code === 'GATEWAY_INTERNAL') log.error('a page failed', { cause: causeOf(thrown) });
    if (!res.headersSent) refuse(req, res, error, clock);
  }
}

function answerOptions({ access, clock }: ForwardContext, req: IncomingMessage, res: ServerResponse): void {
  try {
    access.checkCaller(req);
  } catch (error) {
    refuse(req, res, asAnswerable(error), clock);
    return;
  }
  access.addCorsHeaders(req, res);
  res.writeHead(204, { allow: 'GET, HEAD, POST, DELETE, OPTIONS' }).end();
}

/**
 * What Node's parser refused never becomes a request, or never a whole one; it is answered on the bare socket, unless an
 * answer is half written there. @param latest the last response on this socket
 */
function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Socket, latest: ServerResponse | undefined): void {
  const midAnswer = latest?.headersSent === true && !latest.writableFinished;
  if (error.code === 'ECONNRESET' || !socket.writable || midAnswer) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error.code);
  const body = JSON.stringify({ error: openAiError(refusal) });
  const head = `HTTP/1.1 ${refusal.httpStatus} Error\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  socket.end(`${head}\r\n\r\n${body}`);
}

function refusalOf(code: string | undefined): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('GATEWAY_HEADERS_TOO_LARGE', `the headers are larger than ${MAX_HEADER_BYTES} bytes`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('GATEWAY_BODY_TIMEOUT', 'the request was not sent in time');
    default:
      return new GatewayError('GATEWAY_BAD_HTTP', 'this is not HTTP as RFC 9112 has it');
  }
}
