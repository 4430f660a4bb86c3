import { invalidRequest } from './errors.ts';

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** Headers of one connection, not of the message (RFC 9110 §7.6.1), in any spelling. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Not passed to the inference server: ours to set, or about who asks, which a worker must not learn. */
const DROPPED_FROM_REQUEST = new Set([
  ...HOP_BY_HOP,
  'accept-encoding', // an encoded answer could not be counted
  'authorization',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'openai-organization',
  'openai-project',
  'origin',
  'referer',
  'via',
  'x-api-key',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** Not passed to the caller: ours to set, or about the worker's machine. */
const DROPPED_FROM_ANSWER = new Set([
  ...HOP_BY_HOP,
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'alt-svc',
  'content-length',
  'server',
  'set-cookie',
  'strict-transport-security',
  'via',
  'x-powered-by',
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible characters, blanks and tabs; what could end a line is what must not pass. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Most headers of a request, and most characters of their names and values together. */
export const MAX_HEADERS = 128;
export const MAX_HEADER_CHARACTERS = 32_768;

/**
 * @returns the headers for the inference server, flat: name, value, name, value …
 * @throws {JobError} `JOB_INVALID` for a character that could start another header or request, or for too many
 */
export function headersForUpstream(headers: readonly Header[], apiKey: string | undefined): string[] {
  if (headers.length > MAX_HEADERS) throw invalidRequest('too many headers');
  const kept: string[] = [];
  let named: Set<string> | undefined;
  let size = 0;
  for (const { name, value } of headers) {
    size += name.length + value.length;
    if (size > MAX_HEADER_CHARACTERS) throw invalidRequest('headers too large');
    if (!TOKEN.test(name)) throw invalidRequest('bad character in header name');
    if (!VALUE.test(value)) throw invalidRequest('bad character in header value');
    const lower = name.toLowerCase();
    if (lower === 'connection') named = namedByConnection(value, named);
    else if (!DROPPED_FROM_REQUEST.has(lower)) kept.push(name, value);
  }
  if (named !== undefined) dropNamed(kept, named);
  if (apiKey !== undefined) kept.push('authorization', `Bearer ${apiKey}`);
  return kept;
}

/** @param headers as undici reports them: lower-case names, an array for a name that occurred more than once */
export function headersForCaller(headers: Readonly<Record<string, string | string[] | undefined>>): Header[] {
  const kept: Header[] = [];
  const connection = headers['connection'];
  const named =
    connection === undefined || connection === 'keep-alive' ? undefined : namedByConnection(String(connection));
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || DROPPED_FROM_ANSWER.has(name) || named?.has(name)) continue;
    if (typeof value === 'string') kept.push({ name, value });
    else for (const one of value) kept.push({ name, value: one });
  }
  return kept;
}

/** `Connection: x, y` makes `x` and `y` hop-by-hop, too. @param named by other headers of that name */
function namedByConnection(value: string, named = new Set<string>()): Set<string> {
  for (const token of value.split(',')) named.add(token.trim().toLowerCase());
  named.delete('content-type'); // naming it would only hide what the body is
  return named;
}

/** @param flat name, value, name, value …; changed in place */
function dropNamed(flat: string[], named: ReadonlySet<string>): void {
  let length = 0;
  for (let i = 0; i < flat.length; i += 2) {
    const [name, value] = [flat[i]!, flat[i + 1]!];
    if (named.has(name.toLowerCase())) continue;
    flat[length] = name;
    flat[length + 1] = value;
    length += 2;
  }
  flat.length = length;
}
