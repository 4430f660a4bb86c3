/** The paths that are not inference: models, health, statistics, metrics, management. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { queryValue } from './access.ts';
import { GatewayError } from './errors.ts';
import type { ForwardContext } from './forward.ts';
import { actionOf, type ManagementActions, manage } from './management.ts';
import { listModels, retrieveModel } from './models.ts';
import { statsPage } from './stats-page.ts';

interface Page {
  readonly status?: number;
  readonly type: string;
  readonly text: string;
}

const MODELS = '/v1/models/';

/** @returns whether {@link answerPage} knows the path; all other `/v1/` paths are inference */
export function isPage(path: string): boolean {
  return path === '/v1/models' || path.startsWith(MODELS) || !path.startsWith('/v1/');
}

/** Answers `path`. @throws {GatewayError} for unknown paths, wrong methods and missing passwords; what the client throws */
export async function answerPage(
  context: ForwardContext,
  management: ManagementActions | undefined,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: string,
): Promise<void> {
  req.resume(); // nothing here takes a body
  const { type, text, status = 200 } = await pageOf(context, management, req, path, query);
  const body = Buffer.from(text);
  res.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(type === HTML ? { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" } : {}),
  });
  res.end(body);
}

async function pageOf(
  context: ForwardContext,
  management: ManagementActions | undefined,
  req: IncomingMessage,
  path: string,
  query: string,
): Promise<Page> {
  const { client, access, metrics } = context;
  const action = actionOf(path);
  if (action) {
    access.checkHash(req, query);
    if (req.method !== 'POST') throw new GatewayError('GATEWAY_METHOD_NOT_ALLOWED', `${path} takes POST`);
    return { type: 'text/plain; charset=utf-8', text: await manage(management, action, queryValue(query, 'proxy')) };
  }
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    throw new GatewayError(
      isKnown(path) ? 'GATEWAY_METHOD_NOT_ALLOWED' : 'GATEWAY_UNKNOWN_PATH',
      'nothing here takes this method',
    );
  }
  if (path === '/v1/models') return json(await listModels(client));
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
      return { type: metrics.contentType, text: await metrics.text() };
    case '/stats':
      access.checkHash(req, query);
      return { type: HTML, text: statsPage(client.snapshot(), { ready: client.ready, inFlight: context.inFlight }) };
    case '/jsonstats':
      access.checkHash(req, query);
      return json(client.snapshot());
    case '/request/debuglogentry':
      access.checkHash(req, query);
      return { type: JSON_TYPE, text: context.debugLog.get(queryValue(query, 'request_guid') ?? '') };
    default:
      throw new GatewayError('GATEWAY_UNKNOWN_PATH', 'this path is not served; the API is under /v1/');
  }
}

const JSON_TYPE = 'application/json';
const HTML = 'text/html; charset=utf-8';
const FIXED: ReadonlySet<string> = new Set([
  '/v1/models',
  '/health',
  '/metrics',
  '/stats',
  '/jsonstats',
  '/request/debuglogentry',
]);

function isKnown(path: string): boolean {
  return FIXED.has(path) || path.startsWith(MODELS);
}

function json(value: unknown): Page {
  return { type: JSON_TYPE, text: JSON.stringify(value) };
}
