import assert from 'node:assert/strict';
import { request } from 'node:http';
import { it } from 'node:test';
import { systemClock } from '@bombyx/base';
import { type PagesDeps, type PagesOptions, servePages } from './pages.ts';
import type { WorkerSnapshot } from './snapshot.ts';
import { Stats } from './stats.ts';

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
  readonly policy: string;
}

interface Given {
  readonly snapshot?: Partial<WorkerSnapshot>;
  readonly payOut?: PagesDeps['worker']['payOut'];
}

async function withPages(
  { snapshot: more, payOut, ...options }: Partial<PagesOptions> & Given,
  task: (ask: (path: string, call?: Call) => Promise<Answer>, orders: unknown[]) => Promise<void>,
): Promise<void> {
  const orders: unknown[] = [];
  const stats = new Stats(systemClock);
  stats.begun(10);
  const snapshot: WorkerSnapshot = {
    status: {
      wallet_balance: 0,
      actual_image_hash: true,
      actual_model: false,
      ton_last_synced_at: 0,
      enabled: true,
      problem: null,
      git_commit: '',
      git_commit_data: '',
    },
    stats: stats.snapshot(),
    localconfig: {
      root_address: 'EQ',
      owner_address: 'UQ',
      model: '<m>',
      coefficient: 1_500,
      check_proxy_hash: false,
    },
    root_contract_config: { version: 3, worker_hashes: ['3EBA'], model_hashes: [] },
    proxies: [],
    refusal: '',
    uplink: { good: false, last_status: '<i>ECONNREFUSED' },
    switched_on: true,
    jobs: { active: 2, max_active: 8, errors: { JOB_TIMEOUT: 3 } },
    connections: [
      {
        address: '127.0.0.1:1',
        is_ready: false,
        proxy_sc_address: '"><script>',
        proto_version: 0,
        running: 0,
        last_error: '<script>alert(1)</script>',
      },
    ],
    ...more,
  };
  const worker = {
    ready: false,
    snapshot: () => snapshot,
    setEnabled: (enabled: boolean) => orders.push(enabled),
    setCoefficient: (coefficient: number) => orders.push(coefficient),
    payOut,
  };
  await using pages = await servePages(
    { host: '127.0.0.1', port: 0, accessHash: '', ...options },
    { worker, totals: () => stats.totals(), clock: systemClock },
  );
  const ask = (path: string, { method = 'GET', headers = {} }: Call = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const asking = request(
        { port: pages.port, host: '127.0.0.1', path, method, headers, agent: false },
        (response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              body,
              type: String(response.headers['content-type']),
              policy: String(response.headers['content-security-policy']),
            }),
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
      for (const path of ['/stats', '/jsonstats', '/metrics']) {
        const refused = await ask(`${path}${query}`);
        assert.equal(refused.status, 400);
        assert.match(refused.body, /^this path needs the access hash.*\?access_hash=HASH/);
      }
      assert.equal((await ask(`/request/disable${query}`, post)).status, 400);
    }
    assert.equal((await ask('/request/disable?access_hash=secret', post)).status, 200);
    assert.equal((await ask('/jsonstats?access_hash=secret')).status, 200);
    assert.equal((await ask('/metrics', { headers: { authorization: 'Bearer secret' } })).status, 200);
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

it('what a proxy or the inference server says about itself cannot become part of the page', async () => {
  await withPages({ attestation: 'fake_tdx' }, async (ask) => {
    const { body } = await ask('/stats');
    assert.match(body, /&#60;m&#62;/);
    assert.match(body, /down \(&#60;i&#62;ECONNREFUSED\)/);
    assert.match(body, /&#60;script&#62;alert\(1\)/);
    assert.match(body, /tier: SIMULATED/);
    assert.ok(!body.includes('<script') && !body.includes('<i>'));
  });
});

it('shows its state to people, programs and Prometheus', async () => {
  await withPages({}, async (ask) => {
    const html = await ask('/stats');
    assert.match(html.type, /^text\/html/);
    assert.match(html.body, /<span class="badge bad">the inference server is down<\/span>/);
    assert.match(html.body, /name="viewport"/);
    assert.match(html.body, /1\.5×/);
    assert.match(html.body, /JOB_TIMEOUT/);
    assert.doesNotMatch(html.body, /git.commit|tier/i);
    assert.match(html.policy, /^default-src 'none'; style-src 'sha256-/);
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

const paid: Partial<WorkerSnapshot> = {
  status: {
    wallet_balance: 0,
    actual_image_hash: true,
    actual_model: true,
    ton_last_synced_at: 1,
    enabled: true,
    problem: null,
    git_commit: '',
    git_commit_data: '',
  },
  wallet: {
    address: 'UQwallet',
    balance: 1_500_000_000,
    pending_transactions_cnt: 1,
    lack: 'the wallet has 1.5 TON: send 1 TON to UQwallet',
    trouble: '',
    payouts: 3,
    payouts_failed: 1,
    cashed: 30_000_000_000,
  },
  proxies: [
    {
      sc_inited: true,
      proxy_sc_address: 'UQproxy',
      proxy_public_key: '00',
      sc_address: 'UQours',
      earned_tokens_committed_to_blockchain: 30,
      earned_tokens_committed_to_proxy_db: 40,
      earned_tokens_max_known: 50,
      cached_out_tokens: 20,
      expected_cached_out_tokens: 30,
      running_request: true,
      params_version: 1,
      due: '2500000000',
      last_payout_at: 1,
      last_payout_amount: '10000000000',
      last_payout_error: '',
    },
  ],
};

it('shows what is due, what was paid, and what the wallet lacks', async () => {
  await withPages({ snapshot: paid }, async (ask) => {
    const { body } = await ask('/stats');
    assert.match(body, /<dt>due<\/dt><dd>2\.50 TON/);
    assert.match(body, /send 1 TON to UQwallet/);
    assert.match(body, /10 TON, .* ago/);
    assert.match(body, /payout under way/);
    assert.match(body, /out of sync/);
    const metrics = await ask('/metrics');
    assert.match(metrics.body, /^bombyx_worker_wallet_balance_nanoton 1500000000$/m);
    assert.match(metrics.body, /^bombyx_worker_due_nanoton\{proxy="UQproxy"\} 2500000000$/m);
    assert.match(metrics.body, /^bombyx_worker_payouts_total 3$/m);
    assert.match(metrics.body, /^bombyx_worker_wallet_lacks 1$/m);
  });
});

it('without TON says nothing of wallets', async () => {
  await withPages({}, async (ask) => {
    assert.doesNotMatch((await ask('/stats')).body, /wallet|<dt>due/i);
    assert.doesNotMatch((await ask('/metrics')).body, /wallet|due/);
    assert.equal('wallet' in JSON.parse((await ask('/jsonstats')).body), false);
  });
});

it('says why the root contract forbids it to serve, before anything else', async () => {
  await withPages({ snapshot: { refusal: '"image_hash" is not listed' } }, async (ask) => {
    assert.match((await ask('/stats')).body, /<span class="badge bad">&#34;image_hash&#34; is not listed<\/span>/);
  });
});

it('says of an inference server that wants another key that it is not down', async () => {
  await withPages({ snapshot: { uplink: { good: false, last_status: '401' } } }, async (ask) => {
    assert.match((await ask('/stats')).body, /the inference server refuses our key \(401\)/);
  });
});

it('hazard 2: a payout that is ordered is begun or refused with a sentence, whatever is asked for', async () => {
  const contract = `0:${'11'.repeat(32)}`;
  const asked: string[] = [];
  const payOut: PagesDeps['worker']['payOut'] = async (proxy) => {
    asked.push(proxy.toRawString());
    if (asked.length === 1) return { ok: true, amount: 1_500_000_000n };
    if (asked.length === 2) return { ok: false, reason: 'nothing', text: 'nothing is due' };
    if (asked.length === 3) return { ok: false, reason: 'unknown', text: 'no proxy' };
    return { ok: false, reason: 'not-now', text: 'send coins' };
  };
  await withPages({ payOut }, async (ask) => {
    for (const query of ['', '?proxy=', '?proxy=x', '?proxy=%00']) {
      assert.equal((await ask(`/request/payout${query}`, post)).status, 400);
    }
    assert.equal((await ask(`/request/payout?proxy=${contract}`)).status, 405);
    const path = `/request/payout?proxy=${contract}`;
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await ask(path, post));
    assert.deepEqual(
      answers.map(({ status, body }) => `${status} ${body.trim()}`),
      ['202 a payout of 1.5 TON is under way', '409 nothing is due', '404 no proxy', '503 send coins'],
    );
    assert.deepEqual(
      asked,
      Array.from({ length: 4 }, () => contract),
    );
  });
});
