/** What is said to workers and heard from them, in each protocol version, reduced to one shape. */
import { decodeOf, type Tl, type TlObject, WireError } from '@bombyx/wire';
import { CocoonCode, type Failure, type FailureReason, failure } from './errors.ts';

/** What a worker reports with the end of an answer. Numbers are as received: the settlement judges them. */
export interface WorkerFinal {
  readonly tokens: Tl<'tokensUsed'>;
  readonly debug: string | undefined;
  /** Unix seconds. */
  readonly startSec: number | undefined;
  readonly endSec: number | undefined;
  readonly receipt: Buffer | undefined;
  readonly evidence: Buffer | undefined;
}

export type WorkerAnswer =
  /** Boxed `http.response`. */
  | { readonly type: 'head'; readonly key: string; readonly bytes: Buffer; readonly final: WorkerFinal | undefined }
  | { readonly type: 'part'; readonly key: string; readonly bytes: Buffer; readonly final: WorkerFinal | undefined }
  | {
      readonly type: 'error';
      readonly key: string;
      readonly because: Failure;
      /** Another worker may succeed. */
      readonly retryable: boolean;
      /** The fault is the worker's and not the request's. */
      readonly blame: boolean;
      readonly final: WorkerFinal | undefined;
    };

/** Longest extras of an end that are passed on: characters of debug text, bytes of receipt and evidence. */
const MAX_DEBUG = 64 << 10;
const MAX_RECEIPT = 64 << 10;
const MAX_EVIDENCE = 4 << 20;

/** A request id as a Map key. */
export function keyOf(id: Buffer): string {
  return id.toString('latin1');
}

/** @returns undefined for a message that is no answer */
export function readAnswer(message: TlObject): WorkerAnswer | undefined {
  switch (message.kind) {
    case 'bombyx.answerHead':
      return { type: 'head', key: keyOf(message.request_id), bytes: message.answer, final: ours(message.final_info) };
    case 'bombyx.answerPart':
      return { type: 'part', key: keyOf(message.request_id), bytes: message.data, final: ours(message.final_info) };
    case 'bombyx.answerError':
      return ourError(message);
    case 'proxy.queryAnswerEx':
      return { type: 'head', key: keyOf(message.request_id), bytes: message.answer, final: theirs(message.final_info) };
    case 'proxy.queryAnswerPartEx':
      return { type: 'part', key: keyOf(message.request_id), bytes: message.answer, final: theirs(message.final_info) };
    case 'proxy.queryAnswerErrorEx':
      return theirError(keyOf(message.request_id), message.error_code, message.error, theirs(message.final_info));
    case 'proxy.queryAnswer':
    case 'proxy.queryAnswerPart': {
      const final = message.is_completed ? bareFinal(message.tokens_used) : undefined;
      const type = message.kind === 'proxy.queryAnswer' ? 'head' : 'part';
      return { type, key: keyOf(message.request_id), bytes: message.answer, final };
    }
    case 'proxy.queryAnswerError':
    case 'proxy.queryAnswerPartError':
      return theirError(keyOf(message.request_id), message.error_code, message.error, bareFinal(message.tokens_used));
    default:
      return undefined;
  }
}

