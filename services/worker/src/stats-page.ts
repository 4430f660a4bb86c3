/** The statistics page for people. */
import {
  age,
  badge,
  brief,
  code,
  coins,
  count,
  facts,
  failures,
  type Html,
  html,
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
import type { WorkerSnapshot } from './snapshot.ts';
import { uplinkTrouble } from './uplink.ts';

export interface PageState {
  /** Of this worker's certificate, where it is known. */
  readonly attestation: string | undefined;
  readonly nowMs: number;
}

/** @returns an HTML document, to be served with `pageHeaders` */
export function statsPage(snapshot: WorkerSnapshot, { attestation, nowMs }: PageState): string {
  const { stats, jobs, connections, localconfig, root_contract_config: root } = snapshot;
  const ready = connections.filter((connection) => connection.is_ready);
  return page({
    part: 'worker',
    state: stateOf(snapshot),
    tier: attestation === undefined ? undefined : weakestTier([attestation]),
    sections: [
      tiles([
        ['price', price(localconfig.coefficient)],
        ['requests running', `${count(jobs.active)} of ${count(jobs.max_active)}`],
        ['proxies ready', `${ready.length} of ${connections.length}`],
        ['requests so far', count(stats.queries[0] ?? 0)],
        ['failed', count(stats.failed[0] ?? 0)],
        ['adjusted tokens', count(stats.total_adjusted_tokens_used[0] ?? 0)],
        ['due', snapshot.wallet && coins(sumOf(snapshot.proxies))],
      ]),
      section('Proxies', connectionTable(connections)),
      own(snapshot),
      traffic(stats),
      failures(jobs.errors),
      section('Earnings', earningsTable(snapshot.proxies, nowMs), 'Adjusted tokens, as each proxy counts them.'),
      wallet(snapshot, nowMs),
      networkRules(root),
      registeredProxies(root),
    ],
  });
}

function stateOf({ refusal, switched_on, uplink, connections }: WorkerSnapshot): Parameters<typeof page>[0]['state'] {
  if (refusal !== '') return { mood: 'bad', text: refusal };
  if (!switched_on) return { mood: 'fair', text: 'switched off' };
  if (!uplink.good) return { mood: 'bad', text: uplinkTrouble(uplink.last_status) };
  return connections.some(({ is_ready }) => is_ready)
    ? { mood: 'good', text: 'ready' }
    : { mood: 'bad', text: 'no proxy' };
}

function connectionTable(connections: WorkerSnapshot['connections']): Html {
  return records(
    connections,
    [
      ['address', (to) => code(to.address)],
      ['state', (to) => (to.is_ready ? badge('good', 'ready') : badge('bad', 'not ready'))],
      ['contract', (to) => short(to.proxy_sc_address)],
      ['protocol', (to) => (to.is_ready ? `version ${to.proto_version}` : undefined)],
      ['running', (to) => count(to.running), 'number'],
      ['last error', (to) => brief(to.last_error), 'text'],
    ],
    'No proxy is known yet.',
  );
}

function own({ localconfig, uplink, status, root_contract_config: root }: WorkerSnapshot): Html | undefined {
  return section(
    'This worker',
    facts([
      ['model', brief(localconfig.model)],
      ['inference server', uplink.good ? badge('good', 'up') : badge('bad', html`down (${brief(uplink.last_status)})`)],
      ['owner', code(localconfig.owner_address)],
      ['root contract', code(localconfig.root_address)],
      ['image', allowed(root['worker_hashes'], status.actual_image_hash)],
      ['model file', allowed(root['model_hashes'], status.actual_model)],
      ['checks what proxies run', localconfig.check_proxy_hash ? 'yes' : 'no'],
    ]),
  );
}

/** @param list of the root contract; an empty one allows nobody and says nothing about us */
function allowed(list: unknown, listed: boolean): Html | undefined {
  if (!Array.isArray(list) || list.length === 0) return undefined;
  return listed ? badge('good', 'allowed') : badge('bad', 'not in the root contract');
}

function wallet({ wallet: own, status }: WorkerSnapshot, nowMs: number): Html | undefined {
  if (own === undefined) return undefined;
  const pairs = facts([
    ['address', code(own.address)],
    ['balance', coins(own.balance)],
    ['to do', own.lack === '' ? undefined : badge('bad', own.lack)],
    ['payouts', count(own.payouts)],
    ['failed', own.payouts_failed > 0 ? count(own.payouts_failed) : undefined],
    ['cashed', own.cashed > 0 ? coins(own.cashed) : undefined],
    ['TON', own.trouble === '' ? synced(status.ton_last_synced_at, nowMs) : badge('bad', own.trouble)],
  ]);
  return section('Wallet', pairs, 'It pays the fees of payouts; what was earned goes to the owner.');
}

function sumOf(proxies: WorkerSnapshot['proxies']): number {
  return Number(proxies.reduce((sum, { due }) => sum + BigInt(due), 0n));
}

function earningsTable(proxies: WorkerSnapshot['proxies'], nowMs: number): Html {
  return records(
    proxies,
    [
      ['proxy', (at) => short(at.proxy_sc_address)],
      ['our contract there', (at) => short(at.sc_address)],
      ['earned', (at) => count(at.earned_tokens_max_known), 'number'],
      ['on its disk', (at) => count(at.earned_tokens_committed_to_proxy_db), 'number'],
      ['signed for', (at) => count(at.earned_tokens_committed_to_blockchain), 'number'],
      ['cashed', (at) => (at.cached_out_tokens > 0 ? count(at.cached_out_tokens) : undefined), 'number'],
      ['due', (at) => (at.due === '0' ? undefined : coins(Number(at.due))), 'number'],
      ['last payout', (at) => lastPayout(at, nowMs)],
      ['', (at) => (at.running_request ? badge('fair', 'payout under way') : undefined)],
    ],
    'Nothing has been earned yet.',
  );
}

function lastPayout(at: WorkerSnapshot['proxies'][number], nowMs: number): Html | undefined {
  if (at.last_payout_error !== '') return html`failed: ${brief(at.last_payout_error)}`;
  if (at.last_payout_at === 0) return undefined;
  return html`${coins(Number(at.last_payout_amount))}, ${age(nowMs - at.last_payout_at * 1_000)}`;
}
