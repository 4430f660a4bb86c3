/**
 * GPU evidence from a helper that listens on a Unix socket, for a part that may not start programs. One request a
 * connection: `{"nonce":"<64 hex>"}` and a line end in, what the command prints out, then the end of the stream.
 */
import { connect } from 'node:net';
import type { Clock } from '@bombyx/base';
import { EvidenceError, errnoOf } from '../errors.ts';
import { GPU_TIMEOUT_MS, MAX_GPU_OUTPUT_BYTES } from '../limits.ts';
import { readGpuAnswer } from './gpu-answer.ts';
import { exactly, type GpuProvider, type GpuRequest } from './provider.ts';

export interface GpuSocketOptions {
  /** Path of the socket. */
  readonly path: string;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

export class GpuSocket implements GpuProvider {
  readonly #path: string;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor({ path, timeoutMs = GPU_TIMEOUT_MS }: GpuSocketOptions, deps: { readonly clock: Clock }) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    this.#clock = deps.clock;
  }

  async collect({ nonce, expected, signal }: GpuRequest) {
    const asked = exactly(32, nonce, 'nonce');
    signal.throwIfAborted();
    return readGpuAnswer(await this.#ask(Buffer.from(asked).toString('hex'), signal), asked, expected);
  }

  async #ask(nonceHex: string, signal: AbortSignal): Promise<string> {
    const socket = connect(this.#path);
    const abort = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const cancel = this.#clock.after(this.#timeoutMs, () => {
      const message = `no GPU evidence within ${this.#timeoutMs} ms`;
      socket.destroy(new EvidenceError('GPU_TIMEOUT', message, { timeoutMs: this.#timeoutMs }));
    });
    try {
      socket.end(`${JSON.stringify({ nonce: nonceHex })}\n`);
      const parts: Buffer[] = [];
      let size = 0;
      for await (const part of socket as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > MAX_GPU_OUTPUT_BYTES) {
          throw new EvidenceError('GPU_TOO_LARGE', `more than ${MAX_GPU_OUTPUT_BYTES} bytes of GPU evidence`);
        }
        parts.push(part);
      }
      return Buffer.concat(parts).toString('utf8');
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (cause instanceof EvidenceError) throw cause;
      const message = `the GPU helper cannot be asked: ${errnoOf(cause) || String(cause)}`;
      throw new EvidenceError('GPU_UNAVAILABLE', message, { path: this.#path }, { cause });
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
      socket.destroy();
    }
  }
}
