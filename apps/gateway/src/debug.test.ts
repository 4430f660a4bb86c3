import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DebugLog, DebugTail } from './debug.ts';

const FINAL = {
  tokens: { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n, total: 0n },
  proxyDebug: '{"type":"proxy_stats"}',
};
const JSON_HEADERS = ['Content-Type', 'application/json; charset=utf-8'];

/** What the caller gets of `parts`. */
function through(parts: string[], headers: string[]): string {
  const kept: string[] = [];
  const tail = new DebugTail(
    () => 1_000,
    (entry) => kept.push(entry),
  );
  const out = [...parts.map((part) => tail.hold(Buffer.from(part))), tail.last(FINAL, headers)];
  assert.equal(kept.length, 1);
  return Buffer.concat(out).toString();
}

test('the last object of a JSON answer gets the member, whatever stands around it', () => {
  for (const parts of [['{"a":"é}"}'], ['{"a":', '"é}"}  \n'], ['{"a":"é}"}', '']]) {
    const answer = JSON.parse(through(parts, JSON_HEADERS));
    assert.equal(answer.a, 'é}');
    assert.deepEqual(answer.debug.proxy, { type: 'proxy_stats' });
    assert.equal(answer.debug.client.start_time, 1);
  }
  assert.ok('debug' in JSON.parse(through(['{ }'], JSON_HEADERS)));
});

test('anything else gets a line of its own', () => {
  for (const [parts, headers] of [
    [['data: {"a":1}'], ['content-type', 'text/event-stream']],
    [['[1]'], JSON_HEADERS],
    [[], JSON_HEADERS],
    [['{"a":1', '}'], JSON_HEADERS],
  ] as const) {
    const answer = through([...parts], [...headers]);
    assert.ok(answer.startsWith(parts.join('')));
    assert.ok('debug' in JSON.parse(answer.slice(parts.join('').length)));
  }
});

test('the log keeps the latest entries and forgets the oldest', () => {
  const log = new DebugLog(2);
  for (const guid of ['a', 'b', 'a', 'c']) log.put(guid, `"${guid}"`);
  assert.deepEqual([log.get('a'), log.get('b'), log.get('c')], ['"a"', '{}', '"c"']);
});
