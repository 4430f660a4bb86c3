import { assertNever, type Clock } from '@bombyx/base';
import type { Answer } from './answers.ts';
import type { AnswerSink, ClientRequest, FinalInfo, RunningRequest, TokensUsed } from './api.ts';
import type { Expiring } from './deadlines.ts';
import { type AnswerHead, decodeHead } from './envelope.ts';
import { ClientError } from './errors.ts';
import { worthAnotherProxy } from './refusal.ts';
import { proofHeaders, type Tier } from './tier.ts';

/** Bytes of one answer that may wait for its reader; more than two windows never come from a proxy that keeps to them. */
export const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** One proxy, as a request that runs there sees it. */
export interface Carrier {
  /** The proxy keeps to the window of a request (protocol version 3). */
  readonly flowControl: boolean;
  /** What its certificate proved. */
  readonly tier: Tier;
  /** Lets the proxy send `bytes` more of this answer. */
  grant(requestId: string, bytes: number): void;
  /**
   * The request is over here. @param stop tells the proxy too, where its protocol version can
   * @param error what went wrong, if the proxy is to be remembered for it
   */
  release(
    requestId: string,
    end: { readonly tokens?: TokensUsed; readonly stop: boolean; readonly error?: ClientError },
  ): void;
}

/** What a request needs from the client around it. */
export interface RunHost {
  readonly clock: Clock;
  readonly windowBytes: number;
  /** Gives the run to a proxy that has not had it. @returns false when there is none */
  tryElsewhere(run: Run): boolean;
  /** The head arrived: from now on idle time counts. */
  streaming(run: Run): void;
  /** Exactly once, before the sink hears of it. @param error absent after a complete answer */
  over(run: Run, error?: ClientError): void;
}

/**
 * One request on its way: waiting (no head yet: it has no proxy, or another one may still take it), streaming, over.
 * Counts what the reader owes, and knows when its time is up.
 */
export class Run implements RunningRequest, Expiring {
  /** 32 random bytes: the id at the first proxy; a later proxy gets another one, so that nobody can tell them to be the same. */
  readonly firstId: Buffer;
  readonly request: Omit<ClientRequest, 'body' | 'headers'>;
  /** Upper bound of what it may cost, in adjusted tokens. */
  readonly reserved: bigint;
  readonly startedAtMs: number;
  /** Proxies that had it, by id. */
  readonly tried = new Set<string>();
  /** Body bytes handed to the sink so far. */
  receivedBytes = 0;
  /** The boxed HTTP request; kept only as long as it may have to be sent again. */
  query: Buffer | undefined;
  readonly #sink: AnswerSink;
  readonly #host: RunHost;
  #phase: 'waiting' | 'streaming' | 'over' = 'waiting';
  /** Set while no proxy has it because none is ready. */
  #awaits: { readonly untilMs: number; readonly error: ClientError } | undefined;
  #place: { readonly carrier: Carrier; readonly requestId: string } | undefined;
  #lastActivityMs: number;
  #unread = 0;
  #ungranted = 0;

  constructor(
    firstId: Buffer,
    request: ClientRequest,
    query: Buffer | undefined,
    reserved: bigint,
    sink: AnswerSink,
    host: RunHost,
  ) {
    this.firstId = firstId;
    const { body: _body, headers: _headers, ...rest } = request; // they live on inside `query` only
    this.request = rest;
    this.query = query;
    this.reserved = reserved;
    this.#sink = sink;
    this.#host = host;
    this.startedAtMs = host.clock.monotonicMs();
    this.#lastActivityMs = this.startedAtMs;
  }

  /** The head of the answer has arrived, so that it may cost something. */
  get hasHead(): boolean {
    return this.#phase !== 'waiting';
  }

  get id(): string {
    return this.firstId.toString('hex');
  }

