/** Bodies of requests, within a bound. */
import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';

/** The largest message in base64, with room for the rest of its request. */
const MAX_BODY_BYTES = 256 << 10;
/** A longer body is still read, and dropped, up to here: a client that is cut off while it sends never sees the 413. */
const MAX_DROPPED_BYTES = 4 << 20;

/** @returns the parsed JSON @throws {ApiError} 413, 400 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) continue; // without an encoding there is nothing else
    size += chunk.length;
    if (size > MAX_DROPPED_BYTES) break;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > MAX_BODY_BYTES) throw new ApiError(413, `a body has ${MAX_BODY_BYTES} bytes at most`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new ApiError(400, 'the body is not JSON');
  }
}
