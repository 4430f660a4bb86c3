/**
 * How answers travel to a proxy: the same events in three dialects, chosen by the message that brought the request.
 * `proxy.runQuery` (version 0), `proxy.runQueryEx` (1 and 2), `bombyx.runJob` (3).
 */
import { STATUS_CODES } from 'node:http';
import { NO_TOKENS, type TokensUsed } from '@bombyx/ledger';
import { encode, type Tl, type TlObject } from '@bombyx/wire';
import type { JobError } from './errors.ts';
import type { Header } from './headers.ts';

/** Takes messages for one proxy. @returns false when it has more than it can pass on */
export type Send = (message: TlObject) => boolean;

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
}

/** What ends every answer: the bill and the times, Unix seconds. */
export interface Final {
  readonly tokens: TokensUsed;
  readonly startSec: number;
  readonly headSec: number;
  readonly endSec: number;
}

/** One answer on its way. Call `head` once, then `part`; `final` or `error` ends it. Each returns what {@link Send} did. */
export interface Answers {
  head(head: AnswerHead, body: Buffer, startSec: number, headSec: number, final: Final | undefined): boolean;
  part(body: Buffer, final: Final | undefined): boolean;
  /** Before or after the head. */
  error(error: JobError, final: Final, afterHead: boolean): boolean;
}

/** Version 3: errors keep their codes and say when to try again. */
export class BombyxAnswers implements Answers {
  readonly #id: Buffer;
  readonly #send: Send;
  readonly #debug: boolean;

  constructor(requestId: Buffer, send: Send, debug: boolean) {
    this.#id = requestId;
    this.#send = send;
    this.#debug = debug;
  }

  head(head: AnswerHead, body: Buffer, startSec: number, headSec: number, final: Final | undefined): boolean {
    const answer = httpResponse(head, body, startSec, headSec, final !== undefined);
    return this.#send({ kind: 'bombyx.answerHead', request_id: this.#id, answer, ...this.#end(final) });
  }
  part(body: Buffer, final: Final | undefined): boolean {
    return this.#send({ kind: 'bombyx.answerPart', request_id: this.#id, data: body, ...this.#end(final) });
  }
  error(error: JobError, final: Final): boolean {
    return this.#send({
      kind: 'bombyx.answerError',
      request_id: this.#id,
      error_code: error.cocoonCode,
      reason: error.code,
      message: error.message,
      http_status: error.httpStatus,
      retry_after_ms: error.retryAfterMs,
      ...this.#end(final),
    });
  }
  #end(final: Final | undefined): { flags: number; final_info?: Tl<'bombyx.finalInfo'> } {
    if (final === undefined) return { flags: 0 };
    return {
      flags: 1,
      final_info: {
        kind: 'bombyx.finalInfo',
        flags: this.#debug ? 3 : 2,
        tokens_used: tokensUsed(final.tokens),
        ...(this.#debug ? { worker_debug: debugText(final), proxy_debug: '' } : {}),
        proxy_start_time: 0, // the proxy's to fill in
        proxy_end_time: 0,
        worker_start_time: final.startSec,
        worker_end_time: final.endSec,
      },
    };
  }
}

/** Versions 1 and 2. */
export class ExAnswers implements Answers {
  readonly #id: Buffer;
  readonly #send: Send;
  readonly #flags: number;

  constructor(requestId: Buffer, send: Send, debug: boolean, version: number) {
    this.#id = requestId;
    this.#send = send;
    this.#flags = (debug ? 1 : 0) | (version >= 2 ? 2 : 0);
  }

  head(head: AnswerHead, body: Buffer, startSec: number, headSec: number, final: Final | undefined): boolean {
    // With debug on, a C++ client appends to the body: it must not have been given a length.
    const sized = final !== undefined && (body.length === 0 || (this.#flags & 1) === 0);
    const answer = httpResponse(head, body, startSec, headSec, sized);
    return this.#send({ kind: 'proxy.queryAnswerEx', request_id: this.#id, answer, ...this.#end(final) });
  }
  part(body: Buffer, final: Final | undefined): boolean {
    return this.#send({ kind: 'proxy.queryAnswerPartEx', request_id: this.#id, answer: body, ...this.#end(final) });
  }
  error(error: JobError, final: Final, afterHead: boolean): boolean {
    // A C++ client dies of an error object before the first answer; an HTTP answer of the same meaning is harmless.
    if (!afterHead) return this.head(headOf(error), bodyOf(error), final.startSec, final.endSec, final);
    return this.#send({
      kind: 'proxy.queryAnswerErrorEx',
      request_id: this.#id,
      error_code: error.cocoonCode,
      error: error.message,
      ...this.#end(final),
    });
  }
  #end(final: Final | undefined): { flags: number; final_info?: Tl<'proxy.queryFinalInfo'> } {
    if (final === undefined) return { flags: 0 };
    return {
      flags: 1,
      final_info: {
        kind: 'proxy.queryFinalInfo',
        flags: this.#flags,
        tokens_used: tokensUsed(final.tokens),
        ...(this.#flags & 1 ? { worker_debug: debugText(final) } : {}),
        ...(this.#flags & 2 ? { worker_start_time: final.startSec, worker_end_time: final.endSec } : {}),
      },
    };
  }
}

/** Version 0: tokens in each message, here only in the last one; before it nobody knows them. */
export class LegacyAnswers implements Answers {
  readonly #id: Buffer;
  readonly #send: Send;

