/**
 * Frames on their way out. Only one write is under way at a time: meanwhile frames gather for the next, so a busy
 * connection batches more, and a stall is seen after one batch. Where frames come alone, each leaves at once; else what is
 * sent in one tick leaves in one write.
 */
import type { Duplex } from 'node:stream';
import { TransportError } from './errors.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, MAX_BUFFERED_BYTES } from './limits.ts';

/** Most bytes of one write; a frame larger than this is written in slices, so that progress shows on slow links. */
const BATCH_BYTES = 256 * 1024;

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export class Outbox {
  readonly #socket: Duplex;
  readonly #nowMs: () => number;
  readonly #onProgress: () => void;
  #frames: Buffer[] = [];
  /** Bytes in `#frames`, and in the write under way. */
  #queued = 0;
  #writing = 0;
  #scheduled = false;
  /** Whether the last write carried one frame: then the next goes out at once, without waiting for company. */
  #lone = true;
  #progressMs: number;
  #waiters: Waiter[] = [];
  #failure: TransportError | undefined;
  #onEmpty: (() => void) | undefined;

  /** @param onProgress called after each write that the kernel took */
  constructor(socket: Duplex, nowMs: () => number, onProgress: () => void) {
    this.#socket = socket;
    this.#nowMs = nowMs;
    this.#onProgress = onProgress;
    this.#progressMs = nowMs();
  }

  /** Bytes that the kernel has not accepted yet. */
  get bufferedBytes(): number {
    return this.#queued + this.#writing;
  }

  /** How long the peer has taken nothing, in ms; 0 when there is nothing to take. */
  stalledMs(nowMs: number): number {
    return this.bufferedBytes === 0 ? 0 : nowMs - this.#progressMs;
  }

  /**
   * @returns whether more may be produced at once
   * @throws {TransportError} `TRANSPORT_LIMIT` when a sender that does not wait has filled the buffer
   */
  push(frame: Buffer): boolean {
    if (this.#failure) return false;
    if (this.bufferedBytes + frame.length > MAX_BUFFERED_BYTES) {
      throw new TransportError('TRANSPORT_LIMIT', 'the peer does not read, and the send buffer is full', {
        bytes: this.bufferedBytes,
      });
    }
    if (this.bufferedBytes === 0) this.#progressMs = this.#nowMs();
    this.#frames.push(frame);
    this.#queued += frame.length;
    if (!this.#scheduled && this.#writing === 0) {
      if (this.#lone) this.#flush();
      else {
        this.#scheduled = true;
        process.nextTick(this.#flush);
      }
    }
    return this.bufferedBytes < HIGH_WATER_BYTES;
  }

  /** Resolves once less than the low-water mark is left. @throws {TransportError} the reason why that will never be */
  drained(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.bufferedBytes < LOW_WATER_BYTES) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Nothing more is accepted; who waits learns why. `onEmpty` is called when all that was sent before is written. */
  end(failure: TransportError, onEmpty: () => void): void {
    if (this.#failure) return;
    this.#failure = failure;
    for (const { reject } of this.#waiters.splice(0)) reject(failure);
    if (this.bufferedBytes === 0) onEmpty();
    else this.#onEmpty = onEmpty;
  }

  #flush = (): void => {
    this.#scheduled = false;
    if (this.#frames.length === 0 || this.#writing > 0 || !this.#socket.writable) return;
    this.#lone = this.#frames.length === 1;
    const batch = this.#takeBatch();
    this.#writing = batch.length;
    this.#socket.write(batch, this.#written);
  };

  #written = (error?: Error | null): void => {
    if (error) return; // the socket is closing, and its owner hears of that
    this.#writing = 0;
    this.#progressMs = this.#nowMs();
    this.#flush();
    if (this.#waiters.length > 0 && this.bufferedBytes < LOW_WATER_BYTES) {
      for (const { resolve } of this.#waiters.splice(0)) resolve();
    }
    this.#onProgress();
    if (this.bufferedBytes === 0) this.#onEmpty?.();
  };

  #takeBatch(): Buffer {
    const first = this.#frames[0] as Buffer;
    if (first.length > BATCH_BYTES) {
      this.#frames[0] = first.subarray(BATCH_BYTES);
      this.#queued -= BATCH_BYTES;
      return first.subarray(0, BATCH_BYTES);
    }
    let size = 0;
    let count = 0;
    for (const frame of this.#frames) {
      if (size + frame.length > BATCH_BYTES) break;
      size += frame.length;
      count++;
    }
    const taken = count === this.#frames.length ? this.#frames : this.#frames.splice(0, count);
    if (taken === this.#frames) this.#frames = [];
    this.#queued -= size;
    return count === 1 ? first : Buffer.concat(taken, size);
  }
}
