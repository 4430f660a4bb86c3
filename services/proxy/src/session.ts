/** What the sessions of both ports share: what they need, how they refuse, which version they speak. */
import type { Clock, Logger } from '@bombyx/base';
import type { RootConfig } from '@bombyx/ton';
import { type Connection, QueryError } from '@bombyx/transport';
import type { Tl } from '@bombyx/wire';
import type { Dispatcher } from './dispatch.ts';
import { CocoonCode } from './errors.ts';
import { PROTOCOL_VERSION, type ProxyLimits } from './limits.ts';
import type { Parties } from './parties.ts';
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
  readonly contract: string;
  readonly root: RootConfig;
  /** Whether new connections and requests are taken. */
  enabled: boolean;
}

export interface SessionDeps {
  readonly self: Self;
  readonly limits: ProxyLimits;
  readonly parties: Parties;
  readonly pool: WorkerPool;
  readonly dispatcher: Dispatcher;
  readonly registrations: Registrations;
  /** What is known of a client's secret and registration. */
  readonly credentials: Credentials;
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

/** The version both sides speak, or undefined when there is none. Source: proxy.md §4 of the reference. */
export function chooseVersion(flags: number, min: number | undefined, max: number | undefined): number | undefined {
  const [from, to] = flags & 2 ? [min ?? 0, max ?? 0] : [0, 0];
  const chosen = Math.min(to, PROTOCOL_VERSION);
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

/** Answers the query under way with an error and closes the connection behind it. */
export function refuseAndClose(connection: Connection, code: number, text: string): QueryError {
  setImmediate(() => connection.close(text));
  return new QueryError(code, text);
}

export const { error: REFUSED, protocol: INVALID, notReady: NOT_READY } = CocoonCode;
