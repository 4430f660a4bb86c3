/** Stays connected to so many of the registered proxies, and gives one up that cannot be reached for long. */
import { randomInt } from 'node:crypto';
import type { Clock, Logger } from '@bombyx/base';
import type { Endpoint } from '@bombyx/ton';
import {
  type Connection,
  type ConnectSecurity,
  type KeepConnectedDeps,
  type KeptConnection,
  keepConnected,
  PeerRefusedError,
  reconsider,
  TransportError,
} from '@bombyx/transport';
import type { Session } from './session.ts';

const TICK_MS = { from: 1_000, to: 2_000 };

export interface FleetOptions {
  /** Worker addresses of the registered proxies. */
  readonly candidates: readonly Endpoint[];
  /** How many of them to stay connected to. */
  readonly count: number;
  readonly security: ConnectSecurity;
  readonly giveUpAfterMs: number;
}

export interface FleetDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessionFor: (connection: Connection) => Session;
  /** A session became ready or was lost. */
  readonly onChange: () => void;
  readonly transport?: Omit<KeepConnectedDeps, 'clock' | 'log'> | undefined;
}

export interface Target {
  readonly endpoint: Endpoint;
  readonly session: Session | undefined;
  /** Why it is not ready; empty while it is. */
  readonly lastError: string;
}

interface OwnTarget {
  readonly endpoint: Endpoint;
  readonly kept: KeptConnection;
  session: Session | undefined;
  readySinceMs: number;
}

export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #deps: FleetDeps;
  readonly #targets = new Map<string, OwnTarget>();
  readonly #leaving = new Set<Promise<void>>();
  #candidates: readonly Endpoint[];
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(options: FleetOptions, deps: FleetDeps) {
    this.#options = options;
    this.#candidates = options.candidates;
    this.#deps = deps;
    this.#tick();
  }

  get targets(): readonly Target[] {
    return [...this.#targets.values()].map(({ endpoint, session, kept }) => ({
      endpoint,
      session,
      lastError: session?.ready === true ? '' : messageOf(kept.lastError),
    }));
  }

  /** Why nobody is worked for, where it is because of what one side proves to the other. */
  get unproven(): string | undefined {
    if (this.ready.length > 0) return undefined;
    for (const [name, { kept }] of this.#targets) {
      const { lastError } = kept;
      const judged = lastError instanceof PeerRefusedError;
      const refused = lastError instanceof TransportError && lastError.code === 'TRANSPORT_REFUSED_BY_PEER';
      if (judged || refused) return `nobody is worked for: proxy ${name}: ${lastError.message}`;
    }
    return undefined;
  }

  /** Sessions that may carry work now. */
  get ready(): readonly Session[] {
    const sessions: Session[] = [];
    for (const { session } of this.#targets.values()) if (session?.ready === true) sessions.push(session);
    return sessions;
  }

  /** The list of registered proxies has changed: who is no longer on it is left. */
  update(candidates: readonly Endpoint[]): void {
    this.#candidates = candidates;
    const names = new Set(candidates.map(nameOf));
    for (const [name, target] of this.#targets) if (!names.has(name)) this.#leave(name, target);
  }

  /** What the network admits has changed: proxies that it does not any more are left at once. */
  reconsider(judgeAgain: Parameters<typeof reconsider>[1]): void {
    const sessions = [...this.#targets.values()].flatMap(({ session }) => session ?? []);
    reconsider(
      sessions.map(({ connection }) => connection),
      judgeAgain,
      this.#deps.log,
    );
  }

  /** Ends every session; each target is connected to anew, and the handshake made again. */
  reconnect(reason: string): void {
    for (const { session } of this.#targets.values()) session?.connection.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelTick?.();
    for (const [name, target] of this.#targets) this.#leave(name, target);
    await Promise.all(this.#leaving);
  }

  #tick(): void {
    if (this.#closed) return;
    const now = this.#deps.clock.monotonicMs();
    let gaveUp: string | undefined;
    for (const [name, target] of this.#targets) {
      if (target.session?.ready === true) target.readySinceMs = now;
      else if (now - target.readySinceMs >= this.#options.giveUpAfterMs) {
        this.#deps.log.warn('gave up a proxy', { proxy: name, afterMs: this.#options.giveUpAfterMs });
        this.#leave(name, target);
        gaveUp = name;
        break; // at most one a tick
      }
    }
    this.#fill(now, gaveUp);
    this.#cancelTick = this.#deps.clock.after(randomInt(TICK_MS.from, TICK_MS.to + 1), () => this.#tick());
  }

  /** @param last taken only if there is no other: it was just given up */
  #fill(now: number, last: string | undefined): void {
    const free = this.#candidates.filter((endpoint) => !this.#targets.has(nameOf(endpoint)));
    const worst = free.findIndex((endpoint) => nameOf(endpoint) === last);
    if (worst >= 0 && free.length > 1) free.splice(worst, 1);
    while (this.#targets.size < this.#options.count && free.length > 0) {
      const [endpoint] = free.splice(randomInt(free.length), 1);
      if (endpoint !== undefined) this.#targets.set(nameOf(endpoint), this.#join(endpoint, now));
    }
  }

  #join(endpoint: Endpoint, now: number): OwnTarget {
    const { clock, log, onChange, sessionFor, transport } = this.#deps;
    const latest: { session: Session | undefined } = { session: undefined };
    const kept = keepConnected(
      {
        ...endpoint,
        security: this.#options.security,
        handlersFor: (connection) => {
          latest.session = sessionFor(connection);
          return latest.session;
        },
      },
      async (connection, signal) => {
        const session = latest.session;
        if (session?.connection !== connection) throw new TypeError('a connection without its session');
        await session.open();
        target.session = session;
        target.readySinceMs = clock.monotonicMs();
        onChange();
        signal.addEventListener('abort', onChange, { once: true });
      },
      { clock, log: log.child({ proxy: nameOf(endpoint) }), ...transport },
    );
    const target: OwnTarget = { endpoint, kept, session: undefined, readySinceMs: now };
    return target;
  }

  #leave(name: string, target: OwnTarget): void {
    this.#targets.delete(name);
    const closing = target.kept.close();
    this.#leaving.add(closing);
    void closing.finally(() => this.#leaving.delete(closing));
  }
}

export function nameOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

function messageOf(error: unknown): string {
  if (error === undefined) return 'connecting';
  return error instanceof Error ? error.message : String(error);
}
