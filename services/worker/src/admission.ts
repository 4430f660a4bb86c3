/** Which proxies the network admits at the moment. */
import type { Failure } from '@bombyx/attest';
import type { RootConfig } from '@bombyx/ton';
import type { PeerIdentity, PeerPolicy } from '@bombyx/transport';
import type { WorkerConfig } from './config.ts';
import { checksHashes } from './standing.ts';

/** Gives a policy the lists of the root contract, where this network goes by them. */
export function adopt(policy: PeerPolicy | undefined, config: WorkerConfig, root: RootConfig): void {
  const { proxyHashes: images, modelHashes: models } = root;
  policy?.adopt?.(checksHashes(config) ? { images, models } : { images: 'any', models: 'any' });
}

/** What there is now against a proxy that was admitted before. */
export function faultsOf(
  { imageHash, attested }: PeerIdentity,
  policy: PeerPolicy | undefined,
  config: WorkerConfig,
  root: RootConfig,
): readonly Failure[] {
  const faults = attested ? [...(policy?.reconsider?.(attested, 'proxy') ?? [])] : [];
  if (checksHashes(config) && !root.proxyHashes.some((listed) => listed.equals(imageHash))) {
    const message = `the root contract lists the image ${imageHash.toString('hex')} no more`;
    faults.push({ code: 'ROOT_IMAGE', message });
  }
  return faults;
}
