import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recordedEvidence } from './recorded.ts';

it('recorded evidence is what it was, whatever is asked, and not for somebody who has left', async () => {
  const items = [{ kind: 'tdx', data: Buffer.from('quote') }] as const;
  await using provider = recordedEvidence(items);
  const { signal } = new AbortController();
  assert.equal(provider.kind, 'recorded');
  for (const byte of [1, 2]) {
    assert.deepEqual(await provider.collect({ reportData: Buffer.alloc(64, byte), signal }), items);
  }
  assert.deepEqual(await provider.collect({ nonce: Buffer.alloc(32), expected: 1, signal }), items);
  const left = AbortSignal.abort(new Error('gone'));
  await assert.rejects(provider.collect({ reportData: Buffer.alloc(64), signal: left }), /gone/);
});
