import type { ClientSnapshot, FinalInfo } from '@bombyx/client';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** What `/metrics` shows. Labels are routes, statuses and kinds from fixed lists: nothing a caller sends becomes one. */
export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'route' | 'status' | 'result'>;
  readonly #firstByte: Histogram<'route'>;
  readonly #duration: Histogram<'route'>;
  readonly #tokens: Counter<'kind'>;

  /** All of them are read when the page is asked for. */
  constructor(inFlight: () => number, ready: () => boolean, snapshot: () => ClientSnapshot) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'bombyx_gateway_requests_total',
      help: 'Inference requests by route, HTTP status (499: the caller left) and how they ended.',
      labelNames: ['route', 'status', 'result'],
      registers,
    });
    this.#firstByte = new Histogram({
      name: 'bombyx_gateway_first_byte_seconds',
      help: 'Time from the head of a request to the first byte of its answer.',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.#duration = new Histogram({
      name: 'bombyx_gateway_duration_seconds',
      help: 'Time from the head of a request to the end of its answer.',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.#tokens = new Counter({
      name: 'bombyx_gateway_adjusted_tokens_total',
      help: 'Adjusted tokens billed, by kind.',
      labelNames: ['kind'],
      registers,
    });
    new Gauge({
      name: 'bombyx_gateway_in_flight',
      help: 'Inference requests under way.',
      registers,
      collect() {
        this.set(inFlight());
      },
    });
    new Gauge({
      name: 'bombyx_gateway_ready',
      help: '1 while at least one proxy takes requests.',
      registers,
      collect() {
        this.set(ready() ? 1 : 0);
      },
    });
    const ofAccounts = (name: string, help: string, value: (snapshot: ClientSnapshot) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(snapshot()));
        },
      });
    ofAccounts(
      'bombyx_client_distrusted_proxies',
      'Proxies that claimed more than they served: no coins and no requests go there.',
      ({ proxies }) => proxies.filter(({ fault }) => fault !== undefined).length,
    );
    ofAccounts(
      'bombyx_client_usage_disagreements',
      'Claims of proxies that did not add up, since the start.',
      ({ usage_checks }) => usage_checks.disagreements,
    );
    ofAccounts(
      'bombyx_client_wallet_nanoton',
      'Balance of the operating wallet; 0 without TON.',
      ({ wallet }) => wallet.balance,
    );
    ofAccounts(
      'bombyx_client_accounts_nanoton',
      'Paid in at proxies and not charged yet; 0 without TON.',
      ({ proxies }) => proxies.reduce((sum, { balance }) => sum + balance, 0),
    );
    ofAccounts(
      'bombyx_client_topped_up_today_nanoton',
      'Paid in at proxies today (UTC); 0 without TON.',
      ({ money }) => money?.topped_up_today ?? 0,
    );
  }

  firstByte(route: string, ms: number): void {
    this.#firstByte.observe({ route }, ms / 1000);
  }

  ended(route: string, status: number, result: string, ms: number): void {
    this.#requests.inc({ route, status, result });
    this.#duration.observe({ route }, ms / 1000);
  }

  /** @param tokens as the proxy claims, who may claim anything; a counter throws when it should go down */
  used(tokens: FinalInfo['tokens']): void {
    for (const kind of KINDS) if (tokens[kind] > 0n) this.#tokens.inc({ kind }, Number(tokens[kind]));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

const KINDS = ['prompt', 'cached', 'completion', 'reasoning'] as const;
