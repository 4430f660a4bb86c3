/** `/metrics` for Prometheus: read from the counters when asked, so that the hot path pays nothing for it. */
import { Gauge, Registry } from 'prom-client';
import type { SnapshotSources } from './snapshot.ts';
import { statNames } from './stats.ts';

const help: Partial<Record<(typeof statNames)[number], string>> = {
  queries: 'Requests that arrived',
  success: 'Requests answered in full',
  failed: 'Requests that failed after admission',
  rejected: 'Requests refused at admission',
  bytes_received: 'Bytes of requests',
  bytes_sent: 'Bytes of answers',
  time: 'Seconds spent on requests, summed',
  total_adjusted_tokens_used: 'Adjusted tokens charged',
};

export function createMetrics(from: SnapshotSources): Registry {
  const registry = new Registry();
  const gauge = (name: string, text: string, read: () => number) =>
    new Gauge({
      name: `bombyx_proxy_${name}`,
      help: text,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  for (const name of statNames) {
    gauge(`${name}_total`, help[name] ?? `Sum of ${name}`, () => from.stats.total(name));
  }
  gauge('running_requests', 'Requests queued and running', () => from.dispatcher.size);
  gauge('buffered_bytes', 'Answer bytes waiting for slow readers', () => from.dispatcher.bufferedBytes);
  gauge('ignored_answers_total', 'Answers to requests nobody waits for', () => from.dispatcher.ignoredAnswers);
  gauge('queued_requests', 'Requests waiting for a worker', () => {
    let waiting = 0;
    for (const { queue } of from.pool.models()) waiting += queue.size;
    return waiting;
  });
  gauge('worker_connections', 'Ready worker connections', () => [...from.pool.links()].length);
  gauge('clients', 'Clients known', () => [...from.parties.clients()].length);
  gauge('enabled', '1 when new requests are taken', () => Number(from.self.enabled));
  gauge('resident_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
  return registry;
}
