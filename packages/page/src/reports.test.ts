import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { failures, networkRules, registeredProxies, synced, traffic } from './reports.ts';
import { weakestTier } from './tier.ts';

it('shows the counters that moved, each in its unit', () => {
  const none = [0, 0, 0, 0, 0, 0, 0];
  const shown = String(
    traffic({ queries: [1_234, 0.5, 0.1, 0.001, 0, 0, 0], bytes_sent: [2_048, 30.4, 0.1, 0, 0, 0, 0], failed: none }),
  );
  assert.match(shown, /requests<\/th><td class="number">1,234<\/td><td class="number">0\.50<\/td>/);
  assert.match(shown, /2\.0 KiB<\/td><td class="number">30 B<\/td><td class="number">&#60;1 B<\/td>/);
  assert.doesNotMatch(shown, /failed|\d\.\d{3}/);
  assert.equal(traffic({ queries: none }), undefined);
});

it('lists failures, the most frequent first, and nothing where nothing failed', () => {
  assert.match(String(failures({ RARE: 1, OFTEN: 2_000 })), /OFTEN.*2,000.*RARE/);
  assert.equal(failures({}), undefined);
});

it('shows the root contract of a recorded C++ proxy', () => {
  const file = new URL('../../../vectors/cocoon-cpp/end-proxy-jsonstats.json', import.meta.url);
  const root = JSON.parse(readFileSync(file, 'utf8')).root_contract_config;
  const shown = String(networkRules(root));
  assert.match(shown, /2 nanoton/);
  assert.match(shown, /prompt 1×, cached 1×, completion 1×, reasoning 1×/);
  assert.match(shown, /least stake of a client<\/dt><dd>1 TON/);
  assert.match(shown, /a proxy may close after<\/dt><dd>10 min/);
  assert.match(shown, /title="3EBA31C8[0-9A-F]+">3EBA31…3EBA</);
  assert.match(String(registeredProxies(root)), /\[127\.0\.0\.1:21501\]/);
  assert.equal(networkRules({ price_per_token: 'dear', proxy_hashes: 7 }), undefined);
  assert.equal(registeredProxies({}), undefined);
});

it('judges the age of the root state as the C++ pages do', () => {
  const now = 1_000_000_000;
  const at = (secondsAgo: number) => synced(now / 1_000 - secondsAgo, now);
  assert.equal(at(0), 'synced, just now');
  assert.equal(at(599), 'synced, 10 min ago');
  assert.equal(at(600), 'late, 10 min ago');
  assert.equal(at(3_600), 'out of sync, 60 min ago');
  assert.equal(synced(0, now), undefined);
});

it('a chain of peers is as confidential as its weakest', () => {
  assert.equal(weakestTier(['tdx', 'tdx']), 'tdx');
  assert.equal(weakestTier(['tdx', 'fake_tdx']), 'simulated');
  assert.equal(weakestTier(['tdx', 'none', 'fake_tdx']), 'open');
  assert.equal(weakestTier(['something new']), 'open');
  assert.equal(weakestTier([]), undefined);
});
