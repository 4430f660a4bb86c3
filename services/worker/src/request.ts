import { JsonError, type Member, membersOf, memberValue, splice } from '@bombyx/json';
import { invalidRequest } from './errors.ts';
import { type Header, headersForUpstream } from './headers.ts';

/** The `http.request` of a job. */
export interface JobRequest {
  readonly method: string;
  readonly url: string;
  readonly http_version: string;
  readonly headers: readonly Header[];
  readonly payload: Buffer;
}

export interface RequestRules {
  /** Base name of the served model: the only one a body may name. */
  readonly model: string;
  /** What the client reserved; undefined below protocol version 3, where nobody tells. */
  readonly maxTokens?: number | undefined;
  /** Sent as `Authorization: Bearer` to the inference server. */
  readonly apiKey?: string | undefined;
  /** Paths under /v1/ that change the inference server instead of asking it. */
  readonly refusedPaths: readonly string[];
}

/** What goes to the inference server. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** name, value, name, value … */
  readonly headers: string[];
  readonly body: Buffer | null;
}

/** Longest path with query. */
export const MAX_URL_CHARACTERS = 8_192;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Bodies of these must be JSON objects, and their amounts are compared with the reservation. */
const GENERATING = new Set(['/v1/chat/completions', '/v1/completions', '/v1/responses']);
/** Of these the stream tells its usage only when asked to. */
const USAGE_ON_REQUEST = new Set(['/v1/chat/completions', '/v1/completions']);

/** Members that are acted on. One that stands twice could mean one thing to us and another to the server. */
const READ = new Set([
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'n',
  'best_of',
]);

/** A JSON object, read but not built. */
interface Body {
  readonly json: Buffer;
  readonly members: readonly Member[];
  /** Those that are acted on, by name. */
  readonly read: ReadonlyMap<string, Member>;
}

/**
 * Judges a request and makes it ready for the inference server. Unknown members and paths are passed on: what the
 * server behind us understands is its own affair. A stream of chat or completions is made to report its usage; the
 * usage chunk stays in the relayed stream, as in the reference: proxies count by it. Our gateway takes it out for
 * callers who did not ask.
 * @throws {JobError} `JOB_INVALID`
 */
export function prepareRequest(request: JobRequest, rules: RequestRules): UpstreamRequest {
  if (request.http_version !== 'HTTP/1.1' && request.http_version !== 'HTTP/1.0') {
    throw invalidRequest(`unsupported http version '${printable(request.http_version)}'`);
  }
  if (!METHODS.has(request.method)) throw invalidRequest(`unsupported http method '${printable(request.method)}'`);
  const path = judgePath(request.url);
  if (rules.refusedPaths.includes(path)) throw invalidRequest('unsupported method');
  const headers = headersForUpstream(request.headers, rules.apiKey);
  const body = request.payload.length === 0 ? null : request.payload;
  if (request.method === 'POST' && GENERATING.has(path)) {
    if (body === null) throw invalidRequest('expected json object');
    return { method: request.method, path: request.url, headers, body: judgeGeneration(path, body, rules) };
  }
  // What is no object (an array, a form) is not ours to read; what starts as one has to be one.
  if (body !== null && isJson(request.headers) && startsObject(body)) judgeModel(readBody(body), rules, false);
  return { method: request.method, path: request.url, headers, body };
}

