import { BombyxError } from '@bombyx/base';
import { z } from 'zod';

export type ApiErrorCode =
  | 'invalid_json'
  | 'invalid_value'
  | 'unsupported_value'
  | 'unsupported_parameter'
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
  unsupported_parameter: 400,
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
  const parsed = schema.safeParse(value, { error: rule });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const param = issue?.path.join('.') || null;
  const subject = param === null ? 'the body' : `'${param}'`;
  throw new ApiError('invalid_value', `${subject} ${issue?.message ?? 'is invalid'}`, param);
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a JSON object',
  record: 'a JSON object',
};

/** Goes on where the name of a field ends; what a schema says itself goes before this. */
function rule(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return `must ${amount(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${amount(issue.origin, 'at most', issue.maximum)}`;
    default:
      return 'is invalid';
  }
}

function amount(origin: string, bound: string, value: number | bigint): string {
  if (origin === 'array') return `have ${bound} ${value} items`;
  return origin === 'string' ? `have ${bound} ${value} characters` : `be ${bound} ${value}`;
}

/** A list of at most `most` items, judged before the items: a megabyte of wrong ones would take seconds to report. */
export function boundedList<S extends z.ZodType>(item: S, most: number) {
  return z.array(z.unknown()).max(most).pipe(z.array(item));
}
