/** Reports that client, proxy and worker have in common, from the members of `/jsonstats` they share. */
import { type Fact, facts, grid, records, section } from './blocks.ts';
import { age, bytes, code, coins, count, decimal, duration, short } from './format.ts';
import { type Child, type Html, html } from './html.ts';

/** Of each counter the total, then rates per second over the {@link PERIODS}. */
export type Counters = Readonly<Partial<Record<keyof typeof COUNTERS, readonly number[]>>>;

const PERIODS = ['1 s', '10 s', '1 min', '10 min', '1 h', '1 d'] as const;

interface Counter {
  readonly name: string;
  readonly total: (value: number) => string;
  readonly rate: (value: number) => string;
}

const counted = (name: string): Counter => ({ name, total: count, rate: decimal });
const COUNTERS = {
  queries: counted('requests'),
  success: counted('succeeded'),
  failed: counted('failed'),
  rejected: counted('rejected'),
  bytes_received: { name: 'bytes received', total: bytes, rate: bytes },
  bytes_sent: { name: 'bytes sent', total: bytes, rate: bytes },
  // seconds of work in one second: how many run at once
  time: { name: 'time under way', total: (seconds) => duration(seconds * 1_000), rate: decimal },
  total_adjusted_tokens_used: counted('adjusted tokens'),
  prompt_adjusted_tokens_used: counted('… of the prompt'),
  cached_adjusted_tokens_used: counted('… cached'),
  completion_adjusted_tokens_used: counted('… of the answer'),
  reasoning_adjusted_tokens_used: counted('… of reasoning'),
} as const satisfies Readonly<Record<string, Counter>>;

/** The counters that ever moved, with their rates. */
export function traffic(counters: Counters): Html | undefined {
  const names = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[];
  const rows = names.flatMap((key) => {
    const { name, total, rate }: Counter = COUNTERS[key];
    const [sum = 0, ...rates] = counters[key] ?? [];
    return sum === 0 ? [] : [[name, total(sum), ...rates.map(rate)]];
  });
  const note = 'Total since the start, then per second, averaged over the time in the heading.';
  return section('Traffic', rows.length > 0 ? grid('Traffic', ['', 'total', ...PERIODS], rows) : undefined, note);
}

/** Longest list of errors by code; there are fewer codes than that. */
export function failures(errors: Readonly<Record<string, number>>): Html | undefined {
  const rows = Object.entries(errors).sort(([, a], [, b]) => b - a);
  return section('Failures by reason', facts(rows.map(([reason, times]) => [code(reason), count(times)])));
}

/** Younger than 10 min is synced, older than an hour out of sync, as on the C++ pages. Source: client.md §7. */
export function synced(atSec: number, nowMs: number): string | undefined {
  if (atSec <= 0) return undefined;
  const sec = Math.max(0, nowMs / 1_000 - atSec);
  return `${sec < 600 ? 'synced' : sec < 3_600 ? 'late' : 'out of sync'}, ${age(sec * 1_000)}`;
}

const KINDS = ['prompt', 'cached', 'completion', 'reasoning'] as const;

/** What the root contract says: prices, stakes, and who is let in. @param root the member `root_contract_config` */
export function networkRules(root: Readonly<Record<string, unknown>>): Html | undefined {
  const number = (name: string, show: (value: number) => string): string | undefined => {
    const value = root[name];
    return typeof value === 'number' ? show(value) : undefined;
  };
  const hashes = (name: string): Child => {
    const value = root[name];
    return Array.isArray(value) ? value.map((hash) => html`${short(String(hash))} `) : undefined;
  };
  const seconds = (value: number) => duration(value * 1_000);
  const weights = KINDS.flatMap((kind) => {
    const times = number(`${kind}_tokens_price_multiplier`, (tenThousandths) => decimal(tenThousandths / 10_000));
    return times === undefined ? [] : [`${kind} ${times}×`];
  });
  const shown: Fact[] = [
    ['network', root['is_test'] === true ? 'test' : undefined],
    ['version', number('version', count)],
    ['version of parameters', number('params_version', count)],
    ['price of a token', number('price_per_token', coins)],
    ['of it for the worker', number('worker_fee_per_token', coins)],
    ['weight of tokens', weights.join(', ')],
    ['least stake of a client', number('client_min_stake', coins)],
    ['least stake of a proxy', number('proxy_min_stake', coins)],
    ['a client may close after', number('client_delay_before_close', seconds)],
    ['a proxy may close after', number('proxy_delay_before_close', seconds)],
    ['proxy images', hashes('proxy_hashes')],
    ['worker images', hashes('worker_hashes')],
    ['models', hashes('model_hashes')],
  ];
  return section('Rules of the network', facts(shown));
}

/** The proxies that the root contract names. */
export function registeredProxies(root: Readonly<Record<string, unknown>>): Html | undefined {
  const rows = root['registered_proxies'];
  if (!Array.isArray(rows) || rows.length === 0) return undefined;
  const text = (name: string) => (row: Readonly<Record<string, unknown>>) => String(row[name] ?? '');
  const columns = [
    ['number', text('seqno')],
    ['for clients', text('address_for_clients')],
    ['for workers', text('address_for_workers')],
  ] as const;
  return section('Registered proxies', records(rows, columns, 'none'));
}
