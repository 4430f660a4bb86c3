import type { ServerResponse } from 'node:http';
import type { Clock } from '@bombyx/base';
import type { AnswerSink, ClientError, ClientRequest, FinalInfo, HeaderList, RunningRequest } from '@bombyx/client';
import type { DebugTail } from './debug.ts';
import { GatewayError, openAiError, statusOf, writeError } from './errors.ts';
import { relayedHeaders } from './headers.ts';
import type { Starter } from './key-client.ts';
import { WholeEvents } from './whole-events.ts';

/** How an answer ended; for metrics. */
export interface Outcome {
  readonly status: number;
  readonly result: 'complete' | 'failed' | 'abandoned';
  readonly final: FinalInfo | undefined;
}

/** What the relay tells while it runs. */
export interface RelayEvents {
  /** The first bytes go to the caller. */
  firstByte(): void;
  /** Exactly once, last. */
  done(outcome: Outcome): void;
}

export interface RelayDeps {
  readonly clock: Clock;
  readonly events: RelayEvents;
  /** Set when the request asked for debug data. */
  readonly debug: DebugTail | undefined;
}

/**
 * Passes one answer to one caller. What arrives within one turn of the event loop leaves in one write, with a length if it is
 * the whole answer. Bytes are granted to the sender again only once the caller's socket took them, so a slow reader
 * stops the worker and costs no memory here. A caller that leaves cancels the request.
 */
export class AnswerRelay implements AnswerSink {
  readonly #res: ServerResponse;
  readonly #deps: RelayDeps;
  readonly #startedAt: number;
  #running: RunningRequest | undefined;
  #head: { status: number; headers: string[] } | undefined;
  /** Of an answer that is an event stream. */
  #events: WholeEvents | undefined;
  /** Body bytes from before the head was written. */
  #waiting: Buffer[] = [];
  #headWritten = false;
  #blocked = false;
  /** Bytes taken from the sender and not granted again yet. */
  #owed = 0;
  #ending: { final: FinalInfo } | { error: ClientError | GatewayError } | undefined;
  #over = false;

