/** What is heard from clients and said to them, in each protocol version. */
import type { TokensUsed } from '@bombyx/ledger';
import { encode, type Tl, type TlObject } from '@bombyx/wire';
import { type Failure, failure } from './errors.ts';
import type { ProxyLimits } from './limits.ts';
import type { ServedBy } from './proofs.ts';
import { keyOf } from './worker-dialect.ts';

/** A request as a client sent it, every number checked. */
export interface Run {
  readonly id: Buffer;
  readonly key: string;
  readonly model: string;
  /** Boxed `http.request`. */
  readonly query: Buffer;
  readonly maxCoefficient: number;
  readonly maxTokens: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** Answer bytes the client takes at first; undefined when it has no flow control. */
  readonly window: number | undefined;
  readonly minConfigVersion: number;
  readonly debug: boolean;
  readonly evidenceNonce: Buffer | undefined;
}

export type RunMessage = Tl<'client.runQuery'> | Tl<'client.runQueryEx'> | Tl<'bombyx.runQuery'>;
export type RunCheck = { readonly ok: true; readonly run: Run } | { readonly ok: false; readonly because: Failure };

/** Checks every number a client sent: all of them are signed on the wire, and two of them are money. */
export function readRun(message: RunMessage, limits: ProxyLimits): RunCheck {
  const bad = (what: string): RunCheck => ({ ok: false, because: failure('bad_request', what) });
  if (message.max_tokens < 0) return bad(`max_tokens must not be negative: ${message.max_tokens}`);
  if (message.max_coefficient < 0) return bad(`max_coefficient must not be negative: ${message.max_coefficient}`);
  if (message.model_name === '') return bad('the model name is empty');
  if (message.model_name.length > limits.modelName) return bad('the model name is too long');
  const common = {
    id: message.request_id,
    key: keyOf(message.request_id),
    model: message.model_name,
    query: message.query,
    maxCoefficient: message.max_coefficient,
    maxTokens: message.max_tokens,
    minConfigVersion: message.min_config_version,
  };
  if (message.kind !== 'bombyx.runQuery') {
    const ms = message.timeout * 1_000;
    if (!(ms > 0)) return bad(`timeout must be a positive number of seconds: ${message.timeout}`);
    const totalMs = Math.min(ms, limits.totalMs);
    const debug = message.kind === 'client.runQueryEx' && message.enable_debug === true;
    const times = { firstByteMs: totalMs, idleMs: totalMs, totalMs };
    return { ok: true, run: { ...common, ...times, window: undefined, debug, evidenceNonce: undefined } };
  }
  if (message.total_timeout_ms <= 0 || message.first_byte_timeout_ms <= 0 || message.idle_timeout_ms <= 0) {
    return bad('timeouts must be positive numbers of milliseconds');
  }
  if (message.window < 0) return bad(`window must not be negative: ${message.window}`);
  if ((message.evidence_nonce?.length ?? 0) > 64) return bad('the evidence nonce is longer than 64 bytes');
  const totalMs = Math.min(message.total_timeout_ms, limits.totalMs);
  return {
    ok: true,
    run: {
      ...common,
      totalMs,
      firstByteMs: Math.min(message.first_byte_timeout_ms, totalMs),
      idleMs: Math.min(message.idle_timeout_ms, totalMs),
      window: message.window,
      debug: message.enable_debug === true,
      evidenceNonce: message.evidence_nonce,
    },
  };
}

/** What the client learns with the end of an answer. Times in Unix seconds. */
export interface ClientFinal {
  readonly tokens: TokensUsed;
  readonly workerDebug: string | undefined;
  readonly proxyDebug: string | undefined;
  readonly proxyStartSec: number;
  readonly proxyEndSec: number;
  readonly workerStartSec: number;
  readonly workerEndSec: number;
  readonly receipt: Buffer | undefined;
  readonly evidence: Buffer | undefined;
}

export function tokensMessage(tokens: TokensUsed): Tl<'tokensUsed'> {
  return {
    kind: 'tokensUsed',
    prompt_tokens_used: tokens.prompt,
    cached_tokens_used: tokens.cached,
    completion_tokens_used: tokens.completion,
    reasoning_tokens_used: tokens.reasoning,
    total_tokens_used: tokens.total,
  };
}

function debugOf(final: ClientFinal): { worker_debug: string; proxy_debug: string } | Record<string, never> {
  if (final.proxyDebug === undefined) return {};
  return { worker_debug: final.workerDebug ?? '', proxy_debug: final.proxyDebug };
}

function timesOf(final: ClientFinal) {
  return {
    proxy_start_time: final.proxyStartSec,
    proxy_end_time: final.proxyEndSec,
    worker_start_time: final.workerStartSec,
    worker_end_time: final.workerEndSec,
  };
}

function ourFinal(final: ClientFinal): Tl<'bombyx.finalInfo'> {
  const debug = final.proxyDebug === undefined ? 0 : 1;
  return {
    kind: 'bombyx.finalInfo',
    flags: debug | 2 | (final.receipt ? 4 : 0) | (final.evidence ? 8 : 0),
    tokens_used: tokensMessage(final.tokens),
    ...debugOf(final),
    ...timesOf(final),
    ...(final.receipt ? { receipt: final.receipt } : {}),
    ...(final.evidence ? { evidence: final.evidence } : {}),
  };
}

