export {
  Accounts,
  type ChangedTotals,
  type ClientView,
  type Funding,
  type HoldVerdict,
  type Settlement,
  type WorkerView,
} from './accounts.ts';
export { LedgerError, type LedgerErrorCode } from './errors.ts';
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
