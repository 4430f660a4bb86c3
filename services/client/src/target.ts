import type { Clock, Logger } from '@bombyx/base';
import type { Endpoint } from '@bombyx/ton';
import { type Connection, type ConnectionHandlers, PeerRefusedError, QueryError } from '@bombyx/transport';
import { DecayingCount } from './decaying-count.ts';
import type { Agreement } from './handshake.ts';
import type { Candidate } from './select.ts';
import type { Session } from './session.ts';

/** Keeps a connection to an endpoint up until closed; `serve` runs once per connection, as long as it lasts. */
export type Keep = (
  endpoint: Endpoint,
  handlersFor: (connection: Connection) => ConnectionHandlers,
  serve: (connection: Connection, signal: AbortSignal) => Promise<void>,
) => Kept;

export interface Kept {
  /** Why the last try failed or the last connection ended. */
  readonly lastError: unknown;
  close(): unknown;
}

export interface TargetDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly keep: Keep;
  readonly shake: (connection: Connection, signal: AbortSignal) => Promise<Agreement>;
  readonly open: (target: Target, connection: Connection, agreement: Agreement) => Session;
  readonly changed: (target: Target) => void;
}

/** A proxy that said it does not have a model is asked last for so long. */
const LACKS_MODEL_MS = 5_000;
const MAX_LACKING = 256;
const FAILURE_HALF_LIFE_MS = 10_000;

/** One proxy this client stays connected to: connecting, shaking hands, ready, and again after each loss. */
export class Target {
  readonly endpoint: Endpoint;
  readonly #deps: TargetDeps;
  readonly #failures: DecayingCount;
  readonly #lacking = new Map<string, number>();
  readonly #kept: Kept;
  #session: Session | undefined;
  #connection: Connection | undefined;
  #readyAtMs: number;

  constructor(endpoint: Endpoint, deps: TargetDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
    this.#failures = new DecayingCount(deps.clock, FAILURE_HALF_LIFE_MS);
    this.#readyAtMs = deps.clock.monotonicMs();
    this.#kept = deps.keep(
      endpoint,
      () => this.#handlers(),
      (connection, signal) => this.#serve(connection, signal),
    );
  }

  /** `ip:port` */
  get id(): string {
    return `${this.endpoint.host}:${this.endpoint.port}`;
  }

  /** Set exactly while requests can be sent. */
  get session(): Session | undefined {
    return this.#session?.ended ? undefined : this.#session;
  }

  /** Why it is not ready; empty while it is. */
  get lastError(): string {
    const { lastError } = this.#kept;
    if (this.session) return this.session.refusal?.message ?? '';
    return lastError === undefined ? 'not connected yet' : messageOf(lastError);
  }

  /** Why we send it nothing, where that is what it proves. */
  get unproven(): PeerRefusedError | undefined {
    const { lastError } = this.#kept;
    return this.session === undefined && lastError instanceof PeerRefusedError ? lastError : undefined;
  }

  /** Milliseconds since it was last ready, or since it was created; 0 while ready. */
  notReadyForMs(): number {
    return this.session ? 0 : this.#deps.clock.monotonicMs() - this.#readyAtMs;
  }

  get recentFailures(): number {
    return this.#failures.value;
  }

  candidate(model: string): Candidate {
    const { session } = this;
    return {
      id: this.id,
      ready: session !== undefined && session.refusal === undefined,
      running: session?.running ?? 0,
      recentFailures: this.#failures.value,
      bufferedBytes: session?.connection.bufferedBytes ?? 0,
      lacksModel: (this.#lacking.get(model) ?? 0) > this.#deps.clock.monotonicMs(),
    };
  }

  failed(): void {
    this.#failures.add(1);
  }

  lacks(model: string): void {
    this.#lacking.delete(model);
    this.#lacking.set(model, this.#deps.clock.monotonicMs() + LACKS_MODEL_MS);
    if (this.#lacking.size > MAX_LACKING) this.#lacking.delete(this.#lacking.keys().next().value!);
  }

  /** Ends the connection; the next one begins with a new handshake. */
  reconnect(reason: string): void {
    this.#connection?.close(reason);
  }

  async close(): Promise<void> {
    this.#session?.end(new Error('the client closes this connection'));
    await this.#kept.close();
  }

  /** Of the one connection there is. Anything before its handshake is done has no meaning yet. */
  #handlers(): ConnectionHandlers {
    return {
      onMessage: (message) => this.#session?.receive(message),
      onQuery: () => Promise.reject(new QueryError(0, 'a client answers no queries')),
    };
  }

  /** From a fresh connection to its end. A failed handshake closes it and rejects, so that the next try comes later. */
  async #serve(connection: Connection, signal: AbortSignal): Promise<void> {
    const { log, shake, open, changed } = this.#deps;
    this.#connection = connection;
    let agreement: Agreement;
    try {
      agreement = await shake(connection, AbortSignal.any([signal, connection.signal]));
    } catch (error) {
      log.warn('handshake with proxy failed', { proxy: this.id, reason: messageOf(error) });
      this.#failures.add(1);
      connection.close('handshake failed');
      throw error;
    }
    if (connection.signal.aborted) throw connection.signal.reason;
    const session = open(this, connection, agreement);
    this.#session = session;
    log.info('proxy ready', {
      proxy: this.id,
      protoVersion: agreement.protoVersion,
      contract: agreement.proxyContract,
    });
    changed(this);
    await new Promise<void>((resolve) => {
      const over = () => {
        this.#readyAtMs = this.#deps.clock.monotonicMs();
        log.info('proxy lost', { proxy: this.id, reason: messageOf(connection.signal.reason) });
        this.#session = undefined; // first: requests that fail now look for another proxy
        session.end(connection.signal.reason);
        changed(this);
        resolve();
      };
      if (connection.signal.aborted) over();
      else connection.signal.addEventListener('abort', over, { once: true });
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