function theirFinal(version: number, final: ClientFinal): Tl<'client.queryFinalInfo'> {
  const debug = final.proxyDebug === undefined ? 0 : 1;
  return {
    kind: 'client.queryFinalInfo',
    flags: debug | (version >= 2 ? 2 : 0),
    tokens_used: tokensMessage(final.tokens),
    ...debugOf(final),
    ...(version >= 2 ? timesOf(final) : {}),
  };
}

const NO_TOKENS: Tl<'tokensUsed'> = {
  kind: 'tokensUsed',
  prompt_tokens_used: 0n,
  cached_tokens_used: 0n,
  completion_tokens_used: 0n,
  reasoning_tokens_used: 0n,
  total_tokens_used: 0n,
};

/**
 * The first answer; `answer` is a boxed `http.response`. With `final` it is the whole answer.
 * @param worker who answers; told from version 4 on
 */
export function headMessage(
  version: number,
  id: Buffer,
  answer: Buffer,
  final: ClientFinal | undefined,
  worker?: ServedBy,
): TlObject {
  if (version >= 3) {
    const tail = final ? { flags: 1, final_info: ourFinal(final) } : { flags: 0 };
    if (worker && version >= 4) return { kind: 'bombyx.provenHead', request_id: id, answer, worker, ...tail };
    return { kind: 'bombyx.answerHead', request_id: id, answer, ...tail };
  }
  if (version === 0) {
    const tokens = final ? tokensMessage(final.tokens) : NO_TOKENS;
    return { kind: 'client.queryAnswer', answer, is_completed: !!final, request_id: id, request_tokens_used: tokens };
  }
  const tail = final ? { flags: 1, final_info: theirFinal(version, final) } : { flags: 0 };
  return { kind: 'client.queryAnswerEx', request_id: id, answer, ...tail };
}

export function partMessage(version: number, id: Buffer, data: Buffer, final: ClientFinal | undefined): TlObject {
  if (version >= 3) {
    const tail = final ? { flags: 1, final_info: ourFinal(final) } : { flags: 0 };
    return { kind: 'bombyx.answerPart', request_id: id, data, ...tail };
  }
  if (version === 0) {
    const tokens = final ? tokensMessage(final.tokens) : NO_TOKENS;
    return {
      kind: 'client.queryAnswerPart',
      answer: data,
      is_completed: !!final,
      request_id: id,
      request_tokens_used: tokens,
    };
  }
  const tail = final ? { flags: 1, final_info: theirFinal(version, final) } : { flags: 0 };
  return { kind: 'client.queryAnswerPartEx', request_id: id, answer: data, ...tail };
}

/**
 * An error in the form the client survives. The C++ client hangs on the legacy error objects and crashes on
 * `queryAnswerErrorEx` before the first answer: it gets an ordinary HTTP answer with an error status instead.
 */
export function errorMessage(
  version: number,
  id: Buffer,
  because: Failure,
  final: ClientFinal,
  headSent: boolean,
): TlObject {
  if (version >= 3) {
    return {
      kind: 'bombyx.answerError',
      request_id: id,
      error_code: because.code,
      reason: because.reason,
      message: because.message.toWellFormed(),
      http_status: because.httpStatus,
      retry_after_ms: because.retryAfterMs,
      flags: 1,
      final_info: ourFinal(final),
    };
  }
  if (!headSent) return headMessage(version, id, errorResponse(because, final.proxyDebug !== undefined), final);
  const error = because.message.toWellFormed();
  if (version === 0) {
    const tokens = tokensMessage(final.tokens);
    return {
      kind: 'client.queryAnswerPartError',
      error_code: because.code,
      error,
      request_id: id,
      request_tokens_used: tokens,
    };
  }
  return {
    kind: 'client.queryAnswerErrorEx',
    request_id: id,
    error_code: because.code,
    error,
    flags: 1,
    final_info: theirFinal(version, final),
  };
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** An HTTP answer whose body is an OpenAI error object. */
function errorResponse(because: Failure, debug: boolean): Buffer {
  const status = because.httpStatus;
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  const error = { message: because.message, type, param: null, code: because.reason, cocoon_code: because.code };
  const payload = Buffer.from(JSON.stringify({ error }));
  // The C++ client appends its debug object to the body, so that a length would be wrong then.
  const length = debug ? header('Transfer-Encoding', 'chunked') : header('Content-Length', String(payload.length));
  const headers = [header('Content-Type', 'application/json'), length];
  if (because.retryAfterMs > 0) headers.push(header('Retry-After', String(Math.ceil(because.retryAfterMs / 1_000))));
  return encode({
    kind: 'http.response',
    http_version: 'HTTP/1.1',
    status_code: status,
    reason: REASONS[status] ?? 'Error',
    headers,
    payload,
  });
}

function header(name: string, value: string): Tl<'http.header'> {
  return { kind: 'http.header', name, value };
}

/** The two headers that C++ proxies add, in Unix seconds; clients of version 3 find the times in the final info. */
export function withProxyTimes(answer: Tl<'http.response'>, startSec: number, endSec: number): Buffer {
  const added = [header('X-Cocoon-Proxy-Start', startSec.toFixed(6)), header('X-Cocoon-Proxy-End', endSec.toFixed(6))];
  return encode({ ...answer, headers: [...answer.headers, ...added] });
}
