/** Who a client is in TLS, and what it asks of proxies. */
import type { Failure } from '@bombyx/attest';
import type { Clock } from '@bombyx/base';
import type { RootConfig } from '@bombyx/ton';
import {
  anyPolicy,
  type ConnectSecurity,
  createIdentity,
  fakeTdxPolicy,
  type PeerIdentity,
  type PeerPolicy,
  standingFaults,
  type TlsIdentity,
} from '@bombyx/transport';
import type { ClientConfig } from './config.ts';
import { ClientError } from './errors.ts';

export interface ClientSecurity {
  readonly identity: TlsIdentity;
  readonly proxies: PeerPolicy;
}

/**
 * @param given needed for every attestation and policy but `none`, `any` and `fake_tdx`, unless a router does it all
 * @throws {ClientError} `CLIENT_CONFIG` without it
 */
export async function securityOf(
  config: ClientConfig,
  given: ClientSecurity | undefined,
  clock: Clock,
): Promise<ConnectSecurity> {
  if (config.connect_to_proxy_via !== undefined) return { kind: 'router', via: config.connect_to_proxy_via };
  const { identity, proxies } = given ?? (await plainSecurity(config, clock));
  return { kind: 'tls', identity, policy: proxies, pow: { maxDifficulty: config.max_pow_difficulty } };
}

async function plainSecurity(config: ClientConfig, clock: Clock): Promise<ClientSecurity> {
  const { attestation, proxy_policy: policy } = config;
  if (attestation !== 'none' && attestation !== 'fake_tdx') {
    throw new ClientError('CLIENT_CONFIG', `nobody was given to make evidence of the kind ${attestation}`);
  }
  if (policy !== 'any' && policy !== 'fake_tdx') {
    throw new ClientError('CLIENT_CONFIG', `nobody was given to judge by the policy ${policy}`);
  }
  const identity = await createIdentity({ attestation, clock });
  return { identity, proxies: policy === 'any' ? anyPolicy() : fakeTdxPolicy() };
}

/** Whether proxies are held to the list of the root contract. */
export function checksHashes(config: ClientConfig): boolean {
  return config.check_proxy_hashes || !config.is_test;
}

/** Gives a policy the lists of the root contract, where this network goes by them. */
export function adopt(policy: PeerPolicy | undefined, config: ClientConfig, root: RootConfig): void {
  const { proxyHashes: images, modelHashes: models } = root;
  policy?.adopt?.(checksHashes(config) ? { images, models } : { images: 'any', models: 'any' });
}

/** What there is now against a proxy that was admitted before. */
export function faultsOf(
  peer: PeerIdentity,
  policy: PeerPolicy | undefined,
  config: ClientConfig,
  root: RootConfig,
): readonly Failure[] {
  return standingFaults(peer, 'proxy', policy, checksHashes(config) ? root.proxyHashes : 'any');
}
