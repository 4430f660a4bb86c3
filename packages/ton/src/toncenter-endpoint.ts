/** One address of the public HTTP API: JSON-RPC in, the `result` member out, every fault a code that names the host. */
import type { Clock } from '@bombyx/base';
import type { Dispatcher, Pool } from 'undici';
import { z } from 'zod';
import { ChainError } from './chain-errors.ts';
import { Pace } from './toncenter-rate.ts';

export interface ToncenterEndpoint {
  /** The JSON-RPC door, such as `https://toncenter.com/api/v2/jsonRPC`. */
  readonly url: string;
  /** Sent as `X-API-Key`; never logged, never part of an error. */
  readonly apiKey?: string;
  /** Default 1: what the public API grants without a key. */
  readonly requestsPerSecond?: number;
}

export interface EndpointLimits {
  /** From the start of a request to the last byte of its answer. */
  readonly timeoutMs: number;
  /** Largest answer that is read. */
  readonly maxAnswerBytes: number;
}

const CONNECTIONS = 4;
/** An endpoint may pause us, but not for ever. */
const MAX_PAUSE_MS = 60_000;
const Reply = z.object({
  ok: z.boolean(),
  result: z.unknown().optional(),
  error: z.string().optional(),
  code: z.int().optional(),
});
const REFUSAL = /cannot apply external message|external message was not accepted|rejected by (?:account|transaction)/i;

export class Endpoint implements AsyncDisposable {
  /** Host and port, for people and logs. */
  readonly host: string;
  readonly #origin: string;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  readonly #limits: EndpointLimits;
  readonly #clock: Clock;
  readonly #pace: Pace;
  #opened: Promise<Pool> | undefined;

  /** @throws {TypeError} for an address that is no URL */
  constructor(options: ToncenterEndpoint, limits: EndpointLimits, clock: Clock) {
    const url = new URL(options.url);
    this.host = url.host;
    this.#origin = url.origin;
    this.#path = url.pathname;
    this.#headers = { 'content-type': 'application/json', accept: 'application/json' };
    if (options.apiKey !== undefined) this.#headers['x-api-key'] = options.apiKey;
    this.#limits = limits;
    this.#clock = clock;
    this.#pace = new Pace(this.host, options.requestsPerSecond ?? 1, clock);
  }

  /** @returns `result` of the answer, unchecked. @throws {ChainError}, or the reason of `signal` */
  async call(method: string, params: object, signal: AbortSignal): Promise<unknown> {
    await this.#pace.turn(signal);
    const timeout = new AbortController();
    const cancel = this.#clock.after(this.#limits.timeoutMs, () => timeout.abort());
    try {
      this.#opened ??= openPool(this.#origin);
      const response = await (await this.#opened).request({
        method: 'POST',
        path: this.#path,
        headers: this.#headers,
        body: JSON.stringify({ jsonrpc: '2.0', id: '1', method, params }),
        signal: AbortSignal.any([signal, timeout.signal]),
        headersTimeout: 0, // the clock above bounds the whole exchange
        bodyTimeout: 0,
      });
      return this.#result(response, await this.#text(response.body));
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (cause instanceof ChainError) throw cause;
      const why = timeout.signal.aborted ? `no answer within ${this.#limits.timeoutMs} ms` : reasonOf(cause);
      throw new ChainError('CHAIN_UNREACHABLE', `${this.host}: ${why}`, { host: this.host, method }, { cause });
    } finally {
      cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#opened)?.destroy();
  }

  async #text(body: Dispatcher.ResponseData['body']): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > this.#limits.maxAnswerBytes) {
        throw this.#fault('CHAIN_LIMIT', `an answer of more than ${this.#limits.maxAnswerBytes} bytes`);
      }
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  }

  #result({ statusCode: status, headers }: Dispatcher.ResponseData, text: string): unknown {
    if (status === 429) throw this.#rateLimited(headers['retry-after']);
    if (status === 401 || status === 403) {
      throw this.#fault('CHAIN_ACCESS', `status ${status}: check the API key configured for this endpoint`);
    }
    const reply = Reply.safeParse(parseJson(text)).data;
    if (reply === undefined) {
      if (status >= 500) throw this.#fault('CHAIN_UNREACHABLE', `status ${status}`);
      const what = /^\s*</.test(text) ? 'an HTML page' : `${text.length} characters that are no JSON answer`;
      throw this.#fault(
        'CHAIN_RESPONSE',
        `status ${status} with ${what}; the address must be that of a JSON-RPC door (…/api/v2/jsonRPC), and no ` +
          'proxy or sign-in page may stand before it',
      );
    }
    if (reply.ok && status === 200) return reply.result;
    throw this.#said(reply.code ?? status, printable(reply.error ?? 'no reason given'));
  }

  /** What an answer with `ok: false` means. */
  #said(code: number, said: string): ChainError {
    if (REFUSAL.test(said)) return this.#fault('CHAIN_REFUSED', said);
    if (code === 429) return this.#rateLimited(undefined);
    if (code === 401 || code === 403) return this.#fault('CHAIN_ACCESS', said);
    const kind = code >= 500 || code < 0 ? 'CHAIN_UNREACHABLE' : 'CHAIN_RESPONSE';
    return new ChainError(kind, `${this.host}: code ${code}: ${said}`, { host: this.host, said: code });
  }

  #rateLimited(retryAfter: string | string[] | undefined): ChainError {
    const pauseMs = Math.min(MAX_PAUSE_MS, retryAfterMs(String(retryAfter ?? ''), this.#clock) ?? 1_000);
    this.#pace.pause(pauseMs);
    return this.#fault('CHAIN_RATE_LIMITED', `wants a pause of ${pauseMs} ms; an API key raises the limit`);
  }

  #fault(code: ChainError['code'], message: string): ChainError {
    return new ChainError(code, `${this.host}: ${message}`, { host: this.host });
  }
}

/** Loads the HTTP client only now: much of what knows this package never asks a chain. */
async function openPool(origin: string): Promise<Pool> {
  const { Pool } = await import('undici');
  return new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
}

/** `Retry-After`: seconds, or a date. */
function retryAfterMs(text: string, clock: Clock): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - clock.nowMs());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A stranger's sentence, fit for a terminal and a log. */
function printable(text: string): string {
  const clean = text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ');
  return clean.length > 300 ? `${clean.slice(0, 300)}…` : clean;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return error.message === '' ? code || error.name : error.message;
}