/** @returns the path without query, decoded and in lower case: what the server may take it for, not what is sent */
function judgePath(url: string): string {
  if (GENERATING.has(url)) return url; // nearly all of them
  if (url.length > MAX_URL_CHARACTERS) throw invalidRequest('path too long');
  if (!/^[\x21-\x7e]+$/.test(url) || /[\\#]/.test(url)) throw invalidRequest('bad character in path');
  const question = url.indexOf('?');
  let path = question < 0 ? url : url.slice(0, question);
  for (let round = 0; path.includes('%'); round += 1) {
    const decoded = decodePercent(path);
    if (decoded === undefined || round === 3) throw invalidRequest('bad escape in path');
    if (decoded === path) break;
    path = decoded;
  }
  if (hasControlCharacter(path)) throw invalidRequest('bad character in path');
  const segments = path.split(/[/\\]/);
  if (segments[0] !== '' || segments[1] !== 'v1' || segments.length < 3) throw invalidRequest('unsupported method');
  if (segments[segments.length - 1] === '' && segments.length > 3) segments.pop(); // servers ignore a closing slash
  for (const segment of segments.slice(1)) {
    if (segment === '' || segment === '.' || segment === '..') throw invalidRequest('unsupported method');
  }
  return segments.join('/').toLowerCase();
}

function decodePercent(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x20) return true;
  return false;
}

function judgeGeneration(path: string, json: Buffer, rules: RequestRules): Buffer {
  const body = readBody(json);
  judgeModel(body, rules, true);
  const asked = Math.max(
    count(body, 'max_tokens', 0),
    count(body, 'max_completion_tokens', 0),
    count(body, 'max_output_tokens', 0),
  );
  const choices = Math.max(1, count(body, 'n', 1), count(body, 'best_of', 0));
  if (rules.maxTokens !== undefined && asked * choices > rules.maxTokens) {
    throw invalidRequest(`${asked} tokens for each of ${choices} answers exceed the reserved ${rules.maxTokens}`);
  }
  const stream = optional(body, 'stream');
  if (stream !== undefined && typeof stream !== 'boolean') throw invalidRequest('stream must be a boolean');
  return stream === true && USAGE_ON_REQUEST.has(path) ? withUsage(body) : json;
}

function readBody(json: Buffer, expected = 'expected json object', read = READ): Body {
  let members: Member[];
  try {
    members = membersOf(json);
  } catch (error) {
    if (error instanceof JsonError) throw invalidRequest(`${expected}: ${error.message}`);
    throw error;
  }
  const found = new Map<string, Member>();
  for (const member of members) {
    const { name } = member;
    if (!read.has(name)) continue;
    if (found.has(name)) throw invalidRequest(`duplicate '${name}' field`);
    found.set(name, member);
  }
  return { json, members, read: found };
}

function judgeModel(body: Body, rules: RequestRules, required: boolean): void {
  const member = body.read.get('model');
  if (member === undefined) {
    if (required) throw invalidRequest("missing required field 'model'");
    return;
  }
  const model = memberValue(body.json, member);
  if (typeof model !== 'string') throw invalidRequest('model must be a string');
  if (model !== rules.model) throw invalidRequest('model name mismatch');
}

/** A value that is absent or null counts as not given. */
function optional({ json, read }: Body, name: string): unknown {
  const member = read.get(name);
  return member === undefined ? undefined : (memberValue(json, member) ?? undefined);
}

/** @returns 0 when not given */
function count(body: Body, name: string, least: 0 | 1): number {
  const value = optional(body, name);
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw invalidRequest(`${name} must be a number`);
  if (value < least) throw invalidRequest(`${name} must be ${least === 0 ? 'non-negative' : 'positive'}`);
  return value;
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const INCLUDE_USAGE = new Set(['include_usage']);
const STREAM_OPTIONS = new Set(['stream_options']);

/** Splices `stream_options.include_usage: true` into the text; other members keep their bytes. */
function withUsage({ json, members, read }: Body): Buffer {
  const given = read.get('stream_options');
  const text = given === undefined ? 'null' : json.toString('utf8', given.valueStart, given.end);
  if (text === 'null') return splice(json, members, STREAM_OPTIONS, ['"stream_options":{"include_usage":true}']);
  const options = readBody(Buffer.from(text), 'stream_options must be an object', INCLUDE_USAGE);
  if (optional(options, 'include_usage') === true) return json;
  const forced = splice(options.json, options.members, INCLUDE_USAGE, ['"include_usage":true']);
  return splice(json, members, STREAM_OPTIONS, [`"stream_options":${forced.toString()}`]);
}

/** Behind a byte order mark, too: some servers skip it, and we read no such object. */
function startsObject(body: Buffer): boolean {
  const text = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body;
  return text.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) === 0x7b;
}

/** No content type counts as JSON: the server would guess the same. */
function isJson(headers: readonly Header[]): boolean {
  const type = headers.find((header) => header.name.toLowerCase() === 'content-type');
  return type === undefined || type.value.toLowerCase().includes('json');
}

/** A caller's text, fit for an error message. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 32);
}
