import assert from 'node:assert/strict';
import { request } from 'node:http';
import { it } from 'node:test';
import { systemClock } from '@bombyx/base';
import { type PagesOptions, servePages } from './pages.ts';
import type { WorkerSnapshot } from './snapshot.ts';
import { Stats } from './stats.ts';

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

async function withPages(
  options: Partial<PagesOptions>,
  task: (
    ask: (path: string, call?: Call) => Promise<{ status: number; body: string; type: string }>,
    orders: unknown[],
  ) => Promise<void>,
): Promise<void> {
  const orders: unknown[] = [];
  const stats = new Stats(systemClock);
  stats.begun(10);
  const snapshot = {
    status: { enabled: true },
    stats: stats.snapshot(),
    localconfig: { model: '<m>', coefficient: 1_500 },
    uplink: { good: false, last_status: 'ECONNREFUSED' },
    jobs: { active: 2, max_active: 8, errors: { JOB_TIMEOUT: 3 } },
    connections: [{ address: '127.0.0.1:1', is_ready: false, last_error: 'refused' }],
    proxies: [],
  } as unknown as WorkerSnapshot;
  const worker = {
    ready: false,
    snapshot: () => snapshot,
    setEnabled: (enabled: boolean) => orders.push(enabled),
    setCoefficient: (coefficient: number) => orders.push(coefficient),
  };
  await using pages = await servePages(
    { host: '127.0.0.1', port: 0, accessHash: '', ...options },
    { worker, totals: () => stats.totals() },
  );
  const ask = (path: string, { method = 'GET', headers = {} }: Call = {}) =>
    new Promise<{ status: number; body: string; type: string }>((resolve, reject) => {
      const asking = request(
        { port: pages.port, host: '127.0.0.1', path, method, headers, agent: false },
        (response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body, type: String(response.headers['content-type']) }),
          );
        },
      );
      asking.on('error', reject).end();
    });
  await task(ask, orders);
}

const post = { method: 'POST' };

it('hazard 13: switches move by POST only', async () => {
  await withPages({}, async (ask, orders) => {
    for (const path of ['enable', 'disable', 'change_coefficient?coefficient=2', 'payout']) {
      assert.equal((await ask(`/request/${path}`)).status, 405);
    }
    assert.deepEqual(orders, []);
    assert.equal((await ask('/request/disable', post)).status, 200);
    assert.equal((await ask('/request/enable', post)).status, 200);
    assert.equal((await ask('/request/change_coefficient?coefficient=1.5', post)).status, 200);
    assert.deepEqual(orders, [false, true, 1_500]);
  });
});

it('hazard 13: and not for another web site that a browser has open', async () => {
  await withPages({}, async (ask, orders) => {
    assert.equal((await ask('/request/disable', { ...post, headers: { origin: 'https://evil' } })).status, 403);
    assert.equal((await ask('/request/disable', { ...post, headers: { 'sec-fetch-site': 'cross-site' } })).status, 403);
    const rebound = { host: 'evil.example', origin: 'http://evil.example' };
    assert.equal((await ask('/request/disable', { ...post, headers: rebound })).status, 403);
    assert.deepEqual(orders, []);
    assert.equal((await ask('/request/disable', { ...post, headers: { host: 'localhost:1' } })).status, 200);
  });
});

it('hazard 13: and not without the access hash, where one is set', async () => {
  await withPages({ accessHash: 'secret' }, async (ask, orders) => {
    for (const query of ['', '?access_hash=', '?access_hash=secreT', '?access_hash=secrets']) {
      assert.equal((await ask(`/request/disable${query}`, post)).status, 403);
      assert.equal((await ask(`/jsonstats${query}`)).status, 403);
    }
    assert.equal((await ask('/request/disable?access_hash=secret', post)).status, 200);
    assert.equal((await ask('/jsonstats?access_hash=secret')).status, 200);
    assert.equal((await ask('/health')).status, 503);
    assert.deepEqual(orders, [false]);
  });
});

it('refuses prices that are none', async () => {
  await withPages({}, async (ask, orders) => {
    for (const value of ['', 'x', '-1', '1e9', '1000000', '1.2345', 'Infinity']) {
      assert.equal((await ask(`/request/change_coefficient?coefficient=${value}`, post)).status, 400);
    }
    assert.deepEqual(orders, []);
  });
});

it('shows its state to people, programs and Prometheus', async () => {
  await withPages({}, async (ask) => {
    const html = await ask('/stats');
    assert.match(html.type, /^text\/html/);
    assert.match(html.body, /&#60;m&#62;/);
    assert.match(html.body, /down \(ECONNREFUSED\)/);
    const stats = await ask('/jsonstats');
    assert.equal(stats.type, 'application/json');
    assert.equal(JSON.parse(stats.body).stats.queries[0], 1);
    const metrics = await ask('/metrics');
    assert.match(metrics.body, /^bombyx_worker_requests_total 1$/m);
    assert.match(metrics.body, /^bombyx_worker_requests_failed_total\{code="JOB_TIMEOUT"\} 3$/m);
    assert.equal((await ask('/v1/chat/completions', post)).status, 404);
    assert.equal((await ask('/request/payout', post)).status, 501);
  });
});
