import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import fc from 'fast-check';
import { seeded } from '../testing/harness.ts';
import { chiSquare, simulate } from '../testing/simulation.ts';
import { type Ask, explain, select, type WorkerView } from './select.ts';
import { FIRST_RAMP, Track } from './track.ts';

const worker = (over: Partial<WorkerView> & { id: string }): WorkerView => ({
  seed: over.id.charCodeAt(0) * 0x01000193,
  coefficient: 1_000,
  enabled: true,
  running: 0,
  limit: 10,
  ramp: 10,
  firstByteMs: 50,
  success: 1,
  ...over,
});
const ask: Ask = { maxCoefficient: 4_000, prefix: undefined, tried: undefined };
/** χ² that equal shares exceed once in a thousand, by degrees of freedom. */
const CHI_999: Readonly<Record<number, number>> = { 3: 16.27, 4: 18.47, 9: 27.88 };

describe('selection over one snapshot', () => {
  it('says why there is nobody', () => {
    const random = seeded(1);
    assert.deepEqual(select([], ask, random), { kind: 'none' });
    assert.deepEqual(select([worker({ id: 'a', enabled: false })], ask, random), { kind: 'none' });
    assert.deepEqual(select([worker({ id: 'a', running: 10 })], ask, random), { kind: 'busy' });
    const dear = [worker({ id: 'a', coefficient: 9_000 }), worker({ id: 'b', coefficient: 5_000 })];
    assert.deepEqual(select(dear, ask, random), { kind: 'too-expensive', cheapest: 5_000 });
  });

  it('never picks a worker that may not have the request', () => {
    const any = fc.record({
      id: fc.uuid(),
      seed: fc.nat(),
      coefficient: fc.integer({ min: 0, max: 8_000 }),
      enabled: fc.boolean(),
      running: fc.nat(20),
      limit: fc.integer({ min: 1, max: 20 }),
      ramp: fc.float({ min: 1, max: 20, noNaN: true }),
      firstByteMs: fc.option(fc.nat(5_000), { nil: undefined }),
      success: fc.float({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(any, { maxLength: 12 }),
        fc.nat(8_000),
        fc.option(fc.nat()),
        fc.nat(),
        (all, max, p, seed) => {
          const wanted = {
            maxCoefficient: max,
            prefix: p ?? undefined,
            tried: new Set(all.slice(0, 2).map((w) => w.id)),
          };
          const choice = select(all, wanted, seeded(seed));
          if (choice.kind !== 'worker') return;
          const chosen = choice.worker;
          assert.ok(chosen.enabled && chosen.coefficient <= max && chosen.running < chosen.limit);
          assert.ok(!wanted.tried.has(chosen.id));
          const told = explain(all, wanted).find(({ id }) => id === chosen.id);
          assert.equal(told?.verdict, 'candidate');
        },
      ),
    );
  });

  it('explains every worker it did not take', () => {
    const all = [
      worker({ id: 'best' }),
      worker({ id: 'off', enabled: false }),
      worker({ id: 'dear', coefficient: 5_000 }),
      worker({ id: 'full', running: 10 }),
      worker({ id: 'new', running: 4, ramp: 4 }),
      worker({ id: 'slow', firstByteMs: 900 }),
      worker({ id: 'tried' }),
    ];
    const told = explain(all, { ...ask, tried: new Set(['tried']) });
    assert.deepEqual(Object.fromEntries(told.map(({ id, verdict }) => [id, verdict])), {
      best: 'candidate',
      off: 'disabled',
      dear: 'above-price-ceiling',
      full: 'full',
      new: 'beyond-ramp',
      slow: 'costs-more',
      tried: 'already-tried',
    });
    assert.match(told.find(({ id }) => id === 'dear')!.because, /asks 5000, the client pays up to 4000/);
  });

  it('binds a prompt prefix to one of near-equal workers, and spreads prefixes over all', () => {
    const all = ['a', 'b', 'c', 'd'].map((id, i) => worker({ id, seed: i * 7_919 + 13 }));
    const counts = new Map<string, number>();
    for (let prefix = 0; prefix < 4_000; prefix += 1) {
      const picks = [1, 2, 3].map((seed) => {
        const choice = select(all, { ...ask, prefix: Math.imul(prefix, 0x9e3779b1) >>> 0 }, seeded(seed));
        return choice.kind === 'worker' ? choice.worker.id : '';
      });
      assert.equal(new Set(picks).size, 1);
      counts.set(picks[0]!, (counts.get(picks[0]!) ?? 0) + 1);
    }
    assert.ok(chiSquare([...counts.values()]) < CHI_999[3]!);
  });

  it('lets a prefix go when its worker is loaded, or costs more', () => {
    const two = (over: Partial<WorkerView>) => [worker({ id: 'a', ...over }), worker({ id: 'b' })];
    const prefix = Array.from({ length: 100 }, (_, i) => i).find((i) => {
      const choice = select(two({}), { ...ask, prefix: i }, seeded(1));
      return choice.kind === 'worker' && choice.worker.id === 'a';
    })!;
    for (const over of [{ running: 8 }, { coefficient: 1_050 }, { success: 0.5 }]) {
      const choice = select(two(over), { ...ask, prefix }, seeded(1));
      assert.equal(choice.kind === 'worker' && choice.worker.id, 'b', JSON.stringify(over));
    }
  });
});

describe('selection over thousands of requests', () => {
  it('idle equal workers share evenly (χ²)', () => {
    const workers = Array.from({ length: 10 }, (_, i) => ({ name: `w${i}`, serviceMs: 5 }));
    const { given, busy } = simulate({ workers, requests: 10_000, everyMs: 20, seed: 11 });
    assert.equal(busy, 0);
    const chi = chiSquare(Object.values(given));
    assert.ok(chi < CHI_999[9]!, `χ² ${chi.toFixed(1)}`);
  });

  it('loaded equal workers share evenly too', () => {
    const workers = Array.from({ length: 5 }, (_, i) => ({ name: `w${i}`, serviceMs: 200, limit: 20 }));
    const { given } = simulate({ workers, requests: 10_000, everyMs: 4, seed: 12 });
    assert.ok(chiSquare(Object.values(given)) < CHI_999[4]!);
  });

  it('a lower price wins the traffic, and the dearer worker gets what the cheap one cannot take', () => {
    const workers = [
      { name: 'cheap', coefficient: 1_000, limit: 10 },
      { name: 'dear', coefficient: 2_000, limit: 10 },
    ];
    const idle = simulate({ workers, requests: 3_000, everyMs: 100, seed: 13 });
    assert.ok(idle.given['cheap']! > 2_900, JSON.stringify(idle.given));
    const busy = simulate({ workers, requests: 3_000, everyMs: 7, seed: 14 });
    assert.ok(busy.given['dear']! > 900, JSON.stringify(busy.given));
    assert.ok(busy.given['cheap']! > busy.given['dear']! / 2);
  });

  it('a little cheaper gets more, not all', () => {
    const workers = [
      { name: 'cheap', coefficient: 1_000 },
      { name: 'dear', coefficient: 1_100 },
    ];
    const { given } = simulate({ workers, requests: 4_000, everyMs: 100, seed: 15 });
    assert.ok(given['cheap']! > given['dear']! * 1.3 && given['dear']! > 200, JSON.stringify(given));
  });

  it('a price above the ceiling gets nothing, however loaded the others are', () => {
    const workers = [
      { name: 'fits', limit: 4 },
      { name: 'dear', coefficient: 1_501, limit: 100 },
    ];
    const { given, busy } = simulate({ workers, requests: 2_000, everyMs: 5, seed: 16, maxCoefficient: 1_500 });
    assert.equal(given['dear'], 0);
    assert.ok(busy > 0);
  });

  it('a worker that fails fast loses its traffic, and gets it back after it recovered', () => {
    const failing = (nowMs: number) => (nowMs < 60_000 ? 1 : 0);
    const workers = [{ name: 'bad', failing }, { name: 'good1' }, { name: 'good2' }];
    const { given, failed, log } = simulate({ workers, requests: 20_000, everyMs: 20, seed: 17 });
    assert.ok(failed < 60, `${failed} of 3000 requests in the bad minute failed`);
    const late = log.filter(({ atMs }) => atMs > 250_000);
    const share = late.filter(({ worker }) => worker === 'bad').length / late.length;
    assert.ok(share > 0.25, `after the recovery it gets ${(share * 100).toFixed(0)} % (${JSON.stringify(given)})`);
  });

  it('a worker that fails now and then gets less than one that does not', () => {
    const workers = [{ name: 'shaky', failing: () => 0.2 }, { name: 'solid' }];
    const { given } = simulate({ workers, requests: 5_000, everyMs: 30, seed: 18 });
    assert.ok(given['shaky']! < given['solid']! / 2, JSON.stringify(given));
  });

  it('a slower first byte loses traffic', () => {
    const workers = [
      { name: 'slow', firstByteMs: 1_000 },
      { name: 'fast', firstByteMs: 50 },
    ];
    const { given } = simulate({ workers, requests: 4_000, everyMs: 50, seed: 19 });
    assert.ok(given['fast']! > given['slow']! * 5, JSON.stringify(given));
  });

  it('a worker that was slow gets its share again when that is long ago', () => {
    const clock = new FakeClock();
    const track = new Track({ clock });
    track.firstByte(3_000, 1_000);
    assert.equal(track.firstByteMs(60_000), 3_000);
    assert.equal(track.firstByteMs(300_000), undefined);
    track.firstByte(50, 300_000);
    assert.equal(track.firstByteMs(300_001), 50, 'the old speed does not weigh on the new one');
  });

  it('a newcomer is not flooded: it starts with a few and earns the rest', () => {
    const workers = [
      { name: 'old1', limit: 50, serviceMs: 300 },
      { name: 'old2', limit: 50, serviceMs: 300 },
      { name: 'new', limit: 50, serviceMs: 300, fromMs: 30_000 },
    ];
    const { log, given } = simulate({ workers, requests: 20_000, everyMs: 5, seed: 20 });
    const first = log.filter(({ worker }) => worker === 'new').slice(0, FIRST_RAMP + 1);
    assert.ok(first.at(-1)!.atMs - first[0]!.atMs > 1, 'the fifth waits for a success');
    assert.ok(given['new']! > 3_000, JSON.stringify(given));
  });

  it('picks from a hundred workers in microseconds', () => {
    const all = Array.from({ length: 100 }, (_, i) => worker({ id: `w${i}`, running: i % 7 }));
    const random = seeded(3);
    const started = performance.now();
    for (let i = 0; i < 2_000; i += 1) select(all, ask, random);
    assert.ok((performance.now() - started) / 2_000 < 1, 'well under a millisecond even on a loaded machine');
  });
});