  constructor(requestId: Buffer, send: Send) {
    this.#id = requestId;
    this.#send = send;
  }

  head(head: AnswerHead, body: Buffer, startSec: number, headSec: number, final: Final | undefined): boolean {
    const answer = httpResponse(head, body, startSec, headSec, final !== undefined);
    return this.#send({ kind: 'proxy.queryAnswer', answer, ...this.#end(final) });
  }
  part(body: Buffer, final: Final | undefined): boolean {
    return this.#send({ kind: 'proxy.queryAnswerPart', answer: body, ...this.#end(final) });
  }
  error(error: JobError, final: Final, afterHead: boolean): boolean {
    if (!afterHead) return this.head(headOf(error), bodyOf(error), final.startSec, final.endSec, final);
    return this.#send({
      kind: 'proxy.queryAnswerPartError',
      error_code: error.cocoonCode,
      error: error.message,
      request_id: this.#id,
      tokens_used: tokensUsed(final.tokens),
    });
  }
  #end(final: Final | undefined): { is_completed: boolean; request_id: Buffer; tokens_used: Tl<'tokensUsed'> } {
    const tokens_used = final === undefined ? NO_TOKENS_USED : tokensUsed(final.tokens);
    return { is_completed: final !== undefined, request_id: this.#id, tokens_used };
  }
}

/** @param sized whether `body` is all there will be, so that its length can be told */
function httpResponse(head: AnswerHead, body: Buffer, startSec: number, headSec: number, sized: boolean): Buffer {
  const headers: Tl<'http.header'>[] = [];
  for (const { name, value } of head.headers) headers.push({ kind: 'http.header', name, value });
  headers.push(
    { kind: 'http.header', name: 'X-Cocoon-Worker-Start', value: startSec.toFixed(6) },
    { kind: 'http.header', name: 'X-Cocoon-Worker-End', value: headSec.toFixed(6) },
    sized
      ? { kind: 'http.header', name: 'Content-Length', value: String(body.length) }
      : { kind: 'http.header', name: 'Transfer-Encoding', value: 'chunked' },
  );
  return encode({
    kind: 'http.response',
    http_version: 'HTTP/1.1',
    status_code: head.status,
    reason: head.reason,
    headers,
    payload: body,
  });
}

function headOf(error: JobError): AnswerHead {
  const headers: Header[] = [{ name: 'content-type', value: 'application/json' }];
  if (error.retryAfterMs > 0) {
    headers.push({ name: 'retry-after', value: String(Math.ceil(error.retryAfterMs / 1_000)) });
  }
  return { status: error.httpStatus, reason: STATUS_CODES[error.httpStatus] ?? 'Error', headers };
}

/** An OpenAI error object. */
function bodyOf(error: JobError): Buffer {
  const type = error.httpStatus < 500 ? 'invalid_request_error' : 'server_error';
  return Buffer.from(JSON.stringify({ error: { message: error.message, type, param: null, code: error.code } }));
}

function debugText(final: Final): string {
  return JSON.stringify({
    type: 'worker_stats',
    start_time: final.startSec,
    answer_receive_start_at: final.headSec,
    answer_receive_end_at: final.endSec,
  });
}

function tokensUsed(tokens: TokensUsed): Tl<'tokensUsed'> {
  return {
    kind: 'tokensUsed',
    prompt_tokens_used: tokens.prompt,
    cached_tokens_used: tokens.cached,
    completion_tokens_used: tokens.completion,
    reasoning_tokens_used: tokens.reasoning,
    total_tokens_used: tokens.total,
  };
}

const NO_TOKENS_USED = tokensUsed(NO_TOKENS);
