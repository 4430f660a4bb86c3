import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type Candidate, MAX_UNSENT_BYTES, selectProxy } from './select.ts';

const proxy = (id: string, over: Partial<Candidate> = {}): Candidate => ({
  id,
  ready: true,
  running: 0,
  recentFailures: 0,
  bufferedBytes: 0,
  lacksModel: false,
  ...over,
});
const none = new Set<string>();

it('prefers the least loaded proxy', () => {
  assert.equal(selectProxy([proxy('a', { running: 3 }), proxy('b', { running: 1 })], none, 0.9)?.id, 'b');
});

it('lets a failure weigh like a doubled load', () => {
  const failing = proxy('a', { running: 1, recentFailures: 1 }); // 2 × 2
  assert.equal(selectProxy([failing, proxy('b', { running: 2 })], none, 0)?.id, 'b');
  assert.equal(selectProxy([failing, proxy('b', { running: 4 })], none, 0)?.id, 'a');
});

it('asks a proxy that lacks the model only when no other is left', () => {
  const lacking = proxy('a', { lacksModel: true });
  assert.equal(selectProxy([lacking, proxy('b', { running: 5_000 })], none, 0)?.id, 'b');
  assert.equal(selectProxy([lacking], none, 0)?.id, 'a');
});

it('never offers a request twice to the same proxy', () => {
  assert.equal(selectProxy([proxy('a'), proxy('b')], new Set(['a']), 0)?.id, 'b');
  assert.equal(selectProxy([proxy('a')], new Set(['a']), 0), undefined);
});

it('leaves out what is not ready or takes no more bytes', () => {
  const full = proxy('b', { bufferedBytes: MAX_UNSENT_BYTES + 1 });
  assert.equal(selectProxy([proxy('a', { ready: false }), full], none, 0), undefined);
});

it('shares evenly between equals', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 300; i += 1) {
    const id = selectProxy([proxy('a'), proxy('b'), proxy('c')], none, i / 300)?.id ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [100, 100, 100]);
});

it('chooses a usable proxy whenever there is one, whatever the numbers', () => {
  const anyProxy = fc.record({
    id: fc.string({ minLength: 1 }),
    ready: fc.boolean(),
    running: fc.nat(10_000),
    recentFailures: fc.double({ min: 0, max: 1e6, noNaN: true }),
    bufferedBytes: fc.nat(2 * MAX_UNSENT_BYTES),
    lacksModel: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(anyProxy),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (proxies, random) => {
        const chosen = selectProxy(proxies, none, random);
        const usable = proxies.filter((one) => one.ready && one.bufferedBytes <= MAX_UNSENT_BYTES);
        assert.equal(chosen === undefined, usable.length === 0);
        if (chosen) assert.ok(usable.includes(chosen));
      },
    ),
  );
});
