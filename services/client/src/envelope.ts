/** The HTTP messages inside `query` and `answer` objects: made from a caller's request, and judged when they come back. */
import { decode, encode } from '@bombyx/wire';
import type { ClientRequest, HeaderList } from './api.ts';
import { ClientError } from './errors.ts';
import { PROOF_HEADERS } from './tier.ts';

/**
 * Headers that travel to proxy and worker: what an inference server needs to understand the body, and nothing else.
 * The C++ client sends all of them on, credentials and cookies included. A `Host` that names nobody goes along because
 * C++ workers copy the headers to the inference server, which may refuse a request without one.
 */
const SENT_ON: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  'openai-beta',
  'anthropic-version',
  'anthropic-beta',
]);

/** Headers that belong to one connection only (RFC 9110 §7.6.1), or are made anew by whoever serves the caller. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Visible characters, blanks and tabs; Latin-1 above is tolerated as RFC 9110 §5.5 does (obs-text). */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const MAX_HEADERS = 256;

/** Room in a packet of 2^24 bytes for everything around the HTTP request. */
const ENVELOPE_ROOM = 1_024;
const MAX_PACKET = 1 << 24;

/**
 * The boxed `http.request` for a caller's request.
 * @throws {ClientError} `CLIENT_BAD_REQUEST` for method, path or header that is no valid HTTP,
 *   `CLIENT_TOO_LARGE` when no packet can carry it
 */
export function encodeQuery(request: Pick<ClientRequest, 'method' | 'path' | 'headers' | 'body' | 'model'>): Buffer {
  if (!TOKEN.test(request.method)) throw new ClientError('CLIENT_BAD_REQUEST', 'the HTTP method is malformed');
  if (!/^\/[\x21-\x7e]*$/.test(request.path)) throw new ClientError('CLIENT_BAD_REQUEST', 'the path is malformed');
  const headers = request.headers.filter(([name]) => SENT_ON.has(name.toLowerCase()));
  const bad = headers.find(([, value]) => !FIELD_VALUE.test(value));
  if (bad !== undefined) throw new ClientError('CLIENT_BAD_REQUEST', `the value of header ${bad[0]} is malformed`);
  const bytes = request.body.length + request.path.length + Buffer.byteLength(request.model);
  const allowed = MAX_PACKET - ENVELOPE_ROOM - headers.reduce((sum, [, value]) => sum + value.length + 64, 0);
  if (bytes > allowed) {
    throw new ClientError('CLIENT_TOO_LARGE', `the request has ${bytes} bytes; at most ${allowed} fit`, {
      detail: { bytes, allowed },
    });
  }
  return encode({
    kind: 'http.request',
    method: request.method,
    url: request.path,
    http_version: 'HTTP/1.1',
    headers: [['Host', 'localhost'], ...headers, ['Content-Length', String(request.body.length)]].map(header),
    payload: request.body,
  });
}

const NO_BODY: Buffer = Buffer.alloc(0);
/** Room for length and padding of the body, and the digits of its `Content-Length`. */
const BODY_FRAME = 24;

/** The length of {@link encodeQuery}, or up to 32 bytes more, without copying the body. @throws as it does */
export function mostQueryBytes(request: Parameters<typeof encodeQuery>[0]): number {
  return encodeQuery({ ...request, body: NO_BODY }).length + request.body.length + BODY_FRAME;
}

const header = ([name = '', value = '']: readonly string[]) => ({ kind: 'http.header', name, value }) as const;

/** The head of an answer, checked, with the body bytes that came along. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly payload: Buffer;
}

/**
 * Judges the boxed `http.response` of a first answer packet.
 * `Content-Length` survives only where it is certainly right: the answer is complete and has that length.
 * @param complete no body bytes will follow
 * @throws {ClientError} `CLIENT_PROTOCOL` when it does not parse, has a status outside 200…999 (an interim 1xx
 *   cannot be a final answer) or a header that would break out of its line
 */
export function decodeHead(answer: Uint8Array, complete: boolean): AnswerHead {
  const response = parse(answer);
  const { status_code: status, payload } = response;
  if (!Number.isInteger(status) || status < 200 || status > 999) throw broken(`status ${status}`);
  if (response.headers.length > MAX_HEADERS) throw broken(`${response.headers.length} headers`);
  const named = new Set([...HOP_BY_HOP, ...PROOF_HEADERS]);
  for (const { name, value } of response.headers) {
    if (!TOKEN.test(name) || CONTROL.test(value)) throw broken('a malformed header');
    if (name.toLowerCase() === 'connection') for (const item of value.split(',')) named.add(item.trim().toLowerCase());
  }
  const headers = response.headers
    .filter(({ name, value }) => {
      const key = name.toLowerCase();
      if (key === 'content-length') return complete && value === String(payload.length);
      return !named.has(key) && FIELD_VALUE.test(value); // beyond Latin-1 no HTTP/1 line can carry it
    })
    .map(({ name, value }) => [name, value] as const);
  return { status, reason: FIELD_VALUE.test(response.reason) ? response.reason : '', headers, payload };
}

function parse(answer: Uint8Array) {
  let value: ReturnType<typeof decode>;
  try {
    value = decode(answer);
  } catch (cause) {
    throw new ClientError('CLIENT_PROTOCOL', 'the answer holds no HTTP response', { cause });
  }
  if (value.kind !== 'http.response') throw broken(`a ${value.kind} in place of an HTTP response`);
  return value;
}

function broken(what: string): ClientError {
  return new ClientError('CLIENT_PROTOCOL', `the proxy answered with ${what}`);
}
