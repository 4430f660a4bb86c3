export type { Worker, WorkerDeps, WorkerEvents } from './api.ts';
export { parseWorkerConfig, type WorkerConfig } from './config.ts';
export { WorkerError, type WorkerErrorCode } from './errors.ts';
export type { WorkerSnapshot } from './snapshot.ts';
export type { JobStats } from './stats.ts';
export { startWorker } from './worker.ts';