  constructor(res: ServerResponse, deps: RelayDeps) {
    this.#res = res;
    this.#deps = deps;
    this.#startedAt = deps.clock.nowMs();
    res.on('drain', () => {
      this.#blocked = false;
      this.#grant();
    });
    res.on('close', () => this.#abandon());
  }

  /** Sends a request whose answer goes to `sink`, by default this relay. A later start takes the place of an earlier one. */
  start(client: Starter, request: ClientRequest, sink: AnswerSink = this): void {
    if (this.#over) return;
    this.#running?.cancel();
    this.#running = client.run(request, sink);
  }

  head(status: number, _reason: string, headers: HeaderList): void {
    if (this.#head || this.#over) return;
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      this.fail(new GatewayError('GATEWAY_BAD_ANSWER', 'the worker answered with an impossible HTTP status'));
      return;
    }
    const flat = relayedHeaders(headers);
    const type = flat[flat.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'content-type') + 1] ?? '';
    const stream = type.startsWith('text/event-stream');
    this.#head = { status, headers: flat };
    if (stream) this.#events = new WholeEvents();
    const now = this.#deps.clock.nowMs();
    flat.push('X-Cocoon-Client-Start', unixSeconds(this.#startedAt), 'X-Cocoon-Client-End', unixSeconds(now));
    if (stream) flat.push('Cache-Control', 'no-cache', 'X-Accel-Buffering', 'no');
    setImmediate(() => this.#flush());
  }

  part(bytes: Buffer): void {
    this.write(bytes, bytes.length);
  }

  /** Writes bytes that cost the sender's window something else than their length, as rewritten answers do. */
  write(bytes: Buffer, cost: number): void {
    if (this.#over || this.#ending) return;
    this.#owed += cost;
    this.#pass(this.#events ? this.#events.push(bytes) : bytes);
    this.#grant();
  }

  end(final: FinalInfo): void {
    if (this.#events && !this.#over && !this.#ending) this.#pass(this.#events.end());
    this.#finish({ final });
  }

  error(error: ClientError | GatewayError): void {
    this.#finish({ error });
  }

  /** We cannot go on with this answer, whatever its sender thinks. */
  fail(error: ClientError | GatewayError): void {
    this.#running?.cancel();
    this.#finish({ error });
  }

  #pass(bytes: Buffer): void {
    const { debug } = this.#deps;
    const out = debug ? debug.hold(bytes) : bytes;
    if (out.length === 0) return;
    if (this.#headWritten) this.#send(out);
    else this.#waiting.push(out);
  }

  #send(bytes: Buffer): void {
    if (!this.#res.write(bytes)) this.#blocked = true;
  }

  /** While bytes wait here or in the socket's buffer, the sender gets no new window. */
  #grant(): void {
    if (this.#blocked || this.#waiting.length > 0 || this.#owed === 0) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#running?.consumed(owed);
  }

  #finish(ending: { final: FinalInfo } | { error: ClientError | GatewayError }): void {
    if (this.#over || this.#ending) return;
    this.#ending = ending;
    if ('final' in ending && !this.#head) {
      this.#ending = { error: new GatewayError('GATEWAY_BAD_ANSWER', 'the answer ended before it began') };
    }
    if (this.#headWritten || !this.#head) this.#close();
    // else the head is about to be written, by #flush
  }

  #flush(): void {
    const head = this.#head;
    if (this.#over || this.#headWritten || !head) return;
    if (this.#ending && 'error' in this.#ending) {
      this.#close(); // nothing was written: an honest status is possible
      return;
    }
    this.#headWritten = true;
    this.#deps.events.firstByte();
    if (this.#running) head.headers.push('X-Request-Id', this.#running.id);
    if (this.#ending && 'final' in this.#ending) {
      if (this.#deps.debug) this.#waiting.push(this.#deps.debug.last(this.#ending.final, head.headers));
      const body = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
      if (head.status !== 204 && head.status !== 304) head.headers.push('Content-Length', String(body.length));
      this.#res.writeHead(head.status, head.headers);
      this.#res.end(body);
      this.#done('complete');
      return;
    }
    this.#res.writeHead(head.status, head.headers);
    if (this.#waiting.length === 0) this.#res.flushHeaders();
    for (const bytes of this.#waiting) this.#send(bytes);
    this.#waiting = [];
    this.#grant();
  }

  #close(): void {
    const ending = this.#ending;
    if (!ending || this.#over) return;
    const res = this.#res;
    if ('final' in ending) {
      if (this.#deps.debug) res.write(this.#deps.debug.last(ending.final, this.#head?.headers ?? []));
      res.end();
      this.#done('complete');
      return;
    }
    if (!this.#headWritten) {
      writeError(res, ending.error, this.#running?.id);
    } else if (this.#events) {
      // without [DONE], so that nobody takes it for a whole answer
      const error = `data: ${JSON.stringify({ error: openAiError(ending.error) })}\n\n`;
      res.end(this.#events.isTorn ? `\n\n${error}` : error);
    } else {
      res.destroy(); // the missing last chunk tells the caller that the answer is incomplete
    }
    this.#done('failed');
  }

  /** The socket closed. After a complete answer that is nothing; before, the request is cancelled and its bill stops. */
  #abandon(): void {
    if (this.#over) return;
    this.#running?.cancel();
    this.#waiting = [];
    this.#done('abandoned');
  }

  #done(result: Outcome['result']): void {
    this.#over = true;
    const ending = this.#ending;
    const failed = ending && 'error' in ending && !this.#headWritten ? statusOf(ending.error) : undefined;
    this.#deps.events.done({
      status: failed ?? this.#head?.status ?? 499, // nginx's number for a caller that left
      result,
      final: ending && 'final' in ending ? ending.final : undefined,
    });
  }
}

function unixSeconds(ms: number): string {
  return (ms / 1000).toFixed(6);
}
