import type { IncomingHttpHeaders } from 'node:http';
import { JsonError, type Member, membersOf, memberValue, splice } from '@bombyx/json';
import { GatewayError } from './errors.ts';
import type { GatewayOptions } from './options.ts';

/** What the body and the `x-bombyx-…` headers of an inference request say to us. */
export interface Inference {
  /** Absent where the request names none; the caller then has to find one. */
  readonly model: string | undefined;
  /** The body to send: our own fields taken out, everything else byte for byte. */
  readonly body: Buffer;
  /** Completion tokens to reserve, over all choices. */
  readonly maxTokens: number;
  /** Thousandths. */
  readonly maxCoefficient: number;
  readonly timeouts: { readonly firstByteMs: number; readonly idleMs: number; readonly totalMs: number };
  readonly enableDebug: boolean;
  /** A chat or completion whose caller did not ask for the usage of a stream: the chunk that tells it must not reach him. */
  readonly hidesUsage: boolean;
  /** Key under which debug data is kept for `/request/debuglogentry`. */
  readonly requestGuid: string | undefined;
}

/** Reserved, not enforced, where a path has no token limit that we could put into its body. */
const UNENFORCED_TOKENS = 1_000;
const MAX_INT = 0x7fff_ffff;
const MAX_SECONDS = 86_400;
const MAX_TEXT = 512;

/** Where each path wants its limit of completion tokens; the first name is the one we add. */
const LIMIT_NAME: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'max_tokens',
  '/v1/completions': 'max_tokens',
  '/v1/responses': 'max_output_tokens',
};

/** The fields we act on. Twice the same name could mean one thing to us and another to the server, so it is refused. */
const OUR_FIELDS = ['max_coefficient', 'timeout', 'enable_debug', 'request_guid'] as const;
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...OUR_FIELDS,
  'model',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'n',
  'best_of',
  'stream',
  'stream_options',
]);

/** Streams of these tell their usage only when asked to; the worker always asks. */
const USAGE_ON_REQUEST: ReadonlySet<string> = new Set(['/v1/chat/completions', '/v1/completions']);

/**
 * Reads a JSON body. @param path without the query
 * @throws {GatewayError} `GATEWAY_BAD_JSON`, `GATEWAY_DUPLICATE_FIELD`, `GATEWAY_INVALID_VALUE` with the field's name
 */
export function readInference(
  body: Buffer,
  path: string,
  headers: IncomingHttpHeaders,
  options: GatewayOptions,
): Inference {
  const members = readMembers(body);
  const fields = new Map<string, Member>();
  for (const member of members) {
    if (!READ_FIELDS.has(member.name)) continue;
    if (fields.has(member.name)) {
      throw new GatewayError('GATEWAY_DUPLICATE_FIELD', `'${member.name}' is given more than once`, {
        param: member.name,
      });
    }
    fields.set(member.name, member);
  }
  /** `null` is how OpenAI's packages spell "not given". */
  const get = (name: string): unknown => {
    const member = fields.get(name);
    return member === undefined ? undefined : (memberValue(body, member) ?? undefined);
  };

  const remove = new Set<string>(OUR_FIELDS);
  const add: string[] = [];
  const completion = integer('max_completion_tokens', get('max_completion_tokens'), 0);
  const plain = integer('max_tokens', get('max_tokens'), 0);
  const output = integer('max_output_tokens', get('max_output_tokens'), 0);
  if (completion !== undefined) remove.add('max_tokens');
  let limit = completion ?? plain ?? output;
  if (limit === undefined) {
    const name = LIMIT_NAME[path];
    limit = name === undefined ? UNENFORCED_TOKENS : options.defaultMaxTokens;
    if (name !== undefined) {
      for (const nulled of ['max_tokens', 'max_completion_tokens', 'max_output_tokens']) remove.add(nulled);
      add.push(`"${name}":${limit}`);
    }
  }
  const choices = Math.max(integer('n', get('n'), 1) ?? 1, integer('best_of', get('best_of'), 1) ?? 1);
  const maxTokens = limit * choices * (path === '/v1/completions' ? promptCount(body, members) : 1);
  if (maxTokens > MAX_INT) {
    throw new GatewayError('GATEWAY_INVALID_VALUE', `more than ${MAX_INT} tokens over all choices`, {
      param: 'max_tokens',
    });
  }

  const model = get('model');
  if (model !== undefined) checkText('model', model);
  const requestGuid = get('request_guid') ?? headers['x-bombyx-request-guid'];
  if (requestGuid !== undefined) checkText('request_guid', requestGuid);
  const enableDebug = get('enable_debug');
  if (enableDebug !== undefined && typeof enableDebug !== 'boolean') invalid('enable_debug', 'must be true or false');
  return {
    model: model ?? undefined,
    body: splice(body, members, remove, add),
    maxTokens,
    maxCoefficient: integer('max_coefficient', get('max_coefficient'), 0) ?? coefficientHeader(headers, options),
    timeouts: timeouts(get('timeout'), headers, options),
    enableDebug: enableDebug ?? headers['x-bombyx-enable-debug'] === 'true',
    hidesUsage: USAGE_ON_REQUEST.has(path) && !asksForUsage(get('stream_options')),
    requestGuid,
  };
}

