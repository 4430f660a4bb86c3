import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SseReader } from './sse.ts';

const TEXT =
  ': comment\r\n\r\ndata: {"a":"é✓"}\r\n\r\nid: 1\nevent: x\ndata:one\ndata: two\n\n\ndata: [DONE]\n\ndata: cut';

test('how the bytes are cut changes nothing', () => {
  const bytes = Buffer.from(TEXT);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const reader = new SseReader(1_000);
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const events = places.slice(1).flatMap((to, i) => reader.push(bytes.subarray(places[i], to)));
      assert.deepEqual(events, ['{"a":"é✓"}', 'one\ntwo', '[DONE]']);
    }),
  );
});

test('an event without end is refused before it is kept for long', () => {
  const line = new SseReader(1_000);
  assert.throws(() => line.push(Buffer.alloc(1_001, 'x')), { code: 'GATEWAY_BAD_ANSWER' });
  const lines = new SseReader(1_000);
  assert.throws(
    () => {
      for (let i = 0; i < 1_000; i++) lines.push(Buffer.from('data: 123\n'));
    },
    { code: 'GATEWAY_BAD_ANSWER' },
  );
});
