export { Bookkeeper, type BookkeeperOptions } from './bookkeeper.ts';
export { type ProxyConfig, parseProxyConfig } from './config.ts';
export { CocoonCode, type Failure, type FailureReason, ProxyError, type ProxyErrorCode } from './errors.ts';
export { type ContractReport, checkLedger, type Disagreement, type LedgerReport } from './ledger-check.ts';
export { CLIENT_PROTOCOL_VERSION, defaultLimits, type ProxyLimits, WORKER_PROTOCOL_VERSION } from './limits.ts';
export { BOOKS_FILE, type Proxy, type ProxyDeps, type ProxySecurity, startProxy } from './proxy.ts';
export { type Ask, type Choice, type Explanation, explain, select, type WorkerView } from './select.ts';
export type { ProxySnapshot } from './snapshot.ts';
