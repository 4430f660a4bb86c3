import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AttestedPeer, PeerVerdict } from '@bombyx/attest';
import { FakeClock } from '@bombyx/testkit';
import { VerdictCache } from './verdict-cache.ts';

const good = (expiresAtMs: number, owner = ''): PeerVerdict => {
  const peer: AttestedPeer = {
    tier: 'simulated',
    attestation: 'simulated',
    imageHash: new Uint8Array(32),
    publicKey: new Uint8Array(32),
    owner,
    measurements: {},
    advisories: [],
    gpus: [],
    fresh: true,
    notBeforeMs: 0,
    expiresAtMs,
  };
  return { ok: true, peer };
};
const bad: PeerVerdict = { ok: false, failures: [{ code: 'QUOTE_SIGNATURE', message: 'no' }] };
const HOUR = 3_600_000;

it('a good verdict holds until its evidence ends, and an hour at most', () => {
  const clock = new FakeClock();
  const cache = new VerdictCache(clock);
  cache.put('short', good(clock.nowMs() + 1_000));
  cache.put('long', good(clock.nowMs() + 30 * HOUR));
  clock.advance(999);
  assert.ok(cache.get('short') && cache.get('long'));
  clock.advance(1);
  assert.equal(cache.get('short'), undefined);
  clock.advance(HOUR - 1_001);
  assert.ok(cache.get('long'));
  clock.advance(1);
  assert.equal(cache.get('long'), undefined, 'reading did not make it younger');
  assert.deepEqual([cache.size, cache.bytes], [0, 0]);
});

it('a bad verdict holds for seconds', () => {
  const clock = new FakeClock();
  const cache = new VerdictCache(clock);
  cache.put('bad', bad);
  clock.advance(4_999);
  assert.equal(cache.get('bad'), bad);
  clock.advance(1);
  assert.equal(cache.get('bad'), undefined);
});

it('is bounded by number and by bytes; what was not used for longest goes first', () => {
  const clock = new FakeClock();
  const three = new VerdictCache(clock, { entries: 3 });
  for (const key of ['a', 'b', 'c']) three.put(key, bad);
  three.get('a');
  three.put('d', bad);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => three.get(key)),
    ['a', 'c', 'd'],
  );

  const small = new VerdictCache(clock, { bytes: 20_000 });
  for (let i = 0; i < 100; i++) small.put(`${i}`, good(Number.MAX_SAFE_INTEGER, 'x'.repeat(2_000)));
  assert.ok(small.bytes <= 20_000 && small.size >= 4, `${small.size} entries of ${small.bytes} bytes`);
  small.put('huge', good(Number.MAX_SAFE_INTEGER, 'x'.repeat(30_000)));
  assert.equal(small.get('huge'), undefined);
  small.clear();
  assert.deepEqual([small.size, small.bytes], [0, 0]);
});
