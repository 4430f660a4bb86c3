export {
  Accounts,
  type ChangedTotals,
  type ClientView,
  type Funding,
  type HoldVerdict,
  type Settlement,
  type WorkerView,
} from './accounts.ts';
export { Books, type BooksState, type Commit } from './books.ts';
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
export { type Levels, Total, WriteLog } from './levels.ts';
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
