import { BombyxError } from '@bombyx/base';

export type WalletErrorCode =
  /** Too few coins: for the wallet to take an order at all, or for this one. `detail`: balance and needed, nanoTON. */
  | 'WALLET_BALANCE'
  /** The owner has blocked the wallet; he unblocks it with the text `u`. */
  | 'WALLET_BLOCKED'
  /** There is no contract at the address, and no code was given to deploy it. */
  | 'WALLET_ABSENT'
  /** The account is not an operating wallet, or one with another key or subwallet. */
  | 'WALLET_FOREIGN'
  /** As many orders wait as the queue holds. */
  | 'WALLET_FULL'
  /** The chain took the order and could not carry it out: a receiver that cannot be, or coins that went meanwhile. */
  | 'WALLET_FAILED'
  /** The sender was closed. An order that was handed in may still land. */
  | 'WALLET_CLOSED';

/** The operating wallet cannot do what it was told. */
export class WalletError extends BombyxError<WalletErrorCode> {}
