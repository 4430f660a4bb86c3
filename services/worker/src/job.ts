import { STATUS_CODES } from 'node:http';
import type { Clock } from '@bombyx/base';
import { type Multipliers, NO_TOKENS, type TokensUsed, UsageScanner, usageToTokens } from '@bombyx/ledger';
import type { Dispatcher } from 'undici';
import type { AnswerHead, Answers, Final } from './answers.ts';
import { JobError } from './errors.ts';
import { headersForCaller } from './headers.ts';
import type { UpstreamRequest } from './request.ts';
import { lostIdleConnection, type Upstream, upstreamFailure } from './upstream.ts';

/** A body that is announced with at most so many bytes is awaited, and goes out together with the head. */
export const SMALL_BODY_BYTES = 65_536;
/** Most body bytes of one message. */
export const MAX_PART_BYTES = 1_048_576;

/** Milliseconds; Infinity where the protocol version knows no such limit. */
export interface JobLimits {
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

export interface JobSpec {
  readonly request: UpstreamRequest;
  readonly limits: JobLimits;
  /** Body bytes that may be sent before more are granted; Infinity below version 3. */
  readonly window: number;
  readonly coefficient: number;
  readonly multipliers: Multipliers;
}

/** How a job ended. */
export interface JobOutcome {
  readonly error: JobError | undefined;
  readonly tokens: TokensUsed;
  readonly bytesReceived: number;
  readonly durationMs: number;
}

export interface JobDeps {
  readonly upstream: Pick<Upstream, 'send'>;
  readonly answers: Answers;
  /** Resolves when the proxy's connection takes more again, rejects when it is lost. */
  readonly drained: () => Promise<void>;
  readonly clock: Clock;
  /** Called once, after the last message was sent and when the inference server is rid of the job. */
  readonly onEnd: (outcome: JobOutcome) => void;
}

/**
 * One request at the inference server and its answer on the way to the proxy.
 *
 * All pieces that one read of the socket brought travel as one part, in the order head, parts, end. What the reader
 * has not granted, or the connection does not take, stays in the inference server's socket: at most one read of it is
 * held here. Only what was sent is counted, so an error, a time-out or a cancel bills exactly what was delivered.
 */
export class Job implements Dispatcher.DispatchHandler {
  readonly #spec: JobSpec;
  readonly #deps: JobDeps;
  readonly #scanner = new UsageScanner();
  readonly #startMs: number;
  readonly #startSec: number;
  #controller: Dispatcher.DispatchController | undefined;
  #head: AnswerHead | undefined;
  #headSec = 0;
  #headSent = false;
  /** The body ends where the connection does, so that a crash would look like an end. */
  #endsByClosing = false;
  #latest: Buffer | undefined;
  /** Waits for the rest of a small body. */
  #gathering = false;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #credit: number;
  /** The connection to the proxy is full. */
  #blocked = false;
  #flushScheduled = false;
  /** Handed to the pool, which has no connection for it yet. */
  #queued = false;
  #complete = false;
  #ended = false;
  #outcome: JobOutcome | undefined;
  #retried = false;
  /** When the server was last seen to send, to within the time between two looks at the limits. */
  #activeMs: number;
  /** It has sent since then. */
  #isActive = false;
  #bytesReceived = 0;

  constructor(spec: JobSpec, deps: JobDeps) {
    this.#spec = spec;
    this.#deps = deps;
    this.#credit = spec.window;
    this.#startMs = deps.clock.monotonicMs();
    this.#startSec = deps.clock.nowMs() / 1_000;
    this.#activeMs = this.#startMs;
  }

  /** Begins; what goes wrong from here on arrives as an answer. */
  start(): void {
    this.#queued = true;
    this.#deps.upstream.send(this.#spec.request, this); // what it throws comes to onResponseError
  }

  /** Stops the inference server and answers with `reason`. */
  cancel(reason: JobError): void {
    this.#fail(reason);
  }

