/** The statistics page for people. */
import type { ProxySnapshot } from './snapshot.ts';

/** Plain HTML without scripts; everything from the network is escaped. */
export function statsPage(snapshot: ProxySnapshot): string {
  const { status, stats, smartcontract, localconfig } = snapshot;
  const facts: [string, unknown][] = [
    ['enabled', status.enabled],
    ['contract', smartcontract['address']],
    ['owner', localconfig.owner_address],
    ['root', localconfig.root_address],
    ['requests under way', snapshot.running],
    ['bytes waiting for slow readers', snapshot.buffered_bytes],
  ];
  const rates = Object.entries(stats).map(([name, values]) => [
    name,
    ...values.map((value, i) => (i === 0 ? String(value) : value.toFixed(3))),
  ]);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Bombyx proxy</title>
<style>body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem}table{border-collapse:collapse;margin:0 0 2rem}
td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ddd}th{font-weight:600}</style></head><body>
<h1>Bombyx proxy</h1>
${table([], facts)}
<h2>Requests</h2>
${table(['', 'total', '1 s', '10 s', '1 min', '10 min', '1 h', '1 d'], rates)}
<h2>Queues</h2>
${records(snapshot.queue)}
<h2>Worker connections</h2>
${records(snapshot.worker_connections)}
<h2>Why a worker gets requests, or not</h2>
${records(snapshot.selection)}
<h2>Workers</h2>
${records(snapshot.workers)}
<h2>Clients</h2>
${records(snapshot.clients)}
</body></html>
`;
}

function records(rows: readonly object[]): string {
  const [first] = rows;
  if (!first) return '<p>none</p>';
  return table(
    Object.keys(first),
    rows.map((row) => Object.values(row)),
  );
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const title = head.length > 0 ? line(head, 'th') : '';
  return `<table>${title}${rows.map((row) => line(row, 'td')).join('\n')}</table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(value: unknown): string {
  return String(value).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
