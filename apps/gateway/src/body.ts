import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@bombyx/base';
import { GatewayError, writeError } from './errors.ts';

/** How long a caller whose body was refused may go on sending it. */
const LINGER_MS = 2_000;

/** Memory that many requests share. */
export class ByteBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return this.#left;
  }

  /** @returns false, and takes nothing, when there is not enough left */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/**
 * Collects one body and calls exactly one of `done`, `refused`; neither if the caller leaves first. Node's `requestTimeout`
 * bounds the time. What comes after a refusal is thrown away. Callbacks, not a promise: every request comes by here.
 */
export class BodyCollector {
  readonly #budget: ByteBudget;
  #taken = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** @param refused gets `GATEWAY_BODY_TOO_LARGE` or, for a full budget, `GATEWAY_TOO_MANY_REQUESTS` */
  collect(
    req: IncomingMessage,
    maxBytes: number,
    done: (body: Buffer) => void,
    refused: (error: GatewayError) => void,
  ): void {
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      refused(tooLarge(maxBytes));
      return;
    }
    let chunks: Buffer[] | undefined = [];
    const stop = (error: GatewayError) => {
      chunks = undefined;
      this.release();
      refused(error);
    };
    req.on('data', (chunk: Buffer) => {
      if (!chunks) return;
      if (this.#taken + chunk.length > maxBytes) return stop(tooLarge(maxBytes));
      if (!this.#budget.take(chunk.length)) return stop(overloaded());
      this.#taken += chunk.length;
      chunks.push(chunk);
    });
    req.on('end', () => {
      if (chunks) done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, this.#taken));
    });
  }

  /** The body is no longer held. Idempotent. */
  release(): void {
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('GATEWAY_BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

/** More is under way than we want to hold; soon there will be less. */
export function overloaded(): GatewayError {
  return new GatewayError('GATEWAY_TOO_MANY_REQUESTS', 'too much is under way at this gateway', {
    retryAfterMs: 1_000,
  });
}

/**
 * Answers an error. While the caller is still sending, closing would reset the connection and lose the answer on its way,
 * so the rest is read and dropped; a caller that goes on for too long is cut off.
 */
export function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  error: Parameters<typeof writeError>[1],
  clock: Clock,
): void {
  if (!req.complete && hasBody(req)) {
    const cancel = clock.after(LINGER_MS, () => req.socket.destroy());
    req.once('end', cancel).once('close', cancel).resume();
  }
  writeError(res, error);
}

function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}
