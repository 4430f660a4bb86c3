/** Under which root configuration a worker may serve. */
import { createHash } from 'node:crypto';
import type { RootConfig, RootSource } from '@bombyx/ton';
import type { WorkerConfig } from './config.ts';

/** Whether proxies and this worker itself are held to the hash lists of the root contract. */
export function checksHashes(config: WorkerConfig): boolean {
  return config.check_proxy_hashes || !config.is_test;
}

export function imageIsListed(config: WorkerConfig, root: RootConfig): boolean {
  return config.image_hash === undefined || lists(root.workerHashes, config.image_hash);
}

export function modelIsListed(config: WorkerConfig, root: RootConfig): boolean {
  return lists(root.modelHashes, createHash('sha256').update(config.model_name).digest());
}

/**
 * @returns what forbids this worker to serve under `root`; undefined when nothing does. Lists that nobody confirms allow
 *   nobody; prices may be old for longer, for what is earned is what the proxy signs
 */
export function whyNotAllowed(config: WorkerConfig, { failure, current: root }: RootSource): string | undefined {
  if (failure !== undefined) return failure.message;
  if (config.is_test !== root.isTest) {
    return `"is_test" is ${config.is_test}, but the root contract is ${root.isTest ? '' : 'not '}a test network's`;
  }
  if (!checksHashes(config)) return undefined;
  if (config.image_hash === undefined || !imageIsListed(config, root)) {
    return '"image_hash" is not among the worker hashes of the root contract';
  }
  return modelIsListed(config, root) ? undefined : '"model_name" is not among the models of the root contract';
}

function lists(hashes: readonly Buffer[], wanted: Buffer): boolean {
  return hashes.some((hash) => hash.equals(wanted));
}
