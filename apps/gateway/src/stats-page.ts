/** The statistics page for people. */
import type { ClientSnapshot } from '@bombyx/client';
import {
  badge,
  brief,
  code,
  coins,
  count,
  decimal,
  facts,
  failures,
  type Html,
  networkRules,
  page,
  records,
  registeredProxies,
  section,
  short,
  synced,
  tierName,
  tiles,
  traffic,
  weakestTier,
} from '@bombyx/page';

/** What the page shows besides the snapshot. */
export interface PageState {
  readonly ready: boolean;
  readonly inFlight: number;
  readonly nowMs: number;
}

/** @returns an HTML document, to be served with `pageHeaders` */
export function statsPage(snapshot: ClientSnapshot, state: PageState): string {
  const { proxy_connections: connections, root_contract_config: root, stats, requests } = snapshot;
  const ready = connections.filter((connection) => connection.is_ready);
  return page({
    part: 'client',
    state: state.ready ? { mood: 'good', text: 'ready' } : { mood: 'bad', text: 'no proxy' },
    tier: weakestTier(ready.map(({ attestation }) => attestation)),
    sections: [
      tiles([
        ['proxies ready', `${ready.length} of ${connections.length}`],
        ['requests running', count(state.inFlight)],
        ['requests so far', count(stats.queries[0] ?? 0)],
        ['failed', count(stats.failed[0] ?? 0)],
        ['tried again', count(requests.retried)],
      ]),
      section('Proxies', connectionTable(connections)),
      traffic(stats),
      failures(requests.errors),
      lack(snapshot),
      section('Tokens and payments', accountTable(snapshot.proxies), 'Adjusted tokens, as each proxy bills them.'),
      snapshot.money && section('Coins at proxies', coinTable(snapshot.proxies)),
      faults(snapshot.proxies),
      usageChecks(snapshot.usage_checks),
      own(snapshot, state.nowMs),
      networkRules(root),
      registeredProxies(root),
    ],
  });
}

function connectionTable(connections: ClientSnapshot['proxy_connections']): Html {
  return records(
    connections,
    [
      ['address', (to) => code(to.address)],
      ['state', (to) => (to.is_ready ? badge('good', 'ready') : badge('bad', 'not ready'))],
      ['tier', (to) => (to.is_ready ? tierName(weakestTier([to.attestation]) ?? 'open') : undefined)],
      ['contract', (to) => short(to.proxy_sc_address)],
      ['protocol', (to) => (to.is_ready ? `version ${to.proto_version}` : undefined)],
      ['running', (to) => count(to.running), 'number'],
      ['recent failures', (to) => positive(to.recent_failures, decimal), 'number'],
      ['last error', (to) => brief(to.last_error), 'text'],
    ],
    'No proxy is known yet.',
  );
}

function accountTable(accounts: ClientSnapshot['proxies']): Html {
  return records(
    accounts,
    [
      ['proxy', (at) => short(at.proxy_sc_address)],
      ['our contract there', (at) => short(at.sc_address)],
      ['used', (at) => count(at.tokens_used_proxy_max), 'number'],
      ['on its disk', (at) => count(at.tokens_used_proxy_committed_to_db), 'number'],
      ['signed for', (at) => count(at.tokens_signed), 'number'],
      ['charged', (at) => positive(at.tokens_charged, count), 'number'],
      ['paid for', (at) => positive(at.tokens_payed, count), 'number'],
    ],
    'No proxy has been used yet.',
  );
}

/** What the owner should do before anything else. */
function lack({ money }: ClientSnapshot): Html | undefined {
  if (money === undefined || money.lack === '') return undefined;
  return section('Coins are lacking', facts([['what to do', money.lack]]));
}

const STATES = ['open', 'closing', 'closed'] as const;

function coinTable(accounts: ClientSnapshot['proxies']): Html {
  return records(
    accounts,
    [
      ['proxy', (at) => short(at.proxy_sc_address)],
      ['state', (at) => (at.fault ? badge('bad', 'not trusted') : (STATES[at.state] ?? ''))],
      ['balance', (at) => coins(at.balance), 'number'],
      ['stake', (at) => coins(at.stake), 'number'],
      ['free to take after', (at) => (at.unlock_at > 0 ? new Date(at.unlock_at * 1_000).toISOString() : undefined)],
      ['under way', (at) => brief(at.under_way)],
      ['done last', (at) => brief(at.last_deed)],
      ['last transaction', (at) => short(at.last_transaction)],
      ['trouble', (at) => brief(at.trouble), 'text'],
    ],
    'No contract is open yet.',
  );
}

/** The evidence, for whoever looks into it. */
function faults(accounts: ClientSnapshot['proxies']): Html | undefined {
  const found = accounts.flatMap((at) => (at.fault ? [{ proxy: at.proxy_sc_address, ...at.fault }] : []));
  if (found.length === 0) return undefined;
  const table = records(
    found,
    [
      ['proxy', ({ proxy }) => code(proxy)],
      ['when', ({ at }) => new Date(at * 1_000).toISOString()],
      ['what did not fit', ({ failures: why }) => brief(why.join('; ')), 'text'],
      ['tokens claimed', ({ claimed }) => claimed, 'number'],
      ['tokens explained', ({ explained }) => explained, 'number'],
      ['request', ({ request_id }) => short(request_id)],
      ['SHA-256 of the signed payment', ({ signed_payment_hash }) => short(signed_payment_hash)],
    ],
    '',
  );
  return section(
    'Proxies that claimed more than they served',
    table,
    'Nothing is paid in and nothing is asked for there.',
  );
}

function usageChecks({ checked, disagreements, latest }: ClientSnapshot['usage_checks']): Html | undefined {
  if (checked === 0) return undefined;
  const verdict = disagreements === 0 ? badge('good', 'none') : badge('bad', count(disagreements));
  const table = records(
    latest,
    [
      ['proxy', ({ proxy_sc_address }) => short(proxy_sc_address)],
      ['request', ({ request_id }) => short(request_id)],
      ['what did not fit', (one) => brief(one.failures.join('; ')), 'text'],
    ],
    '',
  );
  return section('Bills checked', [
    facts([
      ['checked', count(checked)],
      ['disagreements', verdict],
    ]),
    latest.length > 0 ? table : undefined,
  ]);
}

function own({ localconf, wallet, status, money }: ClientSnapshot, nowMs: number): Html | undefined {
  const onChain = wallet.balance > 0 || wallet.seqno > 0;
  return section(
    'This client',
    facts([
      ['owner', code(localconf.owner_address)],
      ['root contract', code(localconf.root_address)],
      ['wallet', code(wallet.address)],
      ['wallet balance', onChain || money ? coins(wallet.balance) : undefined],
      ['paid in today', money && `${coins(money.topped_up_today)} of ${coins(money.top_up_per_day)}`],
      ['transactions under way', positive(wallet.pending_transactions_cnt + wallet.active_transactions_cnt, count)],
      ['TON', synced(status.ton_last_synced_at, nowMs)],
      ['checks what proxies run', localconf.check_proxy_hash ? 'yes' : 'no'],
    ]),
  );
}

function positive(value: number, show: (value: number) => string): string | undefined {
  return value > 0 ? show(value) : undefined;
}
