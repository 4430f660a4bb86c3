/** What `/jsonstats` shows: the members of the C++ worker by their names, then ours. */
import { formatAddress, type RootConfig } from '@bombyx/ton';
import type { WorkerConfig } from './config.ts';
import { type Fleet, nameOf } from './fleet.ts';
import type { PaymentMemory } from './memory.ts';
import type { JobStats } from './stats.ts';

export interface WorkerSnapshot {
  readonly status: {
    readonly wallet_balance: number;
    readonly actual_image_hash: boolean;
    readonly actual_model: boolean;
    readonly ton_last_synced_at: number;
    /** Not switched off by hand and the inference server is up. */
    readonly enabled: boolean;
    readonly git_commit: string;
    readonly git_commit_data: string;
  };
  readonly stats: JobStats;
  readonly localconfig: {
    readonly root_address: string;
    readonly owner_address: string;
    readonly model: string;
    readonly coefficient: number;
    readonly check_proxy_hash: boolean;
  };
  readonly root_contract_config: Readonly<Record<string, unknown>>;
  readonly proxies: readonly {
    readonly sc_inited: boolean;
    readonly proxy_sc_address: string;
    readonly proxy_public_key: string;
    readonly sc_address: string;
    /** Adjusted tokens; numbers as in the C++ worker, so exact up to 2^53. */
    readonly earned_tokens_committed_to_blockchain: number;
    readonly earned_tokens_committed_to_proxy_db: number;
    readonly earned_tokens_max_known: number;
    readonly cached_out_tokens: number;
    readonly expected_cached_out_tokens: number;
    readonly running_request: boolean;
    readonly params_version: number;
  }[];
  readonly uplink: { readonly good: boolean; readonly last_status: string };
  readonly switched_on: boolean;
  readonly jobs: {
    readonly active: number;
    readonly max_active: number;
    readonly errors: Readonly<Record<string, number>>;
  };
  readonly connections: readonly {
    readonly address: string;
    readonly is_ready: boolean;
    readonly proxy_sc_address: string;
    readonly proto_version: number;
    readonly running: number;
    readonly last_error: string;
  }[];
}

export function describeProxies(
  memory: PaymentMemory,
  root: RootConfig,
  config: WorkerConfig,
): WorkerSnapshot['proxies'] {
  const network = { testnet: config.is_testnet };
  return memory.accounts.map(({ keys, totals }) => ({
    sc_inited: true,
    proxy_sc_address: formatAddress(keys.proxyContract, network),
    proxy_public_key: keys.proxyPublicKey.toString('hex').toUpperCase(),
    sc_address: formatAddress(keys.workerContract, network),
    earned_tokens_committed_to_blockchain: Number(totals.signed),
    earned_tokens_committed_to_proxy_db: Number(totals.db),
    earned_tokens_max_known: Number(totals.max),
    cached_out_tokens: 0,
    expected_cached_out_tokens: 0,
    running_request: false,
    params_version: root.paramsVersion,
  }));
}

export function describeConnections(fleet: Fleet): WorkerSnapshot['connections'] {
  return fleet.targets.map(({ endpoint, session, lastError }) => ({
    address: nameOf(endpoint),
    is_ready: session?.ready === true,
    proxy_sc_address: session?.agreed?.proxyContract ?? '',
    proto_version: session?.agreed?.version ?? 0,
    running: session?.activeJobs ?? 0,
    last_error: lastError,
  }));
}
