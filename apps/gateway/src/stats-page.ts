import type { ClientSnapshot } from '@bombyx/client';

/** What the page shows besides the snapshot. */
export interface PageState {
  readonly ready: boolean;
  readonly inFlight: number;
}

const PERIODS = ['total', '1 s', '10 s', '1 min', '10 min', '1 h', '1 d'];

/** The statistics as one page without scripts, for a desktop and a phone; refreshes itself every 10 s. */
export function statsPage(snapshot: ClientSnapshot, state: PageState): string {
  const { proxy_connections: connections, stats, requests, ...rest } = snapshot;
  const ready = connections.filter((connection) => connection.is_ready).length;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10"><title>Bombyx client</title><style>${STYLE}</style></head><body><main>
<h1>Bombyx client <span class="${state.ready ? 'good' : 'bad'}">${state.ready ? 'ready' : 'not ready'}</span></h1>
<div class="tiles">
${tile('proxies ready', `${ready} of ${connections.length}`)}
${tile('requests running', state.inFlight)}
${tile('requests so far', stats.queries[0] ?? 0)}
${tile('failed', stats.failed[0] ?? 0)}
${tile('tried again', requests.retried)}
</div>
<h2>Proxies</h2>${table(connections)}
<h2>Traffic <small>total, then decayed rates per second</small></h2>${rates(stats)}
${Object.entries(rest).map(section).join('\n')}
</main></body></html>
`;
}

function tile(name: string, value: string | number): string {
  return `<div class="tile"><b>${escaped(show(value))}</b><span>${escaped(name)}</span></div>`;
}

function section([name, value]: [string, unknown]): string {
  return `<h2>${escaped(title(name))}</h2>${block(value)}`;
}

/** A value in the form that suits it: rows of equal objects as a table, one object as a list, anything else as text. */
function block(value: unknown): string {
  if (Array.isArray(value)) {
    if (value.every((row) => typeof row === 'object' && row !== null)) return table(value as Record<string, unknown>[]);
    return value.length === 0
      ? '<p class="none">none</p>'
      : `<p>${value.map((one) => `<code>${escaped(show(one))}</code>`).join('<br>')}</p>`;
  }
  if (typeof value !== 'object' || value === null) return `<code>${escaped(show(value))}</code>`;
  const rows = Object.entries(value).map(
    ([key, one]) => `<tr><th>${escaped(title(key))}</th><td>${block(one)}</td></tr>`,
  );
  return `<div class="scroll"><table>${rows.join('')}</table></div>`;
}

function table(rows: readonly object[]): string {
  if (rows.length === 0) return '<p class="none">none</p>';
  const names = Object.keys(rows[0] as object);
  const head = names.map((name) => `<th>${escaped(title(name))}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${names.map((name) => `<td>${block((row as Record<string, unknown>)[name])}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table><tr>${head}</tr>${body.join('')}</table></div>`;
}

function rates(stats: ClientSnapshot['stats']): string {
  return table(
    Object.entries(stats).map(([name, values]) => {
      const cells = PERIODS.map((period, i) => [period, round(values[i] ?? 0)] as const);
      return { what: title(name), ...Object.fromEntries(cells) };
    }),
  );
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function title(name: string): string {
  return name.replaceAll('_', ' ');
}

function show(value: unknown): string {
  return typeof value === 'number' ? value.toLocaleString('en-US') : String(value ?? '–');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--dim:#8889}
body{margin:0;font:15px/1.5 system-ui,sans-serif}main{max-width:72rem;margin:auto;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:2rem 0 .5rem;text-transform:capitalize}small{font-weight:400;opacity:.7;text-transform:none}
.good,.bad{font-size:.8rem;padding:.15rem .6rem;border-radius:1rem;color:#fff;vertical-align:middle}.good{background:#18794e}.bad{background:#b42318}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem}
.tile{border:1px solid var(--line);border-radius:.5rem;padding:.75rem}.tile b{display:block;font-size:1.3rem}.tile span{opacity:.7}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}th{font-weight:500;opacity:.75}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}.none{opacity:.6}`;
