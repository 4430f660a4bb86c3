import { BombyxError } from '@bombyx/base';

export type DevnetErrorCode =
  /** The configuration file has faults. */
  | 'DEVNET_CONFIG'
  /** The database cannot be opened, read or written, or another process has it. */
  | 'DEVNET_STORE'
  /** The HTTP port cannot be bound. */
  | 'DEVNET_PORT'
  /** Bytes that are no external message to an account of this chain. */
  | 'DEVNET_MESSAGE'
  /** The receiver did not accept the external message; `detail.exitCode` is the machine's, when it ran. */
  | 'DEVNET_REFUSED'
  /** As many messages wait as the inbox holds: try again after the next block. */
  | 'DEVNET_FULL'
  /** An amount the faucet does not give, or a chain without one. */
  | 'DEVNET_FAUCET'
  /** Time is moved only where the configuration allows it, and only forward. */
  | 'DEVNET_TIME'
  | 'DEVNET_CLOSED';

/** The embedded chain cannot do what it was asked. */
export class DevnetError extends BombyxError<DevnetErrorCode> {}
