import { BombyxError } from '@bombyx/base';

export type ProxyErrorCode =
  | 'PROXY_CONFIG'
  | 'PROXY_STORE'
  | 'PROXY_STORE_CLOSED'
  | 'PROXY_STORE_DAMAGED'
  | 'PROXY_PORT'
  | 'PROXY_CLOSING'
  /** The chain knows more than our books: an old copy of them, or a second proxy with our key. */
  | 'PROXY_ROLLBACK'
  /** The root contract is not the one these books belong to. */
  | 'PROXY_NETWORK';

/** What stops the proxy or one of its parts. What stops a single request is a {@link Failure}, a value. */
export class ProxyError extends BombyxError<ProxyErrorCode> {}

/** Why SQLite refused, for the operator of a proxy: only another proxy can hold the lock of its file. */
export function diskReason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text === 'database is locked' ? 'another proxy has it open' : text;
}

/** Numeric codes of the reference programs. Source: errors.md §1. */
export const CocoonCode = {
  failure: 601,
  error: 602,
  protocol: 621,
  notReady: 651,
  timeout: 652,
  cancelled: 653,
} as const;

/** Why a request failed, in the three languages its readers speak: a stable word, a COCOON code, an HTTP status. */
export interface Failure {
  /** Stable machine-readable word. */
  readonly reason: FailureReason;
  /** Number of the reference programs, see {@link CocoonCode}. */
  readonly code: number;
  /** Status for the caller of the HTTP API. */
  readonly httpStatus: number;
  /** One sentence for people; never holds prompt or answer bytes. */
  readonly message: string;
  /** When trying again makes sense; 0 = it does not, or at once. */
  readonly retryAfterMs: number;
}

export type FailureReason =
  | 'bad_request'
  | 'duplicate_request'
  | 'max_tokens_exceeded'
  | 'unknown_model'
  | 'no_worker'
  | 'queue_full'
  | 'too_many_requests'
  | 'queue_timeout'
  | 'price_above_ceiling'
  | 'balance_too_low'
  | 'config_too_old'
  | 'client_closing'
  | 'proxy_disabled'
  | 'proxy_closing'
  | 'first_byte_timeout'
  | 'idle_timeout'
  | 'total_timeout'
  | 'worker_lost'
  | 'worker_protocol'
  | 'worker_error'
  | 'slow_reader'
  | 'accounting_unavailable'
  | 'cancelled';

const kinds: Readonly<Record<FailureReason, readonly [code: number, httpStatus: number, retryAfterMs: number]>> = {
  bad_request: [CocoonCode.protocol, 400, 0],
  duplicate_request: [CocoonCode.protocol, 400, 0],
  max_tokens_exceeded: [CocoonCode.protocol, 400, 0],
  unknown_model: [CocoonCode.protocol, 404, 0],
  no_worker: [CocoonCode.notReady, 503, 2_000],
  queue_full: [CocoonCode.notReady, 503, 1_000],
  too_many_requests: [CocoonCode.notReady, 429, 1_000],
  queue_timeout: [CocoonCode.notReady, 503, 1_000],
  price_above_ceiling: [CocoonCode.notReady, 409, 0],
  balance_too_low: [CocoonCode.error, 402, 0],
  config_too_old: [CocoonCode.error, 503, 30_000],
  client_closing: [CocoonCode.notReady, 403, 0],
  proxy_disabled: [CocoonCode.notReady, 503, 30_000],
  proxy_closing: [CocoonCode.cancelled, 503, 1_000],
  first_byte_timeout: [CocoonCode.timeout, 504, 0],
  idle_timeout: [CocoonCode.timeout, 504, 0],
  total_timeout: [CocoonCode.timeout, 504, 0],
  worker_lost: [CocoonCode.cancelled, 502, 0],
  worker_protocol: [CocoonCode.protocol, 502, 0],
  worker_error: [CocoonCode.error, 502, 0],
  slow_reader: [CocoonCode.cancelled, 500, 0],
  accounting_unavailable: [CocoonCode.failure, 503, 5_000],
  cancelled: [CocoonCode.cancelled, 499, 0],
};

/** A failure with the code and status of its reason. */
export function failure(reason: FailureReason, message: string, over: Partial<Omit<Failure, 'reason'>> = {}): Failure {
  const [code, httpStatus, retryAfterMs] = kinds[reason];
  return { reason, code, httpStatus, retryAfterMs, message, ...over };
}

/** A refusal whose cause, where it is known, somebody can do something about. */
export function because(what: string, why: string | undefined): string {
  return why === undefined ? what : `${what}; ${why}`;
}
