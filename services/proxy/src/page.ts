/** The statistics page for people. */
import {
  badge,
  brief,
  bytes,
  code,
  coins,
  count,
  decimal,
  duration,
  facts,
  type Html,
  networkRules,
  page,
  price,
  records,
  registeredProxies,
  section,
  short,
  synced,
  tiles,
  traffic,
  weakestTier,
} from '@bombyx/page';
import type { ClientEntry, ProxySnapshot, WorkerConnectionEntry, WorkerEntry } from './snapshot.ts';

/** What the page shows besides the snapshot. */
export interface PageState {
  /** Of the workers connected. */
  readonly attestations: readonly string[];
  readonly nowMs: number;
}

/** @returns an HTML document, to be served with `pageHeaders` */
export function statsPage(snapshot: ProxySnapshot, { attestations, nowMs }: PageState): string {
  const { stats, queue, worker_connections: connections, root_contract_config: root } = snapshot;
  return page({
    part: 'proxy',
    state: stateOf(snapshot),
    tier: weakestTier(attestations),
    sections: [
      tiles([
        ['workers connected', count(connections.length)],
        ['requests under way', count(snapshot.running)],
        ['waiting for a worker', count(queue.reduce((sum, { waiting }) => sum + waiting, 0))],
        ['requests so far', count(stats.queries[0] ?? 0)],
        ['failed', count(stats.failed[0] ?? 0)],
        ['rejected', count(stats.rejected[0] ?? 0)],
        ['held for slow readers', snapshot.buffered_bytes > 0 ? bytes(snapshot.buffered_bytes) : undefined],
      ]),
      section('Models', modelTable(queue)),
      section('Worker connections', connectionTable(connections), 'Rates and times are means over 10 minutes.'),
      section('Who gets the next request', selectionTable(snapshot.selection), 'For a request that pays any price.'),
      traffic(stats),
      section('Workers', workerTable(snapshot.workers), 'Adjusted tokens.'),
      section('Clients', clientTable(snapshot.clients), 'Adjusted tokens.'),
      own(snapshot, nowMs),
      section('Contracts being closed', oldTable(snapshot.old_instances)),
      networkRules(root),
      registeredProxies(root),
    ],
  });
}

function stateOf({ status, worker_connections }: ProxySnapshot): Parameters<typeof page>[0]['state'] {
  if (status.problem !== null) return { mood: 'bad', text: 'not serving' };
  if (!status.enabled) return { mood: 'fair', text: 'switched off' };
  if (!worker_connections.some(({ enabled }) => enabled)) return { mood: 'bad', text: 'no worker' };
  return { mood: 'good', text: 'taking requests' };
}

function modelTable(models: ProxySnapshot['queue']): Html {
  return records(
    models,
    [
      ['model', ({ model }) => brief(model), 'text'],
      ['workers', ({ workers }) => count(workers), 'number'],
      ['requests waiting', ({ waiting }) => count(waiting), 'number'],
    ],
    'No worker has offered a model yet.',
  );
}

function connectionTable(connections: readonly WorkerConnectionEntry[]): Html {
  return records(
    connections,
    [
      ['owner', (to) => short(to.owner_address)],
      ['state', (to) => (to.enabled ? badge('good', 'enabled') : badge('fair', 'disabled'))],
      ['model', (to) => brief(to.model), 'text'],
      ['price', (to) => price(to.coefficient), 'number'],
      ['running', (to) => `${count(to.running_queries)} of ${count(to.max_queries)}`, 'number'],
      ['per minute', (to) => decimal(to.queries_10m * 60), 'number'],
      ['succeeded', (to) => share(to.queries_success_10m, to.queries_10m), 'number'],
      ['first byte', (to) => (to.first_byte_ms === null ? undefined : duration(to.first_byte_ms)), 'number'],
      ['whole answer', (to) => mean(to.queries_time_10m, to.queries_10m), 'number'],
      ['protocol', (to) => `version ${to.proto_version}`],
      ['image', (to) => short(to.worker_hash)],
    ],
    'No worker is connected.',
  );
}

