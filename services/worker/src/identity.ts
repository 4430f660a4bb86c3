/** Who a worker is to proxies: what it says about itself, and how it proves and checks. */
import type { Clock } from '@bombyx/base';
import {
  anyPolicy,
  type ConnectSecurity,
  createIdentity,
  fakeTdxPolicy,
  type PeerPolicy,
  type TlsIdentity,
} from '@bombyx/transport';
import type { WorkerConfig } from './config.ts';
import { WorkerError } from './errors.ts';
import type { WorkerIdentity } from './handshake.ts';
import { checksHashes } from './standing.ts';

export function identityOf(config: WorkerConfig): WorkerIdentity {
  return {
    owner: config.owner_address,
    rootAddress: config.root_contract_address,
    model: config.model_name,
    isTest: config.is_test,
    isTestnet: config.is_testnet,
    proxyCount: Math.max(1, config.proxy_connections),
    maxActiveRequests: config.max_active_requests,
    checkProxyHashes: checksHashes(config),
    timeoutMs: config.handshake_timeout_ms,
  };
}

/** Who this worker is in TLS, and what it asks of proxies. */
export interface WorkerSecurity {
  readonly identity: TlsIdentity;
  readonly proxies: PeerPolicy;
}

/**
 * @param given needed for every attestation and policy but `none`, `any` and `fake_tdx`, unless a router does it all
 * @throws {WorkerError} `WORKER_CONFIG` without it
 */
export async function securityOf(
  config: WorkerConfig,
  given: WorkerSecurity | undefined,
  clock: Clock,
): Promise<ConnectSecurity> {
  if (config.connect_to_proxy_via) return { kind: 'router', via: config.connect_to_proxy_via };
  const { identity, proxies } = given ?? (await plainSecurity(config, clock));
  return { kind: 'tls', identity, policy: proxies, pow: { maxDifficulty: config.max_pow_difficulty } };
}

async function plainSecurity(config: WorkerConfig, clock: Clock): Promise<WorkerSecurity> {
  const { attestation, proxy_policy: policy } = config;
  if (attestation !== 'none' && attestation !== 'fake_tdx') {
    throw new WorkerError('WORKER_CONFIG', `nobody was given to make evidence of the kind ${attestation}`);
  }
  if (policy !== 'any' && policy !== 'fake_tdx') {
    throw new WorkerError('WORKER_CONFIG', `nobody was given to judge by the policy ${policy}`);
  }
  const identity = await createIdentity({ attestation, clock });
  return { identity, proxies: policy === 'any' ? anyPolicy() : fakeTdxPolicy() };
}
