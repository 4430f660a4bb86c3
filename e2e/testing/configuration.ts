/** Configuration files of the parts and the root contract they share, with keys and addresses drawn anew. */
import { randomBytes } from 'node:crypto';
import { Address, formatAddress, type RootConfig, readFakeRoot } from '@bombyx/ton';
import contracts from '../../apps/cli/templates/reference-contracts.json' with { type: 'json' };
import type { Cable } from './cable.ts';

export type ConfigFile = Readonly<Record<string, unknown>>;

export function anyAddress(): string {
  return formatAddress(new Address(0, randomBytes(32)), { testnet: true });
}

const anyKey = () => randomBytes(32).toString('base64');
const rootOwner = anyAddress();

/** The root contract as one part sees it: with its own cables in place of the proxies' two ports. */
export function rootWith(cables: readonly Pick<Cable, 'port'>[]): RootConfig {
  const address = ({ port }: Pick<Cable, 'port'>) => `127.0.0.1:${port} 127.0.0.1:${port}`;
  return readFakeRoot({
    root_owner_address: rootOwner,
    registered_proxies: cables.map((cable, at) => ({ seqno: at + 1, address: address(cable) })),
    last_proxy_seqno: cables.length,
    version: 1,
    params_version: 1,
    price_per_token: 2,
    worker_fee_per_token: 1,
    ...contracts,
  });
}

const common = (rootAddress: string) => ({
  is_test: true,
  is_testnet: true,
  root_contract_address: rootAddress,
  owner_address: anyAddress(),
});

/** On free ports, with its database in `folder`. */
export function proxyFile(rootAddress: string, folder: string): ConfigFile {
  return {
    ...common(rootAddress),
    machine_specific_private_key: anyKey(),
    attestation: 'fake_tdx',
    db_path: folder,
    pow_difficulty: 1,
  };
}

export function workerFile(
  rootAddress: string,
  {
    model,
    coefficient,
    proxies,
    backendPort,
  }: { model: string; coefficient: number; proxies: number; backendPort: number },
): ConfigFile {
  return {
    ...common(rootAddress),
    node_wallet_key: anyKey(),
    model_name: model,
    coefficient,
    proxy_policy: 'fake_tdx',
    proxy_connections: proxies,
    forward_requests_to: `127.0.0.1:${backendPort}`,
    shutdown_grace_ms: 0,
  };
}

export function clientFile(rootAddress: string, proxies: number): ConfigFile {
  return { ...common(rootAddress), node_wallet_key: anyKey(), proxy_policy: 'fake_tdx', proxy_connections: proxies };
}
