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
  ProxyProof,
  RequestTimeouts,
  RunningRequest,
  ShownProof,
  TokensUsed,
  WorkerProof,
} from './api.ts';
export type { CostDiary } from './bill.ts';
export { createClient } from './client.ts';
export type { ClientConfig } from './config.ts';
export { parseClientConfig } from './config.ts';
export type { ClientErrorCode } from './errors.ts';
export { ClientError } from './errors.ts';
export type { ClientSecurity } from './security.ts';
export { EVIDENCE_HEADER, MODEL_HASH_HEADER, TIER_HEADER, type Tier } from './tier.ts';
