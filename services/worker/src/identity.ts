/** Who a worker is to proxies: what it says about itself, and how it proves and checks. */
import type { Clock } from '@bombyx/base';
import { anyPolicy, type ConnectSecurity, createIdentity, fakeTdxPolicy } from '@bombyx/transport';
import type { WorkerConfig } from './config.ts';
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

/** Makes a certificate, unless a router does that for this worker. */
export async function securityOf(config: WorkerConfig, clock: Clock): Promise<ConnectSecurity> {
  if (config.connect_to_proxy_via) return { kind: 'router', via: config.connect_to_proxy_via };
  return {
    kind: 'tls',
    identity: await createIdentity({ attestation: config.attestation, clock }),
    policy: config.proxy_policy === 'any' ? anyPolicy() : fakeTdxPolicy(),
    pow: { maxDifficulty: config.max_pow_difficulty },
  };
}
