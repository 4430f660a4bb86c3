import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nanoTon } from '@bombyx/base';
import fc from 'fast-check';
import { afterCrash, type Books, type Caps, hold, NO_BOOKS, onDay, settle, shortageOf } from './key-account.ts';

const DAYS = ['2026-01-01', '2026-01-02', '2026-01-03'] as const;

it('never spends above a cap, whatever runs at once, ends, or dies', () => {
  const amount = fc.bigInt(0n, 60n);
  const event = fc.oneof(
    fc.record({ type: fc.constant('ask' as const), amount }),
    fc.record({ type: fc.constant('end' as const), which: fc.nat(20), cost: amount }),
    fc.record({ type: fc.constant('crash' as const) }),
    fc.record({ type: fc.constant('midnight' as const) }),
  );
  const caps = fc.record({
    total: fc.option(amount.map(nanoTon), { nil: undefined }),
    day: fc.option(amount.map(nanoTon), { nil: undefined }),
  });
  fc.assert(
    fc.property(caps, fc.array(event, { maxLength: 60 }), (caps: Caps, events) => {
      let books: Books = NO_BOOKS;
      let day = 0;
      let running: bigint[] = [];
      const billed = new Map<number, bigint>();
      for (const event of events) {
        books = onDay(books, DAYS[day]!);
        if (event.type === 'midnight') day = Math.min(day + 1, DAYS.length - 1);
        else if (event.type === 'ask' && !shortageOf(books, caps, event.amount)) {
          books = hold(books, event.amount);
          running.push(event.amount);
        } else if (event.type === 'end' && running.length > 0) {
          const [most] = running.splice(event.which % running.length, 1) as [bigint];
          const cost = event.cost % (most + 1n);
          books = settle(books, most, cost);
          billed.set(day, (billed.get(day) ?? 0n) + cost);
        } else if (event.type === 'crash') {
          // the proxy bills what ran, and nobody hears of it
          for (const most of running) billed.set(day, (billed.get(day) ?? 0n) + most);
          running = [];
          books = afterCrash(books, DAYS[day]!);
        }
        const all = [...billed.values()].reduce((sum, cost) => sum + cost, 0n);
        assert.equal(books.spentTotal, all);
        assert.ok(caps.total === undefined || all <= caps.total, 'total cap');
        for (const cost of billed.values()) assert.ok(caps.day === undefined || cost <= caps.day, 'cap of a day');
      }
    }),
  );
});

it('lets a request through that just fits, and not one that is a nanoTON above', () => {
  const caps = { total: nanoTon(10n) };
  assert.equal(shortageOf(NO_BOOKS, caps, 10n), undefined);
  assert.deepEqual(shortageOf(hold(NO_BOOKS, 4n), caps, 7n), { cap: 'total', limit: 10n, left: 6n, held: 4n });
});

it('starts a new day at nothing, keeps what is held, and does not bring a day back when the clock is set back', () => {
  const spent = settle(hold(onDay(NO_BOOKS, '2026-01-02'), 9n), 5n, 5n);
  assert.deepEqual(onDay(spent, '2026-01-03'), { spentTotal: 5n, day: '2026-01-03', spentDay: 0n, held: 4n });
  assert.deepEqual(onDay(spent, '2026-01-01'), spent);
});
