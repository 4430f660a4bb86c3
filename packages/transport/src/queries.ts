/** Our own open queries on one connection. Source: wire.md §6.4; unlike in C++, a lost connection ends them at once. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@bombyx/base';
import type { TlObject } from '@bombyx/wire';
import { TransportError } from './errors.ts';
import { MAX_OPEN_QUERIES } from './limits.ts';

export interface QueryOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface OpenQuery {
  resolve(answer: TlObject): void;
  reject(error: unknown): void;
}

export class OpenQueries {
  readonly #clock: Clock;
  readonly #open = new Map<bigint, OpenQuery>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens a query, calls `send` with its random id, and waits for {@link find}, the deadline, the signal or {@link failAll}. */
  ask({ timeoutMs, signal }: QueryOptions, send: (id: bigint) => void): Promise<TlObject> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#open.size >= MAX_OPEN_QUERIES) {
      const detail = { limit: MAX_OPEN_QUERIES };
      return Promise.reject(new TransportError('TRANSPORT_LIMIT', 'too many open queries on one connection', detail));
    }
    return new Promise((resolve, reject) => {
      const id = this.#freeId();
      const close = () => {
        this.#open.delete(id);
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const query: OpenQuery = {
        resolve(answer) {
          close();
          resolve(answer);
        },
        reject(error) {
          close();
          reject(error);
        },
      };
      const onAbort = () => query.reject(signal?.reason);
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        query.reject(new TransportError('TRANSPORT_TIMEOUT', `no answer within ${timeoutMs} ms`, { timeoutMs }));
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#open.set(id, query);
      try {
        send(id);
      } catch (error) {
        query.reject(error);
      }
    });
  }

  /** The open query `id`, to be resolved or rejected. @returns undefined when there is none: late answers are nobody's */
  find(id: bigint): OpenQuery | undefined {
    return this.#open.get(id);
  }

  failAll(error: TransportError): void {
    for (const query of [...this.#open.values()]) query.reject(error);
  }

  #freeId(): bigint {
    for (;;) {
      const id = randomBytes(8).readBigInt64LE();
      if (!this.#open.has(id)) return id;
    }
  }
}
