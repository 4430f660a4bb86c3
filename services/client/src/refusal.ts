/**
 * What a proxy or worker says when it refuses, as one of our codes.
 * C++ programs reuse few numbers for many things (0, 602, 651 …), so the text decides first and the number last.
 * Source of numbers and texts: errors.md §1, §4, §5.
 */
import type { ClientErrorCode } from './errors.ts';
import { ClientError } from './errors.ts';

interface Rule {
  readonly text: RegExp;
  readonly code: ClientErrorCode;
  /** The sentence for the caller; without it the proxy's own (cleaned) text. */
  readonly say?: (match: RegExpMatchArray) => string;
  readonly retryAfterMs?: number;
}

const balance = () =>
  'the prepaid balance at the proxy does not cover this request: lower max_tokens or top up the client contract';

const RULES: readonly Rule[] = [
  {
    text: /^client balance is too low|^balance is too low|^reserved_tokens depleted/,
    code: 'CLIENT_BALANCE',
    say: balance,
  },
  { text: /^active config version is too low/, code: 'CLIENT_NOT_READY', retryAfterMs: 30_000 },
  {
    text: /^client is closing/,
    code: 'CLIENT_NOT_READY',
    say: () => 'the payment contract with this proxy is closing',
  },
  { text: /^proxy is disabled|^proxy is not participating/, code: 'CLIENT_NOT_READY', retryAfterMs: 10_000 },
  { text: /^unknown model\b/, code: 'CLIENT_UNKNOWN_MODEL' },
  { text: /^no workers for model|^no ready workers/, code: 'CLIENT_NO_WORKER', retryAfterMs: 1_000 },
  {
    text: /^can run this query with coefficient=(\d{1,10})/,
    code: 'CLIENT_PRICE',
    say: (match) => `no free worker at or below max_coefficient; the cheapest free one asks ${match[1]} thousandths`,
    retryAfterMs: 1_000,
  },
  { text: /^connection is dead/, code: 'CLIENT_NO_WORKER', say: () => 'the worker was lost', retryAfterMs: 1_000 },
  { text: /^too many active queries/, code: 'CLIENT_NO_WORKER', say: () => 'the worker is full', retryAfterMs: 1_000 },
  { text: /timeout( in proxy)?$/, code: 'CLIENT_TIMEOUT' },
  {
    text: /^worker: invalid http request: ([\s\S]*)/,
    code: 'CLIENT_BAD_REQUEST',
    say: (match) => `the worker refuses the request: ${match[1]}`,
  },
  { text: /^worker: /, code: 'CLIENT_WORKER' },
  { text: /^out of order answer parts|^proxy: received incorrect answer/, code: 'CLIENT_PROTOCOL' },
];

const BY_NUMBER: Readonly<Record<number, ClientErrorCode>> = {
  621: 'CLIENT_BAD_REQUEST',
  651: 'CLIENT_NOT_READY',
  652: 'CLIENT_TIMEOUT',
  653: 'CLIENT_WORKER',
};

/** The words of our own proxy. One that is not listed is judged by its number and text. */
const BY_REASON: Readonly<Record<string, ClientErrorCode>> = {
  bad_request: 'CLIENT_BAD_REQUEST',
  duplicate_request: 'CLIENT_BAD_REQUEST',
  max_tokens_exceeded: 'CLIENT_BAD_REQUEST',
  unknown_model: 'CLIENT_UNKNOWN_MODEL',
  no_worker: 'CLIENT_NO_WORKER',
  queue_full: 'CLIENT_NO_WORKER',
  too_many_requests: 'CLIENT_NO_WORKER',
  queue_timeout: 'CLIENT_NO_WORKER',
  price_above_ceiling: 'CLIENT_PRICE',
  balance_too_low: 'CLIENT_BALANCE',
  config_too_old: 'CLIENT_NOT_READY',
  client_closing: 'CLIENT_NOT_READY',
  proxy_disabled: 'CLIENT_NOT_READY',
  proxy_closing: 'CLIENT_NOT_READY',
  accounting_unavailable: 'CLIENT_NOT_READY',
  first_byte_timeout: 'CLIENT_TIMEOUT',
  idle_timeout: 'CLIENT_TIMEOUT',
  total_timeout: 'CLIENT_TIMEOUT',
  worker_lost: 'CLIENT_WORKER',
  worker_protocol: 'CLIENT_WORKER',
  worker_error: 'CLIENT_WORKER',
  slow_reader: 'CLIENT_SLOW_READER',
};

const MAX_TEXT = 400;

/** Makes a stranger's text fit to be shown: one line, bounded, without the account numbers C++ proxies put in. */
function presentable(text: string): string {
  const line = text
    .slice(0, MAX_TEXT)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .replace(/\b(?:to_reserve|used|reserved_tokens|tokens_\w+)=[\d+-]+/g, '')
    .trim();
  return line === '' ? 'the proxy gave no reason' : line;
}

/** The error that a C++ (or legacy) error object stands for. @param text untrusted */
export function refusal(cocoonCode: number, text: string): ClientError {
  for (const rule of RULES) {
    const match = rule.text.exec(text);
    if (match === null) continue;
    const message = presentable(rule.say === undefined ? text : rule.say(match));
    return new ClientError(rule.code, message, {
      cocoonCode,
      ...(rule.retryAfterMs === undefined ? {} : { retryAfterMs: rule.retryAfterMs }),
    });
  }
  return new ClientError(BY_NUMBER[cocoonCode] ?? 'CLIENT_REFUSED', presentable(text), { cocoonCode });
}

/** The fields of `bombyx.answerError` that say why. All untrusted. */
export interface BombyxRefusal {
  readonly error_code: number;
  /** Stable word of the part that refused, e.g. `no_worker`. */
  readonly reason: string;
  readonly message: string;
  readonly http_status: number;
  readonly retry_after_ms: number;
}

/** The error that a `bombyx.answerError` stands for: our own parts say reason and HTTP status themselves. */
export function bombyxRefusal(from: BombyxRefusal): ClientError {
  const code = Object.hasOwn(BY_REASON, from.reason) ? BY_REASON[from.reason] : undefined;
  return new ClientError(code ?? refusal(from.error_code, from.message).code, presentable(from.message), {
    cocoonCode: from.error_code,
    ...(from.http_status >= 400 && from.http_status <= 599 ? { httpStatus: from.http_status } : {}),
    ...(from.retry_after_ms > 0 ? { retryAfterMs: from.retry_after_ms } : {}),
    detail: /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(from.reason) ? { reason: from.reason } : {},
  });
}

/** Refusals that another proxy may not share; worth a second try as long as the caller has seen nothing. */
const ELSEWHERE: ReadonlySet<ClientErrorCode> = new Set<ClientErrorCode>([
  'CLIENT_PROXY_LOST',
  'CLIENT_NOT_READY',
  'CLIENT_NO_WORKER',
  'CLIENT_PRICE',
  'CLIENT_UNKNOWN_MODEL', // a proxy knows only the models its workers brought
  'CLIENT_BALANCE', // there is one payment contract per proxy
]);

export function worthAnotherProxy(error: ClientError): boolean {
  return ELSEWHERE.has(error.code);
}
