import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@bombyx/base';
import { GatewayError, writeError } from './errors.ts';

/** How long we listen on to a caller whose body was refused, so that it reads the refusal before the connection ends. */
const LINGER_MS = 2_000;

export const EMPTY = Buffer.alloc(0);

/** @returns whether the head announces a body */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/**
 * Collects a body and calls exactly one of `done`, `refused`; neither if the caller leaves first. Node's `requestTimeout`
 * bounds the time. At most `maxBytes` are kept; what comes after a refusal is thrown away unread.
 * Callbacks, not a promise: this is on the path of every request.
 */
export function collectBody(
  req: IncomingMessage,
  maxBytes: number,
  done: (body: Buffer) => void,
  refused: (error: GatewayError) => void,
): void {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) return refused(tooLarge(maxBytes));
  const chunks: Buffer[] = [];
  let size = 0;
  req.on('data', (chunk: Buffer) => {
    if (size > maxBytes) return;
    size += chunk.length;
    if (size <= maxBytes) {
      chunks.push(chunk);
    } else {
      chunks.length = 0;
      refused(tooLarge(maxBytes));
    }
  });
  req.on('end', () => {
    if (size > maxBytes) return;
    done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
  });
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('GATEWAY_BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

/**
 * Answers an error while the caller may still be sending, then ends the connection. Closing at once would reset it and
 * lose the answer on its way, so the rest is read and dropped for a moment.
 */
export function refuseBody(req: IncomingMessage, res: ServerResponse, error: GatewayError, clock: Clock): void {
  res.shouldKeepAlive = false;
  const giveUp = clock.after(LINGER_MS, () => req.socket.destroy());
  req.socket.once('close', giveUp);
  req.resume();
  writeError(res, error);
}
