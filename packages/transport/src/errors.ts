import type { Failure } from '@bombyx/attest';
import { BombyxError } from '@bombyx/base';

/**
 * - `TRANSPORT_TIMEOUT`: a step, a query or the peer itself was silent for too long
 * - `TRANSPORT_CLOSED`: the connection ended, by us or by the peer
 * - `TRANSPORT_CONNECT`: no TCP connection came about
 * - `TRANSPORT_POW`: puzzle malformed, too hard, or answered wrongly
 * - `TRANSPORT_TLS`: the TLS handshake failed
 * - `TRANSPORT_PEER_REFUSED`: the peer's certificate or evidence did not pass, or does not pass any more; a
 *   {@link PeerRefusedError} with every failed check
 * - `TRANSPORT_REFUSED_BY_PEER`: the peer did not accept ours, and said why
 * - `TRANSPORT_EVIDENCE`: our own evidence could not be made
 * - `TRANSPORT_PROTOCOL`: the peer broke framing or packet rules
 * - `TRANSPORT_LIMIT`: a bound of ours was reached
 * - `TRANSPORT_TOO_LARGE`: our own message does not fit into a packet
 * - `TRANSPORT_SOCKS`: the router's SOCKS5 entry refused or broke its protocol
 */
export type TransportErrorCode =
  | 'TRANSPORT_TIMEOUT'
  | 'TRANSPORT_CLOSED'
  | 'TRANSPORT_CONNECT'
  | 'TRANSPORT_POW'
  | 'TRANSPORT_TLS'
  | 'TRANSPORT_PEER_REFUSED'
  | 'TRANSPORT_REFUSED_BY_PEER'
  | 'TRANSPORT_EVIDENCE'
  | 'TRANSPORT_PROTOCOL'
  | 'TRANSPORT_LIMIT'
  | 'TRANSPORT_TOO_LARGE'
  | 'TRANSPORT_SOCKS';

/** The road between two parts failed. A closed connection is never reused; connecting again is up to the caller. */
export class TransportError extends BombyxError<TransportErrorCode> {}

/** A peer that may not be talked to. The message names every failed check, with what to do where that is known. */
export class PeerRefusedError extends TransportError {
  readonly failures: readonly Failure[];
  /** What the peer may hear: every failed check, without what to do about it. */
  readonly reason: string;

  /** @param what stands before the reasons: `the peer was refused under policy tdx` */
  constructor(what: string, failures: readonly Failure[], options?: ErrorOptions) {
    super('TRANSPORT_PEER_REFUSED', `${what}: ${failures.map(sentence).join('; ')}`, {}, options);
    this.failures = failures;
    this.reason = `${what}: ${failures.map(({ code, message }) => `${code}: ${message}`).join('; ')}`;
  }
}

function sentence({ code, message, fix }: Failure): string {
  return fix === undefined ? `${code}: ${message}` : `${code}: ${message} (what to do: ${fix})`;
}

export function tooMany(what: string, limit: number): TransportError {
  return new TransportError('TRANSPORT_LIMIT', `too many ${what} are waiting`, { limit });
}

/** `value` as a TransportError: itself, or wrapped under `code` with the original as cause. */
export function asTransportError(value: unknown, code: TransportErrorCode, message: string): TransportError {
  if (value instanceof TransportError) return value;
  const reason = value instanceof Error ? value.message : String(value);
  return new TransportError(code, `${message}: ${reason}`, {}, { cause: value });
}

/**
 * A query was refused: `tcp.queryError` as received, or what a query handler throws to send one.
 * Codes are those of COCOON: 0 unspecified, 602 refused, 621 invalid, 651 not ready, 652 timeout.
 */
export class QueryError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'QueryError';
    this.code = code;
  }
}
