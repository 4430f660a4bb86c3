import { BombyxError } from '@bombyx/base';

export type RootErrorCode =
  /** No contract at the configured address. */
  | 'ROOT_ABSENT'
  /** The root is for test networks and this node is not, or the other way round. */
  | 'ROOT_TEST_FLAG'
  /** Parameters older than those known before: another contract, or a chain that was rolled back. */
  | 'ROOT_ROLLBACK'
  /** Not read for longer than a node may go without. */
  | 'ROOT_STALE'
  | 'ROOT_CLOSED';

/** The root configuration must not be used. */
export class RootError extends BombyxError<RootErrorCode> {}
