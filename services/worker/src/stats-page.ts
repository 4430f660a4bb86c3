/** The statistics page for people. */
import {
  badge,
  brief,
  code,
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
  tiles,
  traffic,
  weakestTier,
} from '@bombyx/page';
import type { WorkerSnapshot } from './snapshot.ts';

/**
 * @param attestation of this worker's certificate, where it is known
 * @returns an HTML document, to be served with `pageHeaders`
 */
export function statsPage(snapshot: WorkerSnapshot, attestation: string | undefined): string {
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
      ]),
      section('Proxies', connectionTable(connections)),
      own(snapshot),
      traffic(stats),
      failures(jobs.errors),
      section('Earnings', earningsTable(snapshot.proxies), 'Adjusted tokens, as each proxy counts them.'),
      networkRules(root),
      registeredProxies(root),
    ],
  });
}

function stateOf({ switched_on, uplink, connections }: WorkerSnapshot): Parameters<typeof page>[0]['state'] {
  if (!switched_on) return { mood: 'fair', text: 'switched off' };
  if (!uplink.good) return { mood: 'bad', text: 'inference server down' };
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

function earningsTable(proxies: WorkerSnapshot['proxies']): Html {
  return records(
    proxies,
    [
      ['proxy', (at) => short(at.proxy_sc_address)],
      ['our contract there', (at) => short(at.sc_address)],
      ['earned', (at) => count(at.earned_tokens_max_known), 'number'],
      ['on its disk', (at) => count(at.earned_tokens_committed_to_proxy_db), 'number'],
      ['signed for', (at) => count(at.earned_tokens_committed_to_blockchain), 'number'],
      ['cashed', (at) => (at.cached_out_tokens > 0 ? count(at.cached_out_tokens) : undefined), 'number'],
      ['', (at) => (at.running_request ? badge('fair', 'payout under way') : undefined)],
    ],
    'Nothing has been earned yet.',
  );
}