function selectionTable(selection: ProxySnapshot['selection']): Html | undefined {
  if (selection.length === 0) return undefined;
  return records(
    selection,
    [
      ['worker', ({ worker }) => short(worker)],
      ['model', ({ model }) => brief(model), 'text'],
      ['verdict', ({ verdict }) => verdict.replaceAll('-', ' ')],
      ['because', ({ because }) => brief(because), 'text'],
    ],
    '',
  );
}

function workerTable(workers: readonly WorkerEntry[]): Html {
  return records(
    workers,
    [
      ['owner', (worker) => short(worker.owner_address)],
      ['contract', (worker) => short(worker.sc_address)],
      ['running', (worker) => count(worker.running_queries), 'number'],
      ['earned', (worker) => count(worker.earned_tokens), 'number'],
      ['not paid out', (worker) => count(worker.unpayed_tokens), 'number'],
      ['', (worker) => (worker.paying_now ? badge('fair', 'being paid') : undefined)],
    ],
    'No worker has registered yet.',
  );
}

function clientTable(clients: readonly ClientEntry[]): Html {
  return records(
    clients,
    [
      ['owner', (client) => short(client.owner_address)],
      ['contract', (client) => short(client.sc_address)],
      ['running', (client) => count(client.running_queries), 'number'],
      ['used', (client) => count(client.used_tokens), 'number'],
      ['to be charged', (client) => count(client.tokens_to_charge), 'number'],
      ['reserved', (client) => count(client.reserved_tokens), 'number'],
      ['available', (client) => count(client.available_tokens), 'number'],
      [
        '',
        (client) => (client.closed ? badge('bad', 'closed') : client.closing ? badge('fair', 'closing') : undefined),
      ],
    ],
    'No client has registered yet.',
  );
}

function oldTable(old: ProxySnapshot['old_instances']): Html | undefined {
  if (old.length === 0) return undefined;
  return records(
    old,
    [
      ['contract', ({ address }) => short(address)],
      ['state', ({ state }) => state],
      ['clients left', ({ clients_left }) => count(clients_left), 'number'],
      ['workers left', ({ workers_left }) => count(workers_left), 'number'],
    ],
    '',
  );
}

function own({ smartcontract, localconfig, wallet, status }: ProxySnapshot, nowMs: number): Html | undefined {
  const balance = Number(wallet['balance'] ?? 0);
  // without TON nothing is read from the chain, and a time or balance of it would mean nothing
  const onChain = balance > 0 || Number(wallet['seqno'] ?? 0) > 0;
  return section(
    'This proxy',
    facts([
      ['not serving, because', status.problem ?? undefined],
      ['contract', code(String(smartcontract['address'] ?? ''))],
      ['contract balance', onChain ? coins(Number(smartcontract['balance'] ?? 0)) : undefined],
      ['stake', onChain ? coins(Number(smartcontract['stake'] ?? 0)) : undefined],
      ['ready to withdraw', onChain ? coins(Number(smartcontract['ready_for_withdraw'] ?? 0)) : undefined],
      ['owner', code(localconfig.owner_address)],
      ['root contract', code(localconfig.root_address)],
      ['wallet', code(String(wallet['address'] ?? ''))],
      ['wallet balance', onChain ? coins(balance) : undefined],
      ['TON', onChain ? synced(status.ton_last_synced_at, nowMs) : undefined],
      ['image', code(status.actual_image_hash)],
      ['checks what workers run', localconfig.check_worker_hashes ? 'yes' : 'no'],
    ]),
  );
}

function share(part: number, whole: number): string | undefined {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : undefined;
}

/** @param seconds of work a second @param requests a second */
function mean(seconds: number, requests: number): string | undefined {
  return requests > 0 ? duration((1_000 * seconds) / requests) : undefined;
}
