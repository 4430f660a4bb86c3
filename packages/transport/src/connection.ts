/** What services see of a connection. */
import type { Attestation, AttestedPeer } from '@bombyx/attest';
import type { TlFunction, TlObject } from '@bombyx/wire';
import type { Proof } from './attested.ts';
import type { TransportError } from './errors.ts';
import type { QueryOptions } from './queries.ts';

export type { QueryOptions };

/** Who is on the other side, as far as TLS or the router showed it. */
export interface PeerIdentity {
  /** 32 bytes of Ed25519. */
  readonly publicKey: Buffer | undefined;
  /** 32 bytes, zeros if the peer is not attested: what the root contract lists. */
  readonly imageHash: Buffer;
  readonly attestation: Attestation;
  readonly address: string;
  readonly port: number;
  /** What the verdict found, and on what it was given; absent behind a router, whose word is all there is. */
  readonly attested?: AttestedPeer | undefined;
  readonly proof?: Proof | undefined;
}

export interface ConnectionHandlers {
  /**
   * A one-way message. A promise pauses reading until it settles, so it must not wait for an answer that comes over the
   * same connection. Throwing ends the connection. Buffers inside may be views: copy what is kept for long.
   */
  onMessage(message: TlObject): void | Promise<void>;
  /**
   * A query; any number of them may be in work at once, up to a limit above which the peer is refused.
   * @throws {QueryError} becomes a `tcp.queryError`; anything else one with code 0 and no details
   */
  onQuery(fn: TlFunction): Promise<TlObject>;
}

/** One packet connection that is ready for messages, until {@link Connection.signal} aborts. */
export interface Connection {
  /** For logs. */
  readonly id: string;
  /** As it was judged last. */
  readonly peer: PeerIdentity;
  /** Aborted with a TransportError when the connection ends. */
  readonly signal: AbortSignal;
  /** Written and not yet accepted by the kernel. */
  readonly bufferedBytes: number;
  /**
   * Sends a one-way message; what is sent in one tick leaves in one write. On a connection that has ended it is dropped.
   * @returns true while more may be sent at once; false: wait for {@link drained}
   * @throws {TransportError} `TRANSPORT_TOO_LARGE`: nothing was sent, the connection goes on
   */
  send(message: TlObject): boolean;
  /** Resolves when little is left to write. @throws {TransportError} when the connection ends */
  drained(): Promise<void>;
  /**
   * @throws {QueryError} the peer refused
   * @throws {TransportError} `TRANSPORT_TIMEOUT`, `TRANSPORT_LIMIT`, `TRANSPORT_TOO_LARGE`, or why the connection ended
   */
  query(fn: TlFunction, options: QueryOptions): Promise<TlObject>;
  /** Writes what was sent, then closes. Idempotent. @param reason an error becomes the reason of {@link signal} */
  close(reason?: string | TransportError): void;
}
