export { type DevnetConfig, parseDevnetConfig } from './config.ts';
export { type Devnet, type DevnetDeps, openDevnet } from './devnet.ts';
export { EmbeddedChain } from './embedded-chain.ts';
export { DevnetError, type DevnetErrorCode } from './errors.ts';
export { Faucet, type FaucetReport } from './faucet.ts';
export { Ledger, type LedgerDeps, type LedgerOptions } from './ledger.ts';
export { Machine } from './machine.ts';
export { type Audit, type Block, Records, type StoredTransaction } from './records.ts';
export { Store } from './store.ts';
