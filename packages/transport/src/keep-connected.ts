/** A connection that comes back: tried again with backoff for as long as it is wanted. */

import { type ConnectOptions, connect, type TransportDeps } from './connect.ts';
import type { Connection, ConnectionHandlers } from './connection.ts';
import { PeerRefusedError } from './errors.ts';
import { RECONNECT_FIRST_MS, RECONNECT_MAX_MS } from './limits.ts';

export interface KeepConnectedOptions extends ConnectOptions {
  readonly handlersFor: (connection: Connection) => ConnectionHandlers;
  /** Longest pause between two tries, in ms. */
  readonly maxDelayMs?: number;
}

export interface KeptConnection extends AsyncDisposable {
  /** The connection that `onConnected` accepted, while it lasts. */
  readonly current: Connection | undefined;
  /** Tries that failed since the last success. */
  readonly failures: number;
  /** Why the last try failed or the last connection ended. */
  readonly lastError: unknown;
  /** Ends the connection and all tries; resolves when nothing runs any more. Idempotent. */
  close(): Promise<void>;
}

export interface KeepConnectedDeps extends TransportDeps {
  /** Jitter: a number from 0 up to 1. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Connects, calls `onConnected` for the application's own handshake, and starts again when the connection ends. The first
 * try is made at once, the first after a success within 250 ms; then pauses double up to ten seconds.
 * @param onConnected resolves when the connection is in use (or when it has ended: either is fine); rejecting closes the
 *   connection and counts as a failed try. Its `signal` aborts when the connection ends or is no longer wanted
 */
export function keepConnected(
  options: KeepConnectedOptions,
  onConnected: (connection: Connection, signal: AbortSignal) => Promise<void>,
  deps: KeepConnectedDeps,
): KeptConnection {
  const stop = new AbortController();
  if (options.signal?.aborted) stop.abort(options.signal.reason);
  const onAbort = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const state = { current: undefined as Connection | undefined, failures: 0, lastError: undefined as unknown };

  const once = async (): Promise<void> => {
    const connection = await connect({ ...options, signal: stop.signal }, options.handlersFor, deps);
    const leave = () => connection.close('no longer wanted');
    stop.signal.addEventListener('abort', leave, { once: true });
    if (stop.signal.aborted) leave();
    try {
      await onConnected(connection, connection.signal);
      state.failures = 0;
      if (!connection.signal.aborted) state.current = connection;
      await aborted(connection.signal);
      state.lastError = connection.signal.reason;
    } finally {
      state.current = undefined;
      connection.close('the handshake failed');
      stop.signal.removeEventListener('abort', leave);
    }
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      state.failures++;
      try {
        await once();
      } catch (error) {
        if (stop.signal.aborted) return;
        state.lastError = error;
        const reason = error instanceof Error ? error.message : String(error);
        const fields = { host: options.host, port: options.port, tries: state.failures, reason };
        const level = error instanceof PeerRefusedError ? 'warn' : 'info'; // waiting alone will hardly help
        deps.log[level]('no connection, trying again', fields);
      }
      await pause(delayMs(state.failures));
    }
  };

  const delayMs = (failures: number): number => {
    const { random = Math.random } = deps;
    const longest = Math.min(
      RECONNECT_FIRST_MS * 2 ** Math.max(0, failures - 1),
      options.maxDelayMs ?? RECONNECT_MAX_MS,
    );
    return longest * (0.5 + random() / 2); // peers of one proxy that restarts do not all come at once
  };

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        cancel();
        stop.signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = deps.clock.after(ms, done);
      stop.signal.addEventListener('abort', done, { once: true });
      if (stop.signal.aborted) done();
    });

  const running = run().finally(() => options.signal?.removeEventListener('abort', onAbort));
  const close = () => {
    stop.abort(new DOMException('the connection is no longer wanted', 'AbortError'));
    return running;
  };
  return {
    get current() {
      return state.current;
    },
    get failures() {
      return state.failures;
    },
    get lastError() {
      return state.lastError;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
