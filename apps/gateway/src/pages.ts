/** The paths that are not inference: models, health, statistics, metrics, management. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pageHeaders, queryValue } from '@bombyx/page';
import { attestation } from './attestation.ts';
import { GatewayError } from './errors.ts';
import type { ForwardContext } from './forward.ts';
import { actionOf, manage } from './management.ts';
import { listModels, retrieveModel } from './models.ts';
import { statsPage } from './stats-page.ts';

interface Answer {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const MODELS = '/v1/models/';
const ATTESTATION = '/v1/attestation';

/** @returns whether {@link answerPage} knows the path; all other `/v1/` paths are inference */
export function isPage(path: string): boolean {
  return path === '/v1/models' || path === ATTESTATION || path.startsWith(MODELS) || !path.startsWith('/v1/');
}

/** Answers `path`. @throws {GatewayError} for unknown paths and wrong methods; what the client throws */
export async function answerPage(
  context: ForwardContext,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: string,
): Promise<void> {
  req.resume(); // nothing here takes a body
  const refusal = isOpen(path) ? undefined : context.access.hash.refuses(query, req.headers.authorization);
  const answer = refusal
    ? { status: refusal.status, ...plain(`${refusal.text}\n`) }
    : await answerTo(context, req, path, query);
  const body = Buffer.from(answer.text);
  res.writeHead(answer.status ?? 200, {
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  res.end(body);
}

async function answerTo(context: ForwardContext, req: IncomingMessage, path: string, query: string): Promise<Answer> {
  const { client, clock, metrics } = context;
  const action = actionOf(path);
  if (action) {
    if (req.method !== 'POST') throw new GatewayError('GATEWAY_METHOD_NOT_ALLOWED', `${path} takes POST`);
    return plain(await manage(client.management, action, queryValue(query, 'proxy')));
  }
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    throw new GatewayError(
      isKnown(path) ? 'GATEWAY_METHOD_NOT_ALLOWED' : 'GATEWAY_UNKNOWN_PATH',
      'nothing here takes this method',
    );
  }
  if (path === '/v1/models') return json(await listModels(client));
  if (path === ATTESTATION) return json(await attestation(client, queryValue(query, 'evidence')));
  if (path.startsWith(MODELS)) return json(await retrieveModel(client, path.slice(MODELS.length)));
  switch (path) {
    case '/health': {
      const { ready } = client;
      return {
        ...json({ status: ready ? 'ok' : 'no proxy', ready, in_flight: context.inFlight }),
        status: ready ? 200 : 503,
      };
    }
    case '/metrics':
      return { headers: { 'content-type': metrics.contentType }, text: await metrics.text() };
    case '/stats': {
      const state = { ready: client.ready, inFlight: context.inFlight, nowMs: clock.nowMs() };
      return { headers: pageHeaders, text: statsPage(client.snapshot(), state) };
    }
    case '/jsonstats':
      return json(client.snapshot());
    case '/request/debuglogentry':
      return jsonText(context.debugLog.get(queryValue(query, 'request_guid') ?? ''));
    default:
      throw new GatewayError('GATEWAY_UNKNOWN_PATH', 'this path is not served; the API is under /v1/');
  }
}

const GUARDED: ReadonlySet<string> = new Set(['/metrics', '/stats', '/jsonstats', '/request/debuglogentry']);

/** Paths without password: the API, health, and those that do not exist. */
function isOpen(path: string): boolean {
  return !GUARDED.has(path) && actionOf(path) === undefined;
}

function isKnown(path: string): boolean {
  return (
    path === '/v1/models' || path === ATTESTATION || path === '/health' || GUARDED.has(path) || path.startsWith(MODELS)
  );
}

function plain(text: string): Answer {
  return { headers: { 'content-type': 'text/plain; charset=utf-8' }, text };
}

function jsonText(text: string): Answer {
  return { headers: { 'content-type': 'application/json' }, text };
}

function json(value: unknown): Answer {
  return jsonText(JSON.stringify(value));
}
