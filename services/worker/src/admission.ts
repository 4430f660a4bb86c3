/** Which proxies the network admits at the moment. */
import type { Failure } from '@bombyx/attest';
import type { RootConfig } from '@bombyx/ton';
import { type PeerIdentity, type PeerPolicy, standingFaults } from '@bombyx/transport';
import type { WorkerConfig } from './config.ts';
import { checksHashes } from './standing.ts';

/** Gives a policy the lists of the root contract, where this network goes by them. */
export function adopt(policy: PeerPolicy | undefined, config: WorkerConfig, root: RootConfig): void {
  const { proxyHashes: images, modelHashes: models } = root;
  policy?.adopt?.(checksHashes(config) ? { images, models } : { images: 'any', models: 'any' });
}

/** What there is now against a proxy that was admitted before. */
export function faultsOf(
  peer: PeerIdentity,
  policy: PeerPolicy | undefined,
  config: WorkerConfig,
  root: RootConfig,
): readonly Failure[] {
  return standingFaults(peer, 'proxy', policy, checksHashes(config) ? root.proxyHashes : 'any');
}
