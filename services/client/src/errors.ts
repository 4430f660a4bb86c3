import { BombyxError } from '@bombyx/base';
import type { RootSource } from '@bombyx/ton';

/**
 * One code per thing the caller could do differently.
 * `CLIENT_CONFIG` is thrown at start only; the others reach `AnswerSink.error` or reject a promise of the client.
 */
export type ClientErrorCode =
  | 'CLIENT_BAD_REQUEST' // the caller's request is wrong: change it
  | 'CLIENT_TOO_LARGE' // the request does not fit one packet: send less
  | 'CLIENT_UNKNOWN_MODEL' // no proxy knows the model: choose another
  | 'CLIENT_BALANCE' // the prepaid balance does not cover the reservation: top up or reserve less
  | 'CLIENT_PRICE' // no worker at or below the price ceiling: raise it
  | 'CLIENT_NO_PROXY' // no proxy is ready: try later
  | 'CLIENT_UNPROVEN' // no proxy proves what our policy asks for: change the policy, or the network
  | 'CLIENT_NO_WORKER' // no worker is free: try later
  | 'CLIENT_NOT_READY' // the proxy refuses for now: try later
  | 'CLIENT_OVERLOADED' // this client has too much under way: try later
  | 'CLIENT_TIMEOUT' // first byte, idle or total time is over
  | 'CLIENT_PROXY_LOST' // the connection to the proxy ended
  | 'CLIENT_WORKER' // the worker or its inference server failed
  | 'CLIENT_REFUSED' // the proxy refuses for a reason we do not know
  | 'CLIENT_PROTOCOL' // the proxy broke the protocol
  | 'CLIENT_SLOW_READER' // an old proxy cannot be slowed down and the reader does not keep up
  | 'CLIENT_CANCELLED' // the caller left
  | 'CLIENT_MONEY' // an order about payments cannot be carried out: the message says why
  | 'CLIENT_CLOSED' // this client is shutting down
  | 'CLIENT_HANDSHAKE' // a proxy and this client do not fit together: see the log; never reaches a request
  | 'CLIENT_CONFIG'; // the configuration is wrong

/** HTTP status of each code towards an OpenAI caller; 499 is the customary "client closed request". */
export const HTTP_STATUS: Readonly<Record<ClientErrorCode, number>> = {
  CLIENT_BAD_REQUEST: 400,
  CLIENT_TOO_LARGE: 413,
  CLIENT_UNKNOWN_MODEL: 404,
  CLIENT_BALANCE: 402,
  CLIENT_PRICE: 409,
  CLIENT_NO_PROXY: 503,
  CLIENT_UNPROVEN: 503,
  CLIENT_NO_WORKER: 503,
  CLIENT_NOT_READY: 503,
  CLIENT_OVERLOADED: 503,
  CLIENT_TIMEOUT: 504,
  CLIENT_PROXY_LOST: 502,
  CLIENT_WORKER: 502,
  CLIENT_REFUSED: 502,
  CLIENT_PROTOCOL: 502,
  CLIENT_SLOW_READER: 503,
  CLIENT_CANCELLED: 499,
  CLIENT_MONEY: 503,
  CLIENT_CLOSED: 503,
  CLIENT_HANDSHAKE: 502,
  CLIENT_CONFIG: 500,
};

/** Code of the C++ programs that says the same, for logs and for `error_code` in HTTP bodies (spec: 601…653). */
const COCOON_CODE: Readonly<Partial<Record<ClientErrorCode, number>>> = {
  CLIENT_BAD_REQUEST: 621,
  CLIENT_TOO_LARGE: 621,
  CLIENT_UNKNOWN_MODEL: 621,
  CLIENT_PROTOCOL: 621,
  CLIENT_NO_PROXY: 651,
  CLIENT_UNPROVEN: 651,
  CLIENT_NO_WORKER: 651,
  CLIENT_NOT_READY: 651,
  CLIENT_OVERLOADED: 651,
  CLIENT_PRICE: 651,
  CLIENT_CLOSED: 651,
  CLIENT_TIMEOUT: 652,
  CLIENT_CANCELLED: 653,
  CLIENT_PROXY_LOST: 653,
};

export interface ClientErrorOptions extends ErrorOptions {
  readonly detail?: BombyxError['detail'];
  /** Number the proxy gave; without it the one that fits the code. */
  readonly cocoonCode?: number;
  /** Status the proxy gave; without it the one of the code. */
  readonly httpStatus?: number;
  /** Milliseconds after which a second try makes sense. */
  readonly retryAfterMs?: number;
}

/** Why a request has no (whole) answer. The message is meant for the caller: no keys, no account numbers, no content. */
export class ClientError extends BombyxError<ClientErrorCode> {
  readonly httpStatus: number;
  readonly cocoonCode: number;
  declare readonly retryAfterMs?: number;

  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(code, message, options.detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.httpStatus = options.httpStatus ?? HTTP_STATUS[code];
    this.cocoonCode = options.cocoonCode ?? COCOON_CODE[code] ?? 602;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** What a root configuration that does not count any more means for a caller. */
export function refusalOf({ failure }: Pick<RootSource, 'failure'>): ClientError | undefined {
  return failure && new ClientError('CLIENT_NOT_READY', failure.message, { cause: failure });
}
