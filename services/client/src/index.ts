export type {
  AccountFault,
  AnswerSink,
  Client,
  ClientDeps,
  ClientRequest,
  ClientSnapshot,
  FinalInfo,
  HeaderList,
  HopTimes,
  ManagementActions,
  ModelInfo,
  Payer,
  RequestTimeouts,
  RunningRequest,
  TokensUsed,
} from './api.ts';
export type { CostDiary } from './bill.ts';
export { createClient } from './client.ts';
export type { ClientConfig } from './config.ts';
export { parseClientConfig } from './config.ts';
export type { ClientErrorCode } from './errors.ts';
export { ClientError } from './errors.ts';
export { TIER_HEADER, type Tier } from './tier.ts';