/** The bytes of a `head`. @returns undefined when they are no HTTP answer */
export function readResponse(bytes: Buffer): Tl<'http.response'> | undefined {
  try {
    const response = decodeOf('http.response', bytes);
    return response.status_code >= 100 && response.status_code <= 599 ? response : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function ours(final: Tl<'bombyx.finalInfo'> | undefined): WorkerFinal | undefined {
  if (!final) return undefined;
  return {
    ...common(final),
    receipt: bounded(final.receipt, MAX_RECEIPT),
    evidence: bounded(final.evidence, MAX_EVIDENCE),
  };
}

function common(final: Tl<'bombyx.finalInfo'> | Tl<'proxy.queryFinalInfo'>) {
  return {
    tokens: final.tokens_used,
    debug: bounded(final.worker_debug, MAX_DEBUG),
    startSec: finite(final.worker_start_time),
    endSec: finite(final.worker_end_time),
  };
}

/** Extras above their bound are dropped: they must not make the end of an answer too large to send. */
function bounded<T extends { readonly length: number }>(value: T | undefined, most: number): T | undefined {
  return value !== undefined && value.length <= most ? value : undefined;
}

function finite(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function theirs(final: Tl<'proxy.queryFinalInfo'> | undefined): WorkerFinal | undefined {
  if (!final) return undefined;
  return { ...common(final), receipt: undefined, evidence: undefined };
}

function bareFinal(tokens: Tl<'tokensUsed'>): WorkerFinal {
  const none = undefined;
  return { tokens, debug: none, startSec: none, endSec: none, receipt: none, evidence: none };
}

const MAX_TEXT = 512;

function ourError(message: Tl<'bombyx.answerError'>): WorkerAnswer {
  const status = message.http_status >= 400 && message.http_status <= 599 ? message.http_status : 502;
  const because = failure(reasonOf(message.error_code, status), message.message.slice(0, MAX_TEXT), {
    code: message.error_code,
    httpStatus: status,
    retryAfterMs: Math.max(0, message.retry_after_ms),
  });
  const retryable = status === 429 || status === 502 || status === 503;
  const blame = status >= 500 || status === 429;
  return { type: 'error', key: keyOf(message.request_id), because, retryable, blame, final: ours(message.final_info) };
}

/** The word for a worker's refusal: whose fault it is, and whether it was one of time. */
function reasonOf(code: number, httpStatus: number): FailureReason {
  if (code === CocoonCode.timeout) return 'total_timeout';
  return httpStatus === 400 ? 'bad_request' : 'worker_error';
}

/** C++ workers give a code and a text; errors.md §5 of the reference lists them. */
function theirError(key: string, code: number, text: string, final: WorkerFinal | undefined): WorkerAnswer {
  const full = code === CocoonCode.error;
  const invalid = text.includes('invalid http request');
  const timeout = code === CocoonCode.timeout;
  const httpStatus = invalid ? 400 : timeout ? 504 : full ? 503 : 502;
  const because = failure(reasonOf(code, httpStatus), text.slice(0, MAX_TEXT), { code, httpStatus });
  return { type: 'error', key, because, retryable: !invalid && !timeout, blame: !invalid, final };
}

/** A request on its way to a worker. */
export interface Order {
  readonly id: Buffer;
  readonly query: Buffer;
  readonly payment: Tl<'proxy.signedPayment'>;
  readonly coefficient: number;
  readonly maxTokens: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  readonly window: number;
  readonly debug: boolean;
  readonly evidenceNonce: Buffer | undefined;
}

/** Share of the time that is left which the next hop gets. Source: proxy.md §6.3 of the reference. */
const NEXT_HOP = 0.95;

export function orderMessage(version: number, order: Order): TlObject {
  const { id, query, payment, debug } = order;
  if (version >= 3) {
    return {
      kind: 'bombyx.runJob',
      request_id: id,
      query,
      signed_payment: payment,
      coefficient: order.coefficient,
      max_tokens: order.maxTokens,
      first_byte_timeout_ms: Math.max(1, Math.floor(order.firstByteMs)),
      idle_timeout_ms: Math.max(1, Math.floor(order.idleMs)),
      total_timeout_ms: Math.max(1, Math.floor(order.totalMs)),
      window: order.window,
      flags: 1 | (order.evidenceNonce ? 2 : 0),
      enable_debug: debug,
      ...(order.evidenceNonce ? { evidence_nonce: order.evidenceNonce } : {}),
    };
  }
  const common = {
    query,
    signed_payment: payment,
    coefficient: BigInt(order.coefficient),
    timeout: (order.totalMs / 1_000) * NEXT_HOP,
    request_id: id,
  };
  if (version === 0) return { kind: 'proxy.runQuery', ...common };
  return { kind: 'proxy.runQueryEx', ...common, flags: 1, enable_debug: debug };
}
