/** What `/jsonstats` shows: the members of the C++ worker by their names, then ours. */
import { formatAddress, type RootConfig, type RootSource, rootReport } from '@bombyx/ton';
import type { WorkerConfig } from './config.ts';
import { type Fleet, nameOf } from './fleet.ts';
import type { PaymentMemory } from './memory.ts';
import type { Money } from './money/money.ts';
import type { Account } from './payments.ts';
import { checksHashes, imageIsListed, modelIsListed } from './standing.ts';
import type { JobStats } from './stats.ts';

export interface WorkerSnapshot {
  readonly status: {
    /** NanoTON. */
    readonly wallet_balance: number;
    readonly actual_image_hash: boolean;
    readonly actual_model: boolean;
    /** Unix seconds; 0 without TON. */
    readonly ton_last_synced_at: number;
    /** Allowed by the root contract, not switched off by hand, and the inference server is up. */
    readonly enabled: boolean;
    /** Why nobody is worked for, and what to do, where it is because of what one side proves to the other. */
    readonly problem: string | null;
    readonly git_commit: string;
    readonly git_commit_data: string;
  };
  readonly stats: JobStats;
  /** Only with TON. Amounts in nanoTON. */
  readonly wallet?:
    | {
        readonly address: string;
        readonly balance: number;
        readonly pending_transactions_cnt: number;
        /** What to do before the next payout can be made; empty when nothing is. */
        readonly lack: string;
        /** Why the chain cannot be asked; empty while it can. */
        readonly trouble: string;
        readonly payouts: number;
        readonly payouts_failed: number;
        /** Claimed by payouts since the start. */
        readonly cashed: number;
      }
    | undefined;
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
    /** NanoTON, exact, as text: what a payout would bring now. */
    readonly due: string;
    /** Unix seconds; 0 when there was none since the start. */
    readonly last_payout_at: number;
    /** NanoTON, as text. */
    readonly last_payout_amount: string;
    /** Why the last payout failed; empty after one that went well. */
    readonly last_payout_error: string;
  }[];
  /** Why the root contract forbids this worker to serve; empty while it allows it. */
  readonly refusal: string;
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

/** What the parts say, in the words of the page. */
type Described = Pick<
  WorkerSnapshot,
  'status' | 'wallet' | 'localconfig' | 'root_contract_config' | 'proxies' | 'refusal' | 'connections'
>;

export interface DescriberDeps {
  readonly memory: PaymentMemory;
  readonly fleet: Fleet;
  readonly money: Money | undefined;
  readonly root: RootSource;
}

export class Describer {
  readonly #config: WorkerConfig;
  readonly #deps: DescriberDeps;
  readonly #network: { readonly testnet: boolean };
  /** Of the root it was made from: metrics ask for many snapshots at once. */
  #report: { readonly root: RootConfig; readonly text: WorkerSnapshot['root_contract_config'] } | undefined;

  constructor(config: WorkerConfig, deps: DescriberDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#network = { testnet: config.is_testnet };
  }

  describe(coefficient: number, enabled: boolean, refusal: string | undefined): Described {
    const { fleet, memory, money } = this.#deps;
    const root = this.#deps.root.current;
    const config = this.#config;
    if (this.#report?.root !== root) this.#report = { root, text: rootReport(root, config.is_testnet) };
    return {
      status: {
        wallet_balance: Number(money?.purse.balance ?? 0n),
        actual_image_hash: imageIsListed(config, root),
        actual_model: modelIsListed(config, root),
        ton_last_synced_at: money?.cashier.syncedAtSec ?? 0,
        enabled,
        problem: fleet.unproven ?? null,
        git_commit: '',
        git_commit_data: '',
      },
      wallet: money && describeWallet(money),
      localconfig: {
        root_address: formatAddress(config.root_contract_address, this.#network),
        owner_address: formatAddress(config.owner_address, this.#network),
        model: config.model_name,
        coefficient,
        check_proxy_hash: checksHashes(config),
      },
      root_contract_config: this.#report.text,
      proxies: memory.accounts.map((account) => this.#describeAccount(account, root)),
      refusal: refusal ?? '',
      connections: describeConnections(fleet),
    };
  }

  #describeAccount(account: Account, root: RootConfig): WorkerSnapshot['proxies'][number] {
    const { keys, totals, terms, paid } = account;
    const watch = this.#deps.money?.cashier.watchOf(account);
    return {
      sc_inited: watch?.contract?.isDeployed ?? this.#deps.money === undefined,
      proxy_sc_address: formatAddress(keys.proxyContract, this.#network),
      proxy_public_key: keys.proxyPublicKey.toString('hex').toUpperCase(),
      sc_address: formatAddress(keys.workerContract, this.#network),
      earned_tokens_committed_to_blockchain: Number(totals.signed),
      earned_tokens_committed_to_proxy_db: Number(totals.db),
      earned_tokens_max_known: Number(totals.max),
      cached_out_tokens: Number(paid),
      expected_cached_out_tokens: Number(watch?.underway?.tokens ?? paid),
      running_request: watch?.underway !== undefined,
      params_version: (watch?.contract?.terms ?? terms ?? root).paramsVersion,
      due: String(watch?.due ?? 0n),
      last_payout_at: watch?.lastPayout?.atSec ?? 0,
      last_payout_amount: String(watch?.lastPayout?.amount ?? 0n),
      last_payout_error: watch?.lastFailure ?? '',
    };
  }
}

function describeWallet({ purse, cashier }: Money): WorkerSnapshot['wallet'] {
  const { payouts, cashed, failures } = cashier.counts;
  return {
    address: purse.text,
    balance: Number(purse.balance),
    pending_transactions_cnt: purse.pending,
    lack: purse.lack ?? '',
    trouble: cashier.trouble ?? '',
    payouts,
    payouts_failed: failures,
    cashed: Number(cashed),
  };
}

function describeConnections(fleet: Fleet): WorkerSnapshot['connections'] {
  return fleet.targets.map(({ endpoint, session, lastError }) => ({
    address: nameOf(endpoint),
    is_ready: session?.ready === true,
    proxy_sc_address: session?.agreed?.proxyContract ?? '',
    proto_version: session?.agreed?.version ?? 0,
    running: session?.activeJobs ?? 0,
    last_error: lastError,
  }));
}
