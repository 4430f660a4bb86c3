import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { statsPage } from './page.ts';
import type { ProxySnapshot } from './snapshot.ts';
import { Stats } from './stats.ts';

const HOSTILE = '"><script>alert(1)</script><b a=\'';
const OWNER = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';
const NOW_SEC = 1_795_000_000;

/** What a proxy shows; `from` is put wherever a peer can choose the text. */
function snapshotOf(from: string, changes: Partial<ProxySnapshot> = {}): ProxySnapshot {
  const stats = new Stats({ clock: new FakeClock() });
  stats.add('queries', 12_345);
  return {
    status: {
      wallet_balance: 0,
      actual_image_hash: '',
      ton_last_synced_at: NOW_SEC,
      enabled: true,
      problem: null,
      git_commit: '',
      git_commit_data: '',
    },
    stats: stats.read(),
    wallet: { address: OWNER, balance: 0, seqno: 0 },
    localconfig: { root_address: OWNER, owner_address: OWNER, check_worker_hashes: false },
    smartcontract: { address: OWNER, params_version: 1, balance: 0, ready_for_withdraw: 0 },
    old_instances: [],
    root_contract_config: { version: 3, registered_proxies: [{ seqno: 1, address_for_clients: from }] },
    workers: [
      {
        owner_address: from,
        sc_address: OWNER,
        earned_tokens: 1_000_000,
        unpayed_tokens: 0,
        paying_now: true,
        running_queries: 0,
      },
    ],
    worker_connections: [
      {
        owner_address: from,
        model: from,
        worker_hash: from,
        coefficient: 1_500,
        running_queries: 2,
        max_queries: 16,
        queries_10m: 0.009991230583796704,
        queries_time_10m: 0.0011650438752450188,
        worker_queries_time_10m: 0.0011650438752450188,
        queries_success_10m: 0.004995615291898352,
        first_byte_ms: 134.9561504848061,
        proto_version: 3,
        enabled: true,
      },
    ],
    clients: [
      {
        owner_address: from,
        sc_address: OWNER,
        used_tokens: 210,
        tokens_to_charge: 210,
        available_tokens: 499_999_999_999_790,
        reserved_tokens: 0,
        running_queries: 0,
        closing: false,
        closed: true,
      },
    ],
    queue: [{ model: from, waiting: 3, workers: 1 }],
    running: 5,
    buffered_bytes: 2_048,
    selection: [{ model: from, worker: from, verdict: 'too-expensive', because: from }],
    ...changes,
  };
}

const state = { attestations: ['fake_tdx'], nowMs: NOW_SEC * 1_000 + 180_000 };

it('what a worker or client says about itself cannot become part of the page', () => {
  const shown = statsPage(snapshotOf(HOSTILE), state);
  assert.ok(shown.includes('&#34;&#62;&#60;script&#62;'));
  assert.ok(!shown.includes('<script') && !shown.includes("<b a='"));
});

it('shows numbers for people: grouped, rounded, with their units', () => {
  const shown = statsPage(snapshotOf('bombyx-tiny'), state);
  for (const text of ['12,345', '1.5×', '2 of 16', '135 ms', '117 ms', '50 %', '0.60', '2.0 KiB', 'too expensive']) {
    assert.ok(shown.includes(`>${text}<`), text);
  }
  assert.doesNotMatch(shown, /\d\.\d{4}/);
});

it('fits a phone, and says its state and the tier of its workers', () => {
  const shown = statsPage(snapshotOf('m'), state);
  assert.match(shown, /name="viewport"/);
  assert.match(shown, /Bombyx <b>proxy<\/b>.*\s+<span class="badge good">taking requests<\/span>/);
  assert.match(shown, /tier: SIMULATED/);
  const alone = statsPage(snapshotOf('m', { worker_connections: [], workers: [] }), { ...state, attestations: [] });
  assert.match(alone, /<span class="badge bad">no worker<\/span>/);
  assert.match(alone, /No worker is connected\./);
  assert.doesNotMatch(alone, /tier/);
  const status = { ...snapshotOf('m').status, enabled: false };
  assert.match(statsPage(snapshotOf('m', { status }), state), /<span class="badge fair">switched off<\/span>/);
});

it('shows balances and the age of the chain only where a chain was read, and no commit that nobody knows', () => {
  const shown = statsPage(snapshotOf('m'), state);
  assert.doesNotMatch(shown, /git.commit|synced|balance/i);
  const wallet = { address: OWNER, balance: 5_000_000_000, seqno: 7 };
  const onChain = statsPage(snapshotOf('m', { wallet }), state);
  assert.match(onChain, /wallet balance<\/dt><dd>5 TON/);
  assert.match(onChain, /synced, 3 min ago/);
});
