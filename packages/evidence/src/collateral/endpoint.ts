/** One address that serves collateral: bytes of a known type and a bounded size within a bounded time, or a code. */
import type { Clock } from '@bombyx/base';
import { type Dispatcher, Pool } from 'undici';
import { EvidenceError, type EvidenceErrorCode, errnoOf, printable } from '../errors.ts';
import { ENDPOINT_CONNECTIONS, FETCH_STEP_MS, MAX_HEADER_BYTES } from '../limits.ts';

export interface EndpointOptions {
  /** Such as `https://pccs.example:8081`; a path in it comes before the paths of the API. */
  readonly url: string;
  /** PEM of the authority of the server's certificate, for a cache with a certificate of its own. */
  readonly certificateAuthority?: string;
  /** Default 10 s: one request, to the last byte of its answer. */
  readonly timeoutMs?: number;
}

export interface Question {
  /** Path and query. */
  readonly path: string;
  /** What the media type must match; answers of web pages and portals never do. */
  readonly type: RegExp;
  readonly maxBytes: number;
}

export interface Answer {
  readonly body: Buffer;
  /** @returns the one value of a header. @throws {EvidenceError} `COLLATERAL_RESPONSE` when it is absent or repeated */
  header(name: string): string;
}

export class Endpoint implements AsyncDisposable {
  /** Host and port, for people and logs. */
  readonly host: string;
  readonly #base: string;
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  /** @throws {TypeError} for an address that is no HTTP URL */
  constructor(options: EndpointOptions, clock: Clock) {
    const url = new URL(options.url);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(`${url.protocol} is not HTTP`);
    this.host = url.host;
    this.#base = url.pathname.replace(/\/+$/, '');
    this.#pool = new Pool(url.origin, {
      connections: ENDPOINT_CONNECTIONS,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 0, // the clock below bounds the whole exchange
      bodyTimeout: 0,
      ...(options.certificateAuthority ? { connect: { ca: options.certificateAuthority } } : {}),
    });
    this.#timeoutMs = options.timeoutMs ?? FETCH_STEP_MS;
    this.#clock = clock;
  }

  /** @throws {EvidenceError} `COLLATERAL_…`; the reason of `signal` */
  async get({ path, type, maxBytes }: Question, signal: AbortSignal): Promise<Answer> {
    const limit = new AbortController();
    const cancel = this.#clock.after(this.#timeoutMs, () => limit.abort());
    try {
      const response = await this.#pool.request({
        method: 'GET',
        path: this.#base + path,
        signal: AbortSignal.any([signal, limit.signal]),
      });
      const body = await this.#read(response, maxBytes);
      this.#judge(response, body, type, path);
      return { body, header: (name) => this.#header(response, name) };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (cause instanceof EvidenceError) throw cause;
      const why = limit.signal.aborted ? `no answer within ${this.#timeoutMs} ms` : reasonOf(cause);
      throw new EvidenceError('COLLATERAL_UNREACHABLE', `${this.host}: ${why}`, { host: this.host }, { cause });
    } finally {
      cancel();
    }
  }

  /** What this endpoint is blamed for. */
  fault(code: EvidenceErrorCode, message: string, cause?: unknown): EvidenceError {
    return new EvidenceError(code, `${this.host}: ${message}`, { host: this.host }, { cause });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }

  async #read({ body, headers }: Dispatcher.ResponseData, most: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = Number(headers['content-length'] ?? 0);
    if (size <= most) {
      size = 0;
      for await (const part of body as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > most) break;
        parts.push(part);
      }
    }
    if (size <= most) return Buffer.concat(parts);
    body.on('error', () => {}).destroy();
    throw this.fault('COLLATERAL_LIMIT', `an answer of more than ${most} bytes`);
  }

  #judge({ statusCode: status, headers }: Dispatcher.ResponseData, body: Buffer, type: RegExp, path: string): void {
    if (status === 404) throw this.fault('COLLATERAL_NOT_FOUND', `knows nothing of ${printable(path)}`);
    if (status === 429 || status >= 500) throw this.fault('COLLATERAL_UNREACHABLE', `status ${status}`);
    const media = String(headers['content-type'] ?? '');
    const page = /html/i.test(media) || /^\s*</.test(body.toString('latin1', 0, 64));
    if (page) {
      throw this.fault(
        'COLLATERAL_RESPONSE',
        `status ${status} with a web page: no proxy or portal may stand before it`,
      );
    }
    if (status !== 200) throw this.fault('COLLATERAL_RESPONSE', `status ${status}`);
    if (!type.test(media)) throw this.fault('COLLATERAL_RESPONSE', `an answer of type ${printable(media) || 'none'}`);
    if (body.length === 0) throw this.fault('COLLATERAL_RESPONSE', 'an empty answer');
  }

  #header({ headers }: Dispatcher.ResponseData, name: string): string {
    const value = headers[name.toLowerCase()];
    if (typeof value === 'string') return value;
    throw this.fault('COLLATERAL_RESPONSE', `no header ${name}, or several`);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return printable(error.message) || errnoOf(error) || error.name;
}
