/** The members of `/jsonstats`, named as the C++ client names them. Source: client.md §7. */
import { type RootConfig, rootReport } from '@bombyx/ton';
import type { ClientSnapshot } from './api.ts';
import type { Keeper } from './money/keeper.ts';
import type { Money } from './money/money.ts';
import type { Requests } from './requests.ts';
import type { Account } from './session.ts';
import type { Target } from './target.ts';

export interface SnapshotSource {
  readonly root: RootConfig;
  readonly testnet: boolean;
  readonly checkProxyHashes: boolean;
  /** Texts of the configured addresses and of the operating wallet. */
  readonly rootAddress: string;
  readonly ownerAddress: string;
  readonly walletAddress: string;
  readonly requests: Requests;
  readonly targets: readonly Target[];
  readonly accounts: readonly Account[];
  /** Absent without TON. */
  readonly money: Money | undefined;
  /** Why no request can be answered, and what to do, where somebody has to do something. */
  readonly problem: string | undefined;
}

const MAX_LATEST = 16;

/** Without TON balance and seqno of the wallet and the contracts' own counts are 0: nobody keeps them. */
export function takeSnapshot(from: SnapshotSource): ClientSnapshot {
  const { requests, accounts, money } = from;
  const balance = Number(money?.purse.balance ?? 0n);
  const { rates } = requests;
  return {
    status: {
      wallet_balance: balance,
      ton_last_synced_at: money?.syncedAtSec ?? 0,
      enabled: true,
      problem: from.problem ?? null,
      git_commit: '',
      git_commit_data: '',
    },
    stats: {
      queries: rates.queries.snapshot(),
      success: rates.success.snapshot(),
      failed: rates.failed.snapshot(),
      bytes_received: rates.bytesReceived.snapshot(),
      bytes_sent: rates.bytesSent.snapshot(),
      time: rates.time.snapshot(),
    },
    wallet: {
      address: from.walletAddress,
      balance,
      seqno: money?.purse.seqno ?? 0,
      pending_transactions_cnt: money?.purse.pending ?? 0,
      active_transactions_cnt: money ? money.keepers.filter(({ underWay }) => underWay !== undefined).length : 0,
    },
    localconf: {
      root_address: from.rootAddress,
      owner_address: from.ownerAddress,
      check_proxy_hash: from.checkProxyHashes,
    },
    root_contract_config: rootReport(from.root, from.testnet),
    proxy_connections: from.targets.map(connectionReport),
    proxies: accounts.map(accountReport),
    ...(money && {
      money: {
        lack: money.lack ?? '',
        topped_up_today: Number(money.toppedUpToday),
        top_up_per_day: Number(money.topUpPerDay),
      },
    }),
    requests: { running: requests.running, retried: requests.retried, errors: Object.fromEntries(requests.errors) },
    usage_checks: {
      checked: sum(accounts, ({ audit }) => audit.checked),
      disagreements: sum(accounts, ({ audit }) => audit.disagreements),
      latest: accounts
        .flatMap(({ proxyContract, audit }) =>
          audit.latest.map(({ requestId, failures }) => ({
            proxy_sc_address: proxyContract,
            request_id: requestId,
            failures,
          })),
        )
        .slice(-MAX_LATEST),
    },
  };
}

function connectionReport(target: Target): ClientSnapshot['proxy_connections'][number] {
  const { session } = target;
  return {
    address: `[${target.id}]`,
    is_ready: session !== undefined,
    proxy_sc_address: session?.account.proxyContract ?? '',
    proto_version: session?.protoVersion ?? 0,
    attestation: session?.connection.peer.attestation ?? '',
    running: session?.running ?? 0,
    recent_failures: Math.round(target.recentFailures * 100) / 100,
    last_error: target.lastError,
  };
}

function accountReport({
  proxyContract,
  clientContract,
  proxyPublicKey,
  book,
  keeper,
}: Account): ClientSnapshot['proxies'][number] {
  const contract = keeper?.contract;
  const payed = contract ? contract.tokens + payable(contract) : 0n;
  return {
    proxy_sc_address: proxyContract,
    proxy_public_key: hex(proxyPublicKey),
    sc_address: clientContract,
    state: STATES.indexOf(contract?.state ?? 'normal'),
    tokens_used_proxy_committed_to_blockchain: Number(book.signedTokens),
    tokens_used_proxy_committed_to_db: Number(book.dbTokens),
    tokens_used_proxy_max: Number(book.maxTokens),
    tokens_charged: Number(contract?.tokens ?? 0n),
    tokens_payed: Number(payed),
    tokens_signed: Number(book.signedTokens),
    balance: Number(contract?.balance ?? 0n),
    stake: Number(contract?.stake ?? 0n),
    unlock_at: contract?.unlockAtSec ?? 0,
    last_transaction: keeper?.last ? `${keeper.last.lt}:${keeper.last.hash.toString('hex')}` : '',
    under_way: keeper?.underWay ?? '',
    last_deed: keeper?.lastDeed ? `${keeper.lastDeed.kind}: ${keeper.lastDeed.outcome}` : '',
    trouble: keeper?.trouble ?? '',
    ...(keeper?.fault && { fault: faultReport(keeper.fault) }),
  };
}

const STATES = ['normal', 'closing', 'closed'];

/** The C++ client takes 10^12 for what costs nothing. */
function payable({ balance, params }: NonNullable<Keeper['contract']>): bigint {
  return params.pricePerToken === 0n ? 1_000_000_000_000n : balance / params.pricePerToken;
}

function faultReport({ atMs, failures, requestId, claimed, explained, payment }: NonNullable<Keeper['fault']>) {
  const numbers = { claimed, explained };
  return { at: Math.floor(atMs / 1_000), failures, request_id: requestId, ...numbers, signed_payment_hash: payment };
}

const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase();

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
