/** What the proxy shows of itself: the members of `/jsonstats` as the reference names them, and ours. */
import type { Clock } from '@bombyx/base';
import { rootReport } from '@bombyx/ton';
import type { Dispatcher } from './dispatch.ts';
import type { Parties, Party } from './parties.ts';
import { explain } from './select.ts';
import type { Self } from './session.ts';
import type { Settlement } from './settlement/settlement.ts';
import type { StatName, Stats } from './stats.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface ProxySnapshot {
  readonly status: {
    readonly wallet_balance: number;
    readonly actual_image_hash: string;
    readonly ton_last_synced_at: number;
    readonly enabled: boolean;
    /** Why nothing is served, and what to do; null when all is well. */
    readonly problem: string | null;
    readonly git_commit: string;
    readonly git_commit_data: string;
  };
  readonly stats: Readonly<Record<StatName, readonly number[]>>;
  readonly wallet: Readonly<Record<string, string | number>>;
  readonly localconfig: {
    readonly root_address: string;
    readonly owner_address: string;
    readonly check_worker_hashes: boolean;
  };
  readonly smartcontract: Readonly<Record<string, string | number>>;
  readonly old_instances: readonly OldInstanceEntry[];
  readonly root_contract_config: Readonly<Record<string, unknown>>;
  readonly workers: readonly WorkerEntry[];
  readonly worker_connections: readonly WorkerConnectionEntry[];
  readonly clients: readonly ClientEntry[];
  /** Beyond the reference: queue, buffers and why each worker would (not) get a request that pays any price. */
  readonly queue: readonly { readonly model: string; readonly waiting: number; readonly workers: number }[];
  readonly running: number;
  readonly buffered_bytes: number;
  readonly selection: readonly {
    readonly model: string;
    readonly worker: string;
    readonly verdict: string;
    readonly because: string;
  }[];
}

/** A proxy contract that is being closed. */
export interface OldInstanceEntry {
  readonly address: string;
  readonly state: string;
  /** Unix seconds; 0 while unknown. */
  readonly close_at: number;
  readonly clients_left: number;
  readonly workers_left: number;
}

export interface WorkerEntry {
  readonly owner_address: string;
  readonly sc_address: string;
  readonly earned_tokens: number;
  readonly unpayed_tokens: number;
  readonly paying_now: boolean;
  readonly running_queries: number;
}

export interface WorkerConnectionEntry {
  readonly owner_address: string;
  readonly model: string;
  readonly worker_hash: string;
  readonly coefficient: number;
  readonly running_queries: number;
  readonly max_queries: number;
  readonly queries_10m: number;
  readonly queries_time_10m: number;
  readonly worker_queries_time_10m: number;
  readonly queries_success_10m: number;
  readonly first_byte_ms: number | null;
  readonly proto_version: number;
  readonly enabled: boolean;
}

export interface ClientEntry {
  readonly owner_address: string;
  readonly sc_address: string;
  readonly used_tokens: number;
  readonly tokens_to_charge: number;
  readonly available_tokens: number;
  readonly reserved_tokens: number;
  readonly running_queries: number;
  readonly closing: boolean;
  readonly closed: boolean;
}

export interface SnapshotSources {
  readonly self: Self;
  readonly testnet: boolean;
  readonly rootAddress: string;
  readonly walletAddress: string;
  readonly imageHash: Buffer | undefined;
  readonly stats: Stats;
  readonly parties: Parties;
  readonly pool: WorkerPool;
  readonly dispatcher: Dispatcher;
  /** Absent in a network without TON. */
  readonly settlement: Settlement | undefined;
  readonly clock: Clock;
}

/** Longest lists in a snapshot; the rest is left out. */
const MAX_ENTRIES = 1_000;

