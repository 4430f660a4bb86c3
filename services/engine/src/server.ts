/** Routes, bodies and errors of the HTTP API. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock, Logger } from '@bombyx/base';
import type { Admission } from './admission.ts';
import { type Exchange, type ServedModel, sendJson } from './answer.ts';
import { ApiError } from './api-error.ts';
import { chatCompletion } from './chat.ts';
import { completion } from './completions.ts';
import { embeddings } from './embeddings.ts';
import { EngineError } from './errors.ts';

const MAX_BODY_BYTES = 1 << 20;
const TOO_LARGE = `a body may have 1 MiB (${MAX_BODY_BYTES} bytes) here: this model reads far less`;
/** A longer body is still read, and dropped, up to here: a client that is cut off while it sends never sees the 413. */
const MAX_DROPPED_BYTES = 16 << 20;

type Handler = (exchange: Exchange, body: unknown) => void | Promise<void>;
interface Route {
  readonly method: 'GET' | 'POST';
  readonly handle: Handler;
}

const POST = (handle: Handler): Route => ({ method: 'POST', handle });
const GET = (handle: Handler): Route => ({ method: 'GET', handle });
const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['/health', GET(health)],
  [
    '/v1/models',
    GET((exchange) => sendJson(exchange.response, 200, { object: 'list', data: [modelObject(exchange)] })),
  ],
  ['/v1/chat/completions', POST(chatCompletion)],
  ['/v1/completions', POST(completion)],
  ['/v1/embeddings', POST(embeddings)],
]);
const MODEL_PATH = '/v1/models/';

export function createHandler(
  served: { readonly model: ServedModel; readonly admission: Admission },
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): RequestListener {
  return async (request, response) => {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new DOMException('the client has gone', 'AbortError'));
    });
    try {
      const route = findRoute(request);
      const body = route.method === 'POST' ? parseJson(await readBody(request)) : undefined;
      const createdSec = Math.floor(clock.nowMs() / 1000);
      await route.handle({ ...served, response, signal: gone.signal, createdSec }, body);
    } catch (error) {
      if (gone.signal.aborted || request.errored) return; // nobody is left to answer
      const answer = toApiError(error);
      if (answer.status >= 500)
        log.error('request failed', { path: pathOf(request), code: answer.code, cause: String(error) });
      else log.debug('request refused', { path: pathOf(request), code: answer.code });
      sendError(response, answer);
    }
  };
}

/** @throws {ApiError} `not_found`, `method_not_allowed` */
function findRoute(request: IncomingMessage): Route {
  const path = pathOf(request);
  const route = path.startsWith(MODEL_PATH) ? GET(oneModel(path)) : ROUTES.get(path);
  if (!route) throw new ApiError('not_found', `there is nothing at ${path}`);
  if (request.method !== route.method) {
    throw new ApiError('method_not_allowed', `${path} takes ${route.method} only`, null, { allow: route.method });
  }
  return route;
}

function oneModel(path: string): Handler {
  return (exchange) => {
    if (path !== MODEL_PATH + encodeURIComponent(exchange.model.name) && path !== MODEL_PATH + exchange.model.name) {
      throw new ApiError('model_not_found', `there is no model ${path.slice(MODEL_PATH.length)}`, 'model');
    }
    sendJson(exchange.response, 200, modelObject(exchange));
  };
}

function modelObject({ model, createdSec }: Exchange): object {
  return {
    id: model.name,
    object: 'model',
    created: createdSec,
    owned_by: 'bombyx',
    max_model_len: model.contextLength,
  };
}

function health({ model, admission, response }: Exchange): void {
  if (!model.thread.alive) throw new ApiError('unavailable', 'the model thread has ended');
  sendJson(response, 200, { status: 'ok', model: model.name, running: admission.running, waiting: admission.waiting });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

/** @throws {ApiError} `body_too_large` */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else chunks.length = 0;
      if (size > MAX_DROPPED_BYTES) resolve();
    });
    request.on('end', resolve);
    request.on('error', reject);
  });
  if (size > MAX_BODY_BYTES) throw new ApiError('body_too_large', TOO_LARGE, null, { connection: 'close' });
  return Buffer.concat(chunks, size);
}

/** @throws {ApiError} `invalid_json` */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new ApiError('invalid_json', 'the body is not JSON');
  }
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof EngineError && error.code === 'ENGINE_STOPPED')
    return new ApiError('unavailable', error.message);
  return new ApiError('internal_error', 'the server failed');
}

/** After the head of a stream the error is its last event, without the [DONE] that would call it complete. */
function sendError(response: ServerResponse, error: ApiError): void {
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify(error)}\n\n`);
    return;
  }
  sendJson(response, error.status, error, error.headers);
}
