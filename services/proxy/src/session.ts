/** What the sessions of both ports share: their life, what they need, how they refuse, which version they speak. */
import type { Clock, Logger } from '@bombyx/base';
import { type RootConfig, TonError } from '@bombyx/ton';
import { type Connection, type ConnectionHandlers, type PeerPolicy, QueryError } from '@bombyx/transport';
import type { Tl, TlFunction, TlObject } from '@bombyx/wire';
import type { Dispatcher } from './dispatch.ts';
import { CocoonCode } from './errors.ts';
import type { ProxyLimits } from './limits.ts';
import type { Parties, Party } from './parties.ts';
import type { Registrations } from './registrations.ts';
import type { WorkerPool } from './worker-pool.ts';

/** The proxy as its peers see it. */
export interface Self {
  readonly isTest: boolean;
  readonly checkWorkerHashes: boolean;
  /** 32 bytes: signs payments, names the proxy. */
  readonly publicKey: Buffer;
  /** Addresses in the form C++ peers compare. */
  readonly owner: string;
  contract: string;
  root: RootConfig;
  /** Whether new connections and requests are taken. */
  enabled: boolean;
  /** Why the last worker that tried was not let in, until one is ready. */
  refusedWorker: string | undefined;
}

/** Prices and lists of the moment. */
export type Rules = Readonly<Pick<Self, 'root'>> & { readonly refusedWorker?: string | undefined };

export interface SessionDeps {
  readonly self: Self;
  readonly limits: ProxyLimits;
  readonly parties: Parties;
  readonly pool: WorkerPool;
  readonly dispatcher: Dispatcher;
  /** What workers prove themselves by; absent behind a router. */
  readonly workerPolicy?: PeerPolicy | undefined;
  readonly registrations: Registrations;
  /** What is known of a client's secret and registration. */
  readonly credentials: Credentials;
  /** All connections that are open. */
  readonly sessions: Set<Session>;
  /** Called for a model name that was not known before. */
  readonly modelSeen: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How clients prove who they are. */
export interface Credentials {
  /** SHA-256 of the client's secret; undefined for a client that never registered. */
  secretHash(owner: string): Buffer | undefined;
  /**
   * Whether a client may say who it is without any proof. Only in networks without TON, where nobody's coins are at
   * stake: everybody has the empty secret there.
   */
  readonly open: boolean;
}

export const { error: REFUSED, protocol: INVALID, notReady: NOT_READY } = CocoonCode;

export const NOT_PARTICIPATING = 'proxy is not participating in this iteration';

/** One connection of a port: a handshake under a deadline, then its business, until it is refused or ends. */
export abstract class Session implements ConnectionHandlers {
  protected readonly connection: Connection;
  protected readonly deps: SessionDeps;
  protected abstract readonly peer: 'client' | 'worker';
  #party: Party | undefined;

  constructor(connection: Connection, deps: SessionDeps) {
    this.connection = connection;
    this.deps = deps;
    deps.sessions.add(this);
    const late = deps.clock.after(deps.limits.handshakeMs, () => {
      if (!this.ready) connection.close('the handshake took too long');
    });
    connection.signal.addEventListener('abort', () => {
      late();
      deps.sessions.delete(this);
      this.gone();
      if (this.#party) this.#party.connections -= 1;
    });
  }

  abstract onMessage(message: TlObject): void;
  abstract onQuery(fn: TlFunction): Promise<TlObject>;

  /** Ends a connection whose contract is served no more, once nothing runs on it: the peer comes back to the new one. */
  leaveRetired(): void {
    if (!this.#party || this.#party.instance.phase === 'serving' || this.running > 0) return;
    this.connection.close('the proxy contract is served no more');
  }

  /** The lists of the network have changed, and the peer may not be admitted any more. */
  reconsider(): void {}

  /** Whether the handshake is over. */
  protected abstract get ready(): boolean;

  /** Requests under way on it. */
  protected abstract get running(): number;

  /** Gives back what the session holds. Called when it is refused and when the connection ends, so perhaps twice. */
  protected abstract gone(): void;

  /** Refuses the peer: what is returned answers the query under way, and the connection closes behind it. */
  protected refuse(code: number, text: string): QueryError {
    const { connection } = this;
    this.deps.log.debug(`a ${this.peer} was refused`, { connection: connection.id, code, text });
    this.gone();
    setImmediate(() => connection.close(text));
    return new QueryError(code, text);
  }

  /** The books of the account that the peer names as its own. @throws {QueryError} the refusal */
  protected party(owner: string): Party {
    try {
      const party = this.deps.parties[this.peer](owner);
      if (party) {
        this.#party ??= party;
        party.connections += 1;
        return party;
      }
    } catch (error) {
      if (error instanceof TonError) throw this.refuse(0, 'Failed to parse account address');
      throw error;
    }
    if (!this.deps.parties.serving) throw this.refuse(NOT_READY, NOT_PARTICIPATING);
    throw this.refuse(NOT_READY, `too many ${this.peer}s`);
  }
}

/**
 * The version both sides speak, or undefined when there is none. Source: proxy.md §4 of the reference.
 * @param highest that we speak with such a peer
 */
export function chooseVersion(
  { flags, min_proto_version: min, max_proto_version: max }: Tl<'client.params'> | Tl<'worker.params'>,
  highest: number,
): number | undefined {
  const [from, to] = flags & 2 ? [min ?? 0, max ?? 0] : [0, 0];
  const chosen = Math.min(to, highest);
  return chosen >= 0 && chosen >= from ? chosen : undefined;
}

export function proxyParams(self: Self, version: number): Tl<'proxy.params'> {
  return {
    kind: 'proxy.params',
    flags: version > 0 ? 3 : 1,
    proxy_public_key: self.publicKey,
    proxy_owner_address: self.owner,
    proxy_sc_address: self.contract,
    is_test: self.isTest,
    ...(version > 0 ? { proto_version: version } : {}),
  };
}
