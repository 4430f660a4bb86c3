import { BombyxError } from '@bombyx/base';
import { z } from 'zod';

export type ApiErrorCode =
  | 'invalid_json'
  | 'invalid_value'
  | 'unsupported_value'
  | 'context_length_exceeded'
  | 'model_not_found'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'queue_full'
  | 'unavailable'
  | 'internal_error';

const STATUS: Readonly<Record<ApiErrorCode, number>> = {
  invalid_json: 400,
  invalid_value: 400,
  unsupported_value: 400,
  context_length_exceeded: 400,
  model_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  queue_full: 429,
  unavailable: 503,
  internal_error: 500,
};

/** Seconds after which a refused request is worth another try; an answer of this model takes about that long. */
const RETRY_AFTER_SEC = 1;

/** A request that is answered with an error object, in the form of OpenAI's API. */
export class ApiError extends BombyxError<ApiErrorCode> {
  readonly status: number;
  /** The field at fault, as a path with dots. */
  readonly param: string | null;

  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ApiErrorCode,
    message: string,
    param: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message);
    this.status = STATUS[code];
    this.param = param;
    const later = this.status === 429 || this.status === 503;
    this.headers = later ? { 'retry-after': String(RETRY_AFTER_SEC), ...headers } : headers;
  }

  toJSON(): object {
    const { message, param, code } = this;
    const type =
      code === 'queue_full' ? 'rate_limit_error' : this.status >= 500 ? 'server_error' : 'invalid_request_error';
    return { error: { message, type, param, code } };
  }
}

/** `value` as `schema` describes it. @throws {ApiError} `invalid_value` that names the first field at fault */
export function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const param = issue?.path.join('.') || null;
  throw new ApiError('invalid_value', `${param ?? 'the body'}: ${issue?.message ?? 'is invalid'}`, param);
}

/** A list of at most `most` items, judged before the items: a megabyte of wrong ones would take seconds to report. */
export function boundedList<S extends z.ZodType>(item: S, most: number) {
  return z.array(z.unknown()).max(most).pipe(z.array(item));
}
