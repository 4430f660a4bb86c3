import { formatAddress } from './address.ts';
import type { RootConfig } from './root-config.ts';

/** The member `root_contract_config` of every program's `/jsonstats`, JSON-safe. Source: client.md §7 of the reference. */
export function rootReport(root: RootConfig, testnet: boolean): Record<string, unknown> {
  const { multipliers } = root;
  return {
    owner_address: formatAddress(root.ownerAddress, { testnet }),
    proxy_hashes: root.proxyHashes.map(hex),
    registered_proxies: root.registeredProxies.map(({ seqno, clients, workers }) => ({
      seqno,
      address_for_clients: `[${clients.host}:${clients.port}]`,
      address_for_workers: `[${workers.host}:${workers.port}]`,
    })),
    last_proxy_seqno: root.lastProxySeqno,
    worker_hashes: root.workerHashes.map(hex),
    model_hashes: root.modelHashes.map(hex),
    version: root.version,
    struct_version: root.structVersion,
    params_version: root.paramsVersion,
    unique_id: root.uniqueId,
    is_test: root.isTest,
    price_per_token: Number(root.pricePerToken),
    worker_fee_per_token: Number(root.workerFeePerToken),
    prompt_tokens_price_multiplier: multipliers.prompt,
    cached_tokens_price_multiplier: multipliers.cached,
    completion_tokens_price_multiplier: multipliers.completion,
    reasoning_tokens_price_multiplier: multipliers.reasoning,
    proxy_delay_before_close: root.proxyDelayBeforeCloseSec,
    client_delay_before_close: root.clientDelayBeforeCloseSec,
    proxy_min_stake: Number(root.minProxyStake),
    client_min_stake: Number(root.minClientStake),
    proxy_code_hash: hex(root.proxyCode.hash()),
    worker_code_hash: hex(root.workerCode.hash()),
    client_code_hash: hex(root.clientCode.hash()),
  };
}

const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase();