export function takeSnapshot(from: SnapshotSources): ProxySnapshot {
  const { self, pool, dispatcher } = from;
  const onChain = from.settlement?.status();
  return {
    status: {
      wallet_balance: Number(onChain?.wallet.balance ?? 0n),
      actual_image_hash: from.imageHash?.toString('base64') ?? '',
      ton_last_synced_at: onChain?.lastSyncedAtSec ?? 0,
      enabled: self.enabled,
      problem: from.settlement?.illness ?? self.refusedWorker ?? null,
      git_commit: '',
      git_commit_data: '',
    },
    stats: from.stats.read(),
    wallet: {
      address: from.walletAddress,
      balance: Number(onChain?.wallet.balance ?? 0n),
      seqno: onChain?.wallet.seqno ?? 0,
      pending_transactions_cnt: onChain?.wallet.pending ?? 0,
      active_transactions_cnt: 0,
    },
    localconfig: {
      root_address: from.rootAddress,
      owner_address: self.owner,
      check_worker_hashes: self.checkWorkerHashes,
    },
    smartcontract: {
      address: self.contract,
      params_version: self.root.paramsVersion,
      balance: Number(onChain?.contract?.balance ?? 0n),
      stake: Number(onChain?.contract?.stake ?? 0n),
      ready_for_withdraw: Number(onChain?.contract?.readyForWithdraw ?? 0n),
    },
    old_instances: (onChain?.oldInstances ?? []).map((old) => ({
      address: old.contract,
      state: old.phase,
      close_at: old.closeAtSec,
      clients_left: old.clientsLeft,
      workers_left: old.workersLeft,
    })),
    root_contract_config: rootReport(self.root, from.testnet),
    workers: first(from.parties.workers()).map((party) => workerEntry(from, party)),
    worker_connections: first(pool.links()).map((link) => ({
      owner_address: link.party.owner,
      model: link.modelText,
      worker_hash: link.connection.peer.imageHash.toString('base64'),
      coefficient: link.coefficient,
      running_queries: link.running,
      max_queries: link.limit,
      ...link.track.tenMinutes(),
      first_byte_ms: link.firstByteMs ?? null,
      proto_version: link.version,
      enabled: link.enabled,
    })),
    clients: first(from.parties.clients()).map((party) => clientEntry(from, party)),
    queue: first(pool.models()).map(({ name, queue, links }) => ({
      model: name,
      waiting: queue.size,
      workers: links.length,
    })),
    running: dispatcher.size,
    buffered_bytes: dispatcher.bufferedBytes,
    selection: first(pool.models()).flatMap(({ name, links }) =>
      explain(links, { maxCoefficient: 0x7fff_ffff, prefix: undefined, tried: undefined }).map((told) => ({
        model: name,
        worker: told.id,
        verdict: told.verdict,
        because: told.because,
      })),
    ),
  };
}

function workerEntry({ parties, settlement }: SnapshotSources, party: Party): WorkerEntry {
  const { max } = parties.earned(party);
  const paid = party.instance.accounts.worker(party.owner)?.paidOnChain ?? 0n;
  return {
    owner_address: party.owner,
    sc_address: party.contract,
    earned_tokens: Number(max),
    unpayed_tokens: Number(max - paid),
    paying_now: settlement?.isUnderWay('worker', party.owner) ?? false,
    running_queries: party.running,
  };
}

function clientEntry({ parties }: SnapshotSources, party: Party): ClientEntry {
  const { max } = parties.used(party);
  const { accounts } = party.instance;
  const state = party.instance.clientContract(party.owner)?.state;
  const view = accounts.client(party.owner);
  return {
    owner_address: party.owner,
    sc_address: party.contract,
    used_tokens: Number(max),
    tokens_to_charge: Number(max - (view?.usedOnChain ?? 0n)),
    available_tokens: Number(accounts.available(party.owner)),
    reserved_tokens: Number(view?.reserved ?? 0n),
    running_queries: party.running,
    closing: state === 'closing',
    closed: state === 'closed',
  };
}

function first<T>(items: Iterable<T>): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= MAX_ENTRIES) break;
    taken.push(item);
  }
  return taken;
}
