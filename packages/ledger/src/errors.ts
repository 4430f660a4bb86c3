import { BombyxError } from '@bombyx/base';

export type LedgerErrorCode =
  /** A claimed number is not a whole number in its range. */
  | 'LEDGER_RANGE'
  /** This request id holds tokens already. */
  | 'LEDGER_DUPLICATE_REQUEST'
  /** No record of this client or worker. */
  | 'LEDGER_UNKNOWN_PARTY'
  /** No books of this proxy contract. */
  | 'LEDGER_UNKNOWN_INSTANCE'
  /** The chain shows more tokens than we ever counted: our records are older than the chain. */
  | 'LEDGER_ROLLBACK'
  /** A write or commit number went backwards. */
  | 'LEDGER_SEQUENCE';

/** The books cannot take this. Nothing was changed. */
export class LedgerError extends BombyxError<LedgerErrorCode> {}
