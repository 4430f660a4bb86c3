import { type Dispatcher, errors, Pool } from 'undici';
import { JobError } from './errors.ts';
import type { UpstreamRequest } from './request.ts';

/** Largest head of an answer. */
export const MAX_HEAD_BYTES = 65_536;
export const CONNECT_TIMEOUT_MS = 10_000;
/** Below the 5 s after which uvicorn and Node close an idle connection: who closes first decides who loses a request. */
const KEEP_ALIVE_MS = 4_000;

/** Connections to the inference server, kept open between requests and never more than `connections`. */
export class Upstream implements AsyncDisposable {
  readonly #pool: Pool;

  constructor(options: { readonly origin: string; readonly connections: number }) {
    this.#pool = new Pool(options.origin, {
      connections: options.connections,
      pipelining: 1,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: 60_000,
      headersTimeout: 0, // jobs have their own deadlines
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEAD_BYTES,
      allowH2: false,
    });
  }

  /** The handler is called as undici documents; `onResponseError` in place of throwing. */
  send(request: UpstreamRequest, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(
      { method: request.method, path: request.path, headers: request.headers, body: request.body },
      handler,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

/**
 * A kept connection may be closed by the server in the very moment a request goes out on it. That request never
 * reached the server's code, so it may be sent once more.
 */
export function lostIdleConnection(error: Error): boolean {
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
}

/** @param begun whether the head of an answer had arrived */
export function upstreamFailure(error: Error, begun: boolean): JobError {
  if (error instanceof JobError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const detail = { cause: code };
  const options = { cause: error };
  if (error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError) {
    const text = 'worker: http failed: the inference server sent what is not HTTP';
    return new JobError('JOB_UPSTREAM_MALFORMED', text, detail, options);
  }
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError) {
    return new JobError('JOB_INVALID', 'worker: invalid http request: cannot be sent', detail, options);
  }
  if (begun || error instanceof errors.SocketError || code === 'ECONNRESET' || code === 'EPIPE') {
    const text = 'worker: http failed: the inference server broke off its answer';
    return new JobError('JOB_UPSTREAM_BROKE', text, detail, options);
  }
  return new JobError(
    'JOB_UPSTREAM_UNREACHABLE',
    'worker: http failed: cannot reach the inference server',
    detail,
    options,
  );
}
