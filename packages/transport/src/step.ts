/** One step of setting a connection up: it ends by success, by its own deadline, by the caller, or by the socket. */
import type { Duplex } from 'node:stream';
import type { Clock } from '@bombyx/base';
import { asTransportError, TransportError, type TransportErrorCode } from './errors.ts';

export interface StepContext {
  readonly clock: Clock;
  /** Abort ends the step with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface Step {
  /** For people: `${name} took too long`. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Code of any failure that has none itself. */
  readonly code: TransportErrorCode;
}

/**
 * Runs `start`, which calls `resolve` or `reject` once and returns how to remove its listeners. Whatever fails destroys
 * the socket, so that no step leaves one behind.
 * @throws {TransportError} `TRANSPORT_TIMEOUT`, `step.code`, or the reason of `context.signal`
 */
export function runStep<T>(
  socket: Duplex,
  step: Step,
  context: StepContext,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  const { clock, signal } = context;
  return new Promise<T>((resolvePromise, rejectPromise) => {
    let stop: (() => void) | undefined;
    let settled = false;
    const settle = () => {
      settled = true;
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose);
      stop?.();
    };
    const resolve = (value: T) => {
      if (settled) return;
      settle();
      resolvePromise(value);
    };
    const reject = (error: unknown) => {
      if (settled) return;
      settle();
      socket.destroy();
      rejectPromise(error);
    };
    const onAbort = () => reject(signal.reason);
    const onError = (error: Error) => reject(asTransportError(error, step.code, step.name));
    const onClose = () => reject(new TransportError(step.code, `${step.name}: the peer closed the connection`));
    const onTimeout = () => {
      const { name, timeoutMs } = step;
      reject(new TransportError('TRANSPORT_TIMEOUT', `${name} took longer than ${timeoutMs} ms`, { timeoutMs }));
    };
    const cancelTimer = clock.after(step.timeoutMs, onTimeout);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError).on('close', onClose);
    if (signal.aborted) return onAbort();
    if (socket.destroyed) return onClose();
    try {
      stop = start(resolve, (error) => reject(asTransportError(error, step.code, step.name)));
    } catch (error) {
      reject(asTransportError(error, step.code, step.name));
    }
    if (settled) stop?.();
  });
}

/** An error event without a listener ends the process, and a socket can fail between two steps. */
export function guard<S extends Duplex>(socket: S): S {
  socket.on('error', () => {});
  return socket;
}

/**
 * Exactly `size` bytes; what came behind them stays in the socket for the next reader.
 * @throws {TransportError} as {@link runStep}
 */
export function readExactly(socket: Duplex, size: number, step: Step, context: StepContext): Promise<Buffer> {
  if (size === 0) return Promise.resolve(Buffer.alloc(0));
  return runStep<Buffer>(socket, step, context, (resolve, reject) => {
    const onReadable = () => {
      const bytes: Buffer | null = socket.read(size);
      if (bytes === null) return;
      if (bytes.length === size)
        resolve(bytes); // at the end of the stream, read returns what is left
      else reject(new TransportError(step.code, `${step.name}: the peer closed the connection`));
    };
    socket.on('readable', onReadable);
    onReadable();
    return () => socket.off('readable', onReadable);
  });
}
