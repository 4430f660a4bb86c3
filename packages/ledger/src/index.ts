export {
  Accounts,
  type ClientView,
  type Funding,
  type HoldVerdict,
  type WorkerView,
} from './accounts.ts';
export { Books, type BooksOptions, type BooksState, type Commit } from './books.ts';
export { LedgerError, type LedgerErrorCode } from './errors.ts';
export {
  type ChargedTokens,
  type ClientContract,
  type ContractState,
  type LedgerEvent,
  type RetirePhase,
  readEvents,
  type Terms,
  type WorkerContract,
  writeEvents,
} from './events.ts';
export { type Cursor, type Difference, Instance, type InstanceState } from './instance.ts';
export { CommitLog, type Levels, Total } from './levels.ts';
export {
  adjustedTokens,
  type Multipliers,
  NO_TOKENS,
  reservation,
  type TokensUsed,
  type Usage,
  usageToTokens,
} from './price.ts';
export { UsageScanner } from './usage-scanner.ts';
