import { Gauge, Registry } from 'prom-client';
import type { Worker } from './api.ts';
import type { JobStats } from './stats.ts';

export interface MetricsSource {
  readonly worker: Pick<Worker, 'ready' | 'snapshot'>;
  readonly totals: () => Record<keyof JobStats, number>;
}

/** `/metrics` for Prometheus. Everything is read when it is asked for; serving jobs costs nothing more. */
export class MetricsPage {
  readonly #registry = new Registry();

  constructor({ worker, totals }: MetricsSource) {
    const registers = [this.#registry];
    const read = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `bombyx_worker_${name}`,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    read('ready', '1 when requests may come: enabled and connected to a proxy', () => Number(worker.ready));
    read('uplink_good', '1 when the inference server is up', () => Number(worker.snapshot().uplink.good));
    read('coefficient', 'Price in thousandths', () => worker.snapshot().localconfig.coefficient);
    read('active_requests', 'Requests running now', () => worker.snapshot().jobs.active);
    read('max_active_requests', 'Most requests running at once', () => worker.snapshot().jobs.max_active);
    read(
      'ready_proxies',
      'Proxies connected',
      () => worker.snapshot().connections.filter((one) => one.is_ready).length,
    );
    read('requests_total', 'Requests received', () => totals().queries);
    read('requests_succeeded_total', 'Requests answered in full', () => totals().success);
    read('request_bytes_total', 'Bytes of requests received', () => totals().bytes_received);
    read('answer_bytes_total', 'Bytes of answers received from the inference server', () => totals().bytes_sent);
    read('request_seconds_total', 'Time spent on requests', () => totals().time);
    readMoney(worker, registers);
    new Gauge({
      name: 'bombyx_worker_requests_failed_total',
      help: 'Requests that ended with an error, by its code',
      labelNames: ['code'],
      registers,
      collect() {
        for (const [code, count] of Object.entries(worker.snapshot().jobs.errors)) this.set({ code }, count);
      },
    });
    new Gauge({
      name: 'bombyx_worker_adjusted_tokens_total',
      help: 'Adjusted tokens billed, by kind',
      labelNames: ['kind'],
      registers,
      collect() {
        const sums = totals();
        this.set({ kind: 'prompt' }, sums.prompt_adjusted_tokens_used);
        this.set({ kind: 'cached' }, sums.cached_adjusted_tokens_used);
        this.set({ kind: 'completion' }, sums.completion_adjusted_tokens_used);
        this.set({ kind: 'reasoning' }, sums.reasoning_adjusted_tokens_used);
      },
    });
  }

  get type(): string {
    return this.#registry.contentType;
  }

  read(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** Only with TON. Amounts in nanoTON, as floating point: for graphs, not for books. */
function readMoney({ snapshot }: MetricsSource['worker'], registers: Registry[]): void {
  if (snapshot().wallet === undefined) return;
  type Wallet = NonNullable<ReturnType<typeof snapshot>['wallet']>;
  const read = (name: string, help: string, value: (wallet: Wallet) => number) =>
    new Gauge({
      name: `bombyx_worker_${name}`,
      help,
      registers,
      collect() {
        const { wallet } = snapshot();
        if (wallet !== undefined) this.set(value(wallet));
      },
    });
  read('wallet_balance_nanoton', 'What the wallet holds', ({ balance }) => balance);
  read('wallet_lacks', '1 when the wallet needs something before payouts can be made', ({ lack }) =>
    Number(lack !== ''),
  );
  read('chain_reachable', '1 when the TON chain can be asked', ({ trouble }) => Number(trouble === ''));
  read('payouts_total', 'Payouts that the contracts took', ({ payouts }) => payouts);
  read('payouts_failed_total', 'Payouts that failed', ({ payouts_failed }) => payouts_failed);
  read('cashed_nanoton_total', 'Claimed by payouts', ({ cashed }) => cashed);
  new Gauge({
    name: 'bombyx_worker_due_nanoton',
    help: 'What a payout would bring, by contract of the proxy',
    labelNames: ['proxy'],
    registers,
    collect() {
      this.reset();
      for (const { proxy_sc_address: proxy, due } of snapshot().proxies) this.set({ proxy }, Number(due));
    },
  });
}