/** The same for a body that is not JSON, or is empty: only headers can speak to us. */
export function inferenceOfHeaders(body: Buffer, headers: IncomingHttpHeaders, options: GatewayOptions): Inference {
  const requestGuid = headers['x-bombyx-request-guid'];
  if (requestGuid !== undefined) checkText('x-bombyx-request-guid', requestGuid);
  return {
    model: undefined,
    body,
    maxTokens: UNENFORCED_TOKENS,
    maxCoefficient: coefficientHeader(headers, options),
    timeouts: timeouts(undefined, headers, options),
    enableDebug: headers['x-bombyx-enable-debug'] === 'true',
    hidesUsage: false,
    requestGuid,
  };
}

function asksForUsage(streamOptions: unknown): boolean {
  return (streamOptions as { readonly include_usage?: unknown } | undefined)?.include_usage === true;
}

/** `/v1/completions` answers every prompt of a list; a list of numbers is one prompt, in tokens. */
function promptCount(body: Buffer, members: readonly Member[]): number {
  let count = 1;
  for (const member of members) {
    if (member.name !== 'prompt' || body[member.valueStart] !== 0x5b) continue;
    const prompts = memberValue(body, member) as unknown[];
    if (typeof prompts[0] !== 'number') count = Math.max(count, prompts.length);
  }
  return count;
}

function timeouts(total: unknown, headers: IncomingHttpHeaders, options: GatewayOptions): Inference['timeouts'] {
  const totalMs =
    seconds('timeout', total) ??
    seconds('x-bombyx-timeout-total', headerNumber(headers, 'x-bombyx-timeout-total')) ??
    options.totalTimeoutMs;
  const firstByteMs = seconds('x-bombyx-timeout-first-byte', headerNumber(headers, 'x-bombyx-timeout-first-byte'));
  const idleMs = seconds('x-bombyx-timeout-idle', headerNumber(headers, 'x-bombyx-timeout-idle'));
  return {
    firstByteMs: Math.min(firstByteMs ?? options.firstByteTimeoutMs, totalMs),
    idleMs: Math.min(idleMs ?? options.idleTimeoutMs, totalMs),
    totalMs,
  };
}

function coefficientHeader(headers: IncomingHttpHeaders, options: GatewayOptions): number {
  const name = 'x-bombyx-max-coefficient';
  return integer(name, headerNumber(headers, name), 0) ?? options.defaultMaxCoefficient;
}

function headerNumber(headers: IncomingHttpHeaders, name: string): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d{1,10}(\.\d{1,6})?$/.test(text))
    return invalid(name, 'must be one plain number');
  return Number(text);
}

/** @returns milliseconds, at least 1 */
function seconds(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value > 0 && value <= MAX_SECONDS)) {
    return invalid(name, `must be seconds, above 0 and at most ${MAX_SECONDS}`);
  }
  return Math.max(1, Math.round(value * 1000));
}

/** The wire carries 32 bits. */
function integer(name: string, value: unknown, least: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > MAX_INT) {
    return invalid(name, `must be an integer from ${least} to ${MAX_INT}`);
  }
  return value;
}

function checkText(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_TEXT) {
    invalid(name, `must be a text of 1 to ${MAX_TEXT} characters`);
  }
}

function invalid(name: string, rule: string): never {
  throw new GatewayError('GATEWAY_INVALID_VALUE', `'${name}' ${rule}`, { param: name });
}

function readMembers(body: Buffer): Member[] {
  try {
    return membersOf(body);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new GatewayError('GATEWAY_BAD_JSON', `the body is ${error.message}`);
  }
}
