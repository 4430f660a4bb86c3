import { BombyxError } from '@bombyx/base';

export type ChainErrorCode =
  /** No endpoint could be asked: refused, cut off, or too slow. Try again later. */
  | 'CHAIN_UNREACHABLE'
  /** Every endpoint wants fewer requests. Wait, or configure a key. */
  | 'CHAIN_RATE_LIMITED'
  /** An endpoint does not take the configured key. */
  | 'CHAIN_ACCESS'
  /** The chain, or what an endpoint shows of it, is older than what was known before. */
  | 'CHAIN_STALE'
  /** An answer is not what the API promises, or its hashes do not fit: a wrong address, a captive portal, or a liar. */
  | 'CHAIN_RESPONSE'
  /** Endpoints of a quorum tell different things. */
  | 'CHAIN_DISAGREEMENT'
  /** Data of another network than the configured one. */
  | 'CHAIN_NETWORK'
  /** Block time is too far from the clock of this machine: one of the two is wrong. */
  | 'CHAIN_CLOCK'
  /** An external message was not accepted by its receiver. It says nothing about the same message handed in before. */
  | 'CHAIN_REFUSED'
  /** A bound of ours was reached: more history, or a larger message, than we are ready to hold. */
  | 'CHAIN_LIMIT'
  /** The chain was closed by its owner. */
  | 'CHAIN_CLOSED';

/** The chain cannot be asked, or cannot be believed. */
export class ChainError extends BombyxError<ChainErrorCode> {}
