/**
 * Owns what a service opened and closes it in reverse order, past a close that fails.
 * Named after `AsyncDisposableStack`; adds the signal everything inside listens to.
 */
export class Scope implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #closers: (() => unknown)[] = [];
  readonly #unlink: () => void;
  #closing: Promise<void> | undefined;

  constructor(parent?: AbortSignal) {
    const abort = () => this.#controller.abort(parent?.reason);
    if (parent?.aborted) abort();
    parent?.addEventListener('abort', abort, { once: true });
    this.#unlink = () => parent?.removeEventListener('abort', abort);
  }

  /** Aborts when the parent does, or when the scope starts to close. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Closes `resource` with the scope. @returns the resource */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  /** Runs `close` when the scope ends; last deferred, first run. */
  defer(close: () => unknown): void {
    if (this.#closing) throw new TypeError('the scope is closed already');
    this.#closers.push(close);
  }

  /** Idempotent. @throws {AggregateError} what the closers threw, after all of them ran */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#unlink();
    this.#controller.abort(new DOMException('the scope is closing', 'AbortError'));
    const failures: unknown[] = [];
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'closing a scope failed');
  }
}