  /** What is left of the total time, at least 1. */
  remainingMs(): number {
    return Math.max(1, Math.round(this.startedAtMs + this.request.timeouts.totalMs - this.#host.clock.monotonicMs()));
  }

  /** No proxy is ready: it fails with `error` when none took it `waitMs` after its start, or in the time for its first byte. */
  awaitsProxy(waitMs: number, error: ClientError): void {
    const { firstByteMs, totalMs } = this.request.timeouts;
    this.#awaits = { untilMs: this.startedAtMs + Math.min(waitMs, firstByteMs, totalMs), error };
  }

  /** A proxy has it now. */
  placed(carrier: Carrier, requestId: string): void {
    this.#awaits = undefined;
    this.#place = { carrier, requestId };
  }

  consumed(bytes: number): void {
    if (this.#phase === 'over' || !(bytes > 0)) return;
    this.#lastActivityMs = this.#host.clock.monotonicMs();
    const taken = Math.min(bytes, this.#unread);
    this.#unread -= taken;
    this.#ungranted += taken;
    if (this.#place?.carrier.flowControl && this.#ungranted * 2 >= this.#host.windowBytes) {
      this.#place.carrier.grant(this.#place.requestId, this.#ungranted);
      this.#ungranted = 0;
    }
  }

  cancel(): void {
    this.#end(new ClientError('CLIENT_CANCELLED', 'the caller left'), { stop: true });
  }

  /** An answer object for this request arrived. */
  receive(answer: Answer): void {
    if (this.#phase === 'over') return;
    this.#lastActivityMs = this.#host.clock.monotonicMs();
    const { final } = answer;
    switch (answer.type) {
      case 'head':
        if (!this.#head(answer, final !== undefined)) return;
        break;
      case 'part':
        if (this.#phase === 'waiting') {
          this.fail(outOfOrder('body before head'), { stop: true });
          return;
        }
        this.#body(answer.bytes);
        break;
      case 'error':
        this.fail(answer.error, { stop: false, ...(final ? { tokens: final.tokens } : {}) });
        return;
      default:
        assertNever(answer);
    }
    if (final) this.#complete(final);
  }

  /**
   * Ends the run with an error, unless nothing of an answer was seen yet and another proxy takes it.
   * @param stop whether the proxy has to be told
   */
  fail(error: ClientError, end: { readonly stop: boolean; readonly tokens?: TokensUsed }): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'waiting' && worthAnotherProxy(error)) {
      this.#release({ ...end, error });
      if (this.#host.tryElsewhere(this)) return;
    }
    if (this.#end(error, end)) this.#tell(() => this.#sink.error(error));
  }

  dueAtMs(): number {
    const { firstByteMs, idleMs, totalMs } = this.request.timeouts;
    if (this.#awaits) return this.#awaits.untilMs;
    const totalAtMs = this.startedAtMs + totalMs;
    if (this.#phase === 'waiting') return Math.min(totalAtMs, this.startedAtMs + firstByteMs);
    // C++ workers, which older proxies have, hold a stream back to its end: their silence means nothing
    return this.#place?.carrier.flowControl ? Math.min(totalAtMs, this.#lastActivityMs + idleMs) : totalAtMs;
  }

  expire(nowMs: number): void {
    if (this.#awaits) {
      this.fail(this.#awaits.error, { stop: false });
      return;
    }
    const { firstByteMs, idleMs, totalMs } = this.request.timeouts;
    const total = nowMs >= this.startedAtMs + totalMs;
    if (!total && this.#phase === 'streaming' && this.#unread > 0) {
      this.#lastActivityMs = nowMs; // the reader is the slow one: its time does not count against the proxy
      return;
    }
    const [what, limitMs] = total
      ? ['the whole answer', totalMs]
      : this.#phase === 'waiting'
        ? ['the first byte', firstByteMs]
        : ['the next part', idleMs];
    const message = `no answer in time: waited ${limitMs} ms for ${what}`;
    this.fail(new ClientError('CLIENT_TIMEOUT', message, { detail: { limitMs } }), { stop: true });
  }

  /** @param complete no body will follow @returns false if the run failed over it */
  #head({ answer, worker }: Extract<Answer, { type: 'head' }>, complete: boolean): boolean {
    const head = this.#phase === 'streaming' ? outOfOrder('a second head') : readHead(answer, complete);
    if (head instanceof ClientError) {
      this.fail(head, { stop: true });
      return false;
    }
    this.#phase = 'streaming';
    this.query = undefined;
    this.#host.streaming(this);
    const headers = [...head.headers, ...proofHeaders(this.#place?.carrier.tier ?? 'open', worker)];
    this.#tell(() => this.#sink.head(head.status, head.reason, headers));
    this.#body(head.payload);
    return true;
  }

  /** One packet may be larger than the bound: what counts is whether the reader keeps up. */
  #body(bytes: Buffer): void {
    if (this.#phase === 'over' || bytes.length === 0) return;
    const keepsUp = this.#unread <= Math.max(MAX_UNREAD_BYTES, 2 * this.#host.windowBytes);
    this.receivedBytes += bytes.length;
    this.#unread += bytes.length;
    if (keepsUp) this.#tell(() => this.#sink.part(bytes));
    else this.fail(overflow(this.#place?.carrier.flowControl === true), { stop: true });
  }

  #complete(final: FinalInfo): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#tell(() => this.#sink.end(final)); // first: the caller waits, the books do not
    this.#release({ stop: false, tokens: final.tokens });
    this.#host.over(this);
  }

  /** @returns false if it was over already */
  #end(error: ClientError, end: { readonly stop: boolean; readonly tokens?: TokensUsed }): boolean {
    if (this.#phase === 'over') return false;
    this.#release({ ...end, error });
    this.#phase = 'over';
    this.query = undefined;
    this.#host.over(this, error);
    return true;
  }

  #release(end: Parameters<Carrier['release']>[1]): void {
    this.#place?.carrier.release(this.#place.requestId, end);
    this.#place = undefined;
  }

  /** A sink that throws loses its request, not the connection that others share. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (cause) {
      this.#end(new ClientError('CLIENT_CANCELLED', 'the reader of the answer failed', { cause }), { stop: true });
    }
  }
}

function readHead(answer: Buffer, complete: boolean): AnswerHead | ClientError {
  try {
    return decodeHead(answer, complete);
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
}

function overflow(flowControl: boolean): ClientError {
  return flowControl
    ? new ClientError('CLIENT_PROTOCOL', 'the proxy sends more than it was granted')
    : new ClientError('CLIENT_SLOW_READER', 'the answer is read too slowly, and this proxy cannot wait');
}

function outOfOrder(what: string): ClientError {
  return new ClientError('CLIENT_PROTOCOL', `the proxy sent its answer out of order: ${what}`);
}
