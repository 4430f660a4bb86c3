import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { BombyxError } from '@bombyx/base';
import type { ClientError } from '@bombyx/client';

/** HTTP status of each refusal the gateway makes by itself. The keys are API: callers see them in lower case as `error.code`. */
const STATUS = {
  GATEWAY_BAD_HTTP: 400,
  GATEWAY_BAD_JSON: 400,
  GATEWAY_INVALID_VALUE: 400,
  GATEWAY_MISSING_MODEL: 400,
  GATEWAY_DUPLICATE_FIELD: 400,
  GATEWAY_UNSUPPORTED: 400,
  GATEWAY_INVALID_API_KEY: 401,
  GATEWAY_FORBIDDEN_HOST: 403,
  GATEWAY_FORBIDDEN_ORIGIN: 403,
  GATEWAY_UNKNOWN_PATH: 404,
  GATEWAY_MODEL_NOT_FOUND: 404,
  GATEWAY_EVIDENCE_NOT_FOUND: 404,
  GATEWAY_METHOD_NOT_ALLOWED: 405,
  GATEWAY_BODY_TIMEOUT: 408,
  GATEWAY_BODY_TOO_LARGE: 413,
  GATEWAY_TOO_MANY_REQUESTS: 429,
  GATEWAY_INSUFFICIENT_QUOTA: 429,
  GATEWAY_HEADERS_TOO_LARGE: 431,
  GATEWAY_INTERNAL: 500,
  GATEWAY_BAD_ANSWER: 502,
  GATEWAY_NOT_READY: 503,
  GATEWAY_KEYS_UNAVAILABLE: 503,
} as const;

export type GatewayErrorCode = keyof typeof STATUS;

export interface GatewayErrorOptions extends ErrorOptions {
  readonly param?: string;
  readonly retryAfterMs?: number;
}

/** A request the gateway refuses itself, before or instead of sending it into the network. */
export class GatewayError extends BombyxError<GatewayErrorCode> {
  readonly httpStatus: number;
  /** Name of the request field at fault. */
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: GatewayErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(code, message, options.param === undefined ? {} : { param: options.param }, options);
    this.httpStatus = STATUS[code];
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error object of the OpenAI API; `cocoon_code` is ours, see errors.md §1 of the protocol. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string;
  readonly cocoon_code?: number;
}

export function openAiError(error: GatewayError | ClientError): OpenAiError {
  const local = error instanceof GatewayError;
  const status = statusOf(error);
  return {
    message: error.message,
    type: error.code === 'GATEWAY_INSUFFICIENT_QUOTA' ? 'insufficient_quota' : typeOf(status),
    param: local ? (error.param ?? null) : error.code === 'CLIENT_UNKNOWN_MODEL' ? 'model' : null,
    code: error.code === 'CLIENT_UNKNOWN_MODEL' ? 'model_not_found' : error.code.replace(/^[A-Z]+_/, '').toLowerCase(),
    ...(local ? {} : { cocoon_code: error.cocoonCode }),
  };
}

/** A status from another part of the network is not trusted to be an error status. */
export function statusOf(error: GatewayError | ClientError): number {
  const status = error.httpStatus;
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500;
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** Whatever was thrown becomes something a caller may see; the text of a stranger's exception does not. */
export function asAnswerable(error: unknown): GatewayError | ClientError {
  if (error instanceof GatewayError) return error;
  if (error instanceof BombyxError && 'httpStatus' in error) return error as ClientError;
  return new GatewayError('GATEWAY_INTERNAL', 'the gateway failed on this request; its log has the cause');
}

/** What a log may say of an unexpected exception: its kind and place. Its message could quote a prompt. */
export function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const place = /^\s+at .*$/m.exec(thrown.stack ?? '')?.[0].trim();
  return `${thrown.name} ${place ?? ''}`;
}

/** Somebody has to do something first. */
const HOPELESS: ReadonlySet<string> = new Set(['GATEWAY_INSUFFICIENT_QUOTA', 'CLIENT_UNPROVEN']);

/** Answers with an error object. Only for a response whose head has not been written. */
export function writeError(res: ServerResponse, error: GatewayError | ClientError, requestId?: string): void {
  const body = Buffer.from(JSON.stringify({ error: openAiError(error) }));
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-request-id': requestId ?? randomUUID(),
  };
  const retryAfterMs = error.retryAfterMs;
  if (retryAfterMs !== undefined && retryAfterMs >= 0) {
    headers['retry-after'] = Math.ceil(retryAfterMs / 1000); // whole seconds by RFC 9110
    headers['retry-after-ms'] = Math.ceil(retryAfterMs); // what the OpenAI packages look for first
  } else if (statusOf(error) === 409 || HOPELESS.has(error.code)) {
    headers['x-should-retry'] = 'false'; // the packages would repeat a price that is too low, or ask for money again
  }
  if (error.code === 'GATEWAY_INVALID_API_KEY') headers['www-authenticate'] = 'Bearer'; // as RFC 9110 wants of a 401
  res.writeHead(statusOf(error), headers).end(body);
}