  /** The proxy's connection is gone: stops the inference server, answers nothing. */
  abandon(reason: JobError): void {
    if (this.#ended) return;
    this.#end(reason, this.#bill());
  }

  /** The reader wants `bytes` more. */
  grant(bytes: number): void {
    this.#credit += bytes;
    if (!this.#ended) this.#flush();
  }

  /** Ends the job if one of its limits has passed. */
  checkLimits(nowMs: number): void {
    if (this.#ended) return;
    const { firstByteMs, idleMs, totalMs } = this.#spec.limits;
    if (this.#isActive) {
      this.#isActive = false;
      this.#activeMs = nowMs;
    }
    if (nowMs - this.#startMs >= totalMs) this.#fail(timeout(`the whole answer took longer than ${totalMs} ms`));
    else if (this.#head === undefined && nowMs - this.#startMs >= firstByteMs) {
      this.#fail(timeout(`the inference server sent nothing for ${firstByteMs} ms`));
    } else if (this.#head !== undefined && nowMs - this.#activeMs >= idleMs) {
      // A slow reader is not a slow server.
      if (this.#isHeldBack()) this.#activeMs = nowMs;
      else this.#fail(timeout(`the inference server paused for ${idleMs} ms`));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#queued = false;
    this.#controller = controller;
    if (!this.#ended) return;
    controller.abort(new JobError('JOB_CANCELLED', 'the job ended before it was sent'));
    this.#release();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    reason?: string,
  ): void {
    if (this.#ended || status < 200) return; // 1xx: only says that more will come
    this.#head = { status, reason: reason || (STATUS_CODES[status] ?? ''), headers: headersForCaller(headers) };
    this.#headSec = this.#deps.clock.nowMs() / 1_000;
    this.#gathering = Number(headers['content-length']) <= SMALL_BODY_BYTES;
    this.#endsByClosing = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
    this.#flushSoon();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#bytesReceived += chunk.length;
    if (this.#endsByClosing) this.#latest = chunk;
    if (this.#isHeldBack() || this.#pendingBytes >= MAX_PART_BYTES) controller.pause();
    this.#flushSoon();
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    if (this.#head === undefined) {
      this.#fail(upstreamFailure(new Error('ended without a head'), true));
      return;
    }
    if (this.#latest !== undefined && looksCut(this.#head, this.#latest)) {
      if (this.#headSent) this.#flush();
      this.#fail(upstreamFailure(new Error('the connection closed inside the body'), true));
      return;
    }
    this.#complete = true;
    this.#gathering = false;
    this.#flush();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#queued = false;
    if (this.#ended) {
      this.#release();
      return;
    }
    if (this.#head === undefined && !this.#retried && lostIdleConnection(error)) {
      this.#retried = true;
      this.#controller = undefined;
      this.start();
      return;
    }
    if (this.#headSent) this.#flush(); // what did arrive is the caller's
    this.#fail(upstreamFailure(error, this.#head !== undefined));
  }

  /** More has arrived than may be sent. Without credit one read goes on, since it may bring the end. */
  #isHeldBack(): boolean {
    return this.#blocked || this.#pendingBytes > this.#credit;
  }

  /** A microtask runs when all pieces of the current read have been handed over. */
  #flushSoon(): void {
    this.#isActive = true;
    if (this.#flushScheduled || (this.#gathering && this.#pendingBytes <= this.#credit)) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      if (!this.#ended) this.#flush();
    });
  }

  #flush(): void {
    if (this.#gathering && this.#pendingBytes <= this.#credit) return;
    this.#gathering = false; // more than may go out at once: no use in waiting
    const head = this.#head;
    while (head !== undefined && !this.#blocked) {
      const size = Math.min(this.#pendingBytes, this.#credit, MAX_PART_BYTES);
      const last = this.#complete && size === this.#pendingBytes;
      if (size === 0 && this.#headSent && !last) break;
      const body = this.#take(size);
      if (size > 0) this.#scanner.push(body);
      const tokens = last ? this.#bill() : undefined;
      const accepted = this.#sendPiece(head, body, tokens);
      if (tokens !== undefined) {
        this.#end(undefined, tokens);
        return;
      }
      if (!accepted) this.#waitForProxy();
    }
    if (!this.#complete && !this.#isHeldBack() && this.#controller?.paused) this.#controller.resume();
  }

  #sendPiece(head: AnswerHead, body: Buffer, tokens: TokensUsed | undefined): boolean {
    const { answers } = this.#deps;
    const final = tokens && this.#final(tokens);
    if (this.#headSent) return answers.part(body, final);
    this.#headSent = true;
    return answers.head(head, body, this.#startSec, this.#headSec, final);
  }

  #waitForProxy(): void {
    this.#blocked = true;
    this.#controller?.pause();
    this.#deps.drained().then(
      () => {
        this.#blocked = false;
        if (!this.#ended) this.#flush();
      },
      () => {}, // the connection is lost: its session abandons the job
    );
  }

  /** Takes exactly `size` bytes from the front of what is pending. */
  #take(size: number): Buffer {
    if (size === 0) return Buffer.alloc(0);
    const only = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    this.#pending = size < only.length ? [only.subarray(size)] : [];
    this.#pendingBytes -= size;
    this.#credit -= size;
    return size < only.length ? only.subarray(0, size) : only;
  }

  #bill(): TokensUsed {
    if (!this.#headSent && this.#scanner.usage === undefined && this.#scanner.deliveredChunks === 0) return NO_TOKENS;
    try {
      return usageToTokens(this.#scanner.billable, this.#spec.coefficient, this.#spec.multipliers);
    } catch {
      return NO_TOKENS; // more than the protocol can carry: a server that counts so is not to be billed by
    }
  }

  #final(tokens: TokensUsed): Final {
    const endSec = this.#deps.clock.nowMs() / 1_000;
    return { tokens, startSec: this.#startSec, headSec: this.#headSec || endSec, endSec };
  }

  #fail(error: JobError): void {
    if (this.#ended) return;
    const tokens = this.#bill();
    this.#deps.answers.error(error, this.#final(tokens), this.#headSent);
    this.#end(error, tokens);
  }

  #end(error: JobError | undefined, tokens: TokensUsed): void {
    this.#ended = true;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (!this.#complete) this.#controller?.abort(error ?? new JobError('JOB_INTERNAL', 'ended early'));
    const durationMs = this.#deps.clock.monotonicMs() - this.#startMs;
    this.#outcome = { error, tokens, bytesReceived: this.#bytesReceived, durationMs };
    if (!this.#queued) this.#release();
  }

  /** A job counts as active until nothing of it waits for a connection any more: this is what bounds that queue. */
  #release(): void {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome !== undefined) this.#deps.onEnd(outcome);
  }
}

/** Whether a body without a length, of a kind whose last character is known, ends with another one. */
function looksCut(head: AnswerHead, latest: Buffer): boolean {
  const type = head.headers.find(({ name }) => name === 'content-type')?.value ?? '';
  if (type.startsWith('text/event-stream')) return latest.at(-1) !== 0x0a;
  if (!type.startsWith('application/json')) return false;
  const last = latest
    .toString('latin1', Math.max(0, latest.length - 16))
    .trimEnd()
    .at(-1);
  return last !== '}' && last !== ']';
}

function timeout(text: string): JobError {
  return new JobError('JOB_TIMEOUT', `worker: timeout: ${text}`);
}
