import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock, turn } from '@bombyx/testkit';
import { memoryLog } from '../../testing/clocks.ts';
import { EvidenceError } from '../index.ts';
import { compareStanding, type RecordKind, type Source } from './record.ts';
import { RecordStore, type RecordStoreOptions } from './record-store.ts';

const DAY = 86_400_000;

interface Note {
  readonly name: string;
  readonly issuedAtMs: number;
  readonly number: number;
}

/** Good for thirty days. */
const notes: RecordKind<string, Note> = {
  name: 'notes',
  keyOf: (need) => need,
  encode: (note) => JSON.stringify(note),
  decode: (text) => JSON.parse(text) as Note,
  needOf: ({ name }) => name,
  judge({ name, issuedAtMs, number }, need, atMs) {
    if (name !== need) throw new EvidenceError('COLLATERAL_REFUSED', 'of somebody else');
    const expiresAtMs = issuedAtMs + 30 * DAY;
    if (atMs !== undefined && atMs > expiresAtMs) throw new EvidenceError('COLLATERAL_EXPIRED', 'has ended');
    return { ages: [issuedAtMs, number], issuedAtMs, expiresAtMs };
  },
};

function open(over: Partial<RecordStoreOptions<string, Note>> = {}) {
  const clock = new FakeClock();
  const log = memoryLog();
  const world = {
    clock,
    log,
    asked: 0,
    /** Fetched next; undefined: nobody answers. */
    answer: (name: string): Note | undefined => ({ name, issuedAtMs: clock.nowMs(), number: 1 }),
  };
  const source: Source<string, Note> = {
    host: 'here',
    async fetch(name) {
      world.asked += 1;
      const note = world.answer(name);
      if (note === undefined) throw new EvidenceError('COLLATERAL_UNREACHABLE', 'silent');
      return note;
    },
    async [Symbol.asyncDispose]() {},
  };
  let byte = 0;
  const random = {
    bytes() {
      byte = (byte + 85) % 256;
      return Uint8Array.of(byte);
    },
  };
  const store = new RecordStore(notes, { sources: [source], ...over }, { clock, random, log });
  const get = (name: string) => store.get(name, new AbortController().signal);
  return Object.assign(world, { store, get, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
}

it('an age that goes back is older, whatever the others do', () => {
  const kept = { ages: [5, 5], issuedAtMs: 0, expiresAtMs: 0 };
  const order = (...ages: number[]) => compareStanding({ ...kept, ages }, kept);
  assert.deepEqual(
    [order(5, 5), order(6, 5), order(5, 6), order(9, 4), order(4, 9)],
    ['same', 'newer', 'newer', 'older', 'older'],
  );
});

it('fetches again at half of the validity, each record at its own moment', async () => {
  await using world = open();
  for (const name of ['a', 'b', 'c']) await world.get(name);
  assert.equal(world.asked, 3);
  await world.clock.advanceGently(13 * DAY, DAY);
  assert.equal(world.asked, 3, 'not before 0.45 of the validity');
  const moments = new Set<number>();
  for (let hour = 0; hour < 5 * 24; hour += 1) {
    const before = world.asked;
    await world.clock.advanceGently(3_600_000, 3_600_000);
    if (world.asked > before) moments.add(hour);
  }
  assert.equal(world.asked, 6);
  assert.equal(moments.size, 3, 'not all at once');
  assert.equal(world.store.version, 6);
});

it('a refresh that fails is tried again, later and later, and warns below three days', async () => {
  await using world = open();
  await world.get('a');
  world.answer = () => undefined;
  await world.clock.advanceGently(26 * DAY, DAY);
  assert.ok(world.asked > 50 && world.asked < 26 * 24, `${world.asked} requests`);
  const ending = () => world.log.lines.filter(({ message }) => message.startsWith('collateral ends soon'));
  assert.deepEqual(ending(), []);
  await world.clock.advanceGently(2 * DAY, DAY);
  assert.ok(ending().length > 0);
  assert.equal(ending()[0]?.fields['daysLeft'], 2);
  assert.ok(world.store.peek('a'));
  await world.clock.advanceGently(3 * DAY, DAY);
  assert.equal(world.store.peek('a'), undefined, 'at 0 nothing is accepted');
  await assert.rejects(world.get('a'), { code: 'COLLATERAL_UNREACHABLE' });
  assert.ok(world.log.lines.some(({ level, message }) => level === 'error' && message.includes('has ended')));
});

it('a service without anything newer is asked once a day', async () => {
  await using world = open();
  const note = await world.get('a');
  world.answer = () => note;
  await world.clock.advanceGently(20 * DAY, DAY);
  assert.ok(world.asked >= 4 && world.asked <= 9, `${world.asked} requests`);
  assert.equal(world.store.version, 1);
});

it('a refresh that brings something older changes nothing', async () => {
  await using world = open();
  const note = await world.get('a');
  world.answer = (name) => ({ name, issuedAtMs: world.clock.nowMs(), number: 0 });
  await world.clock.advanceGently(20 * DAY, DAY);
  assert.ok(world.asked > 1);
  assert.equal(world.store.peek('a'), note);
});

it('so many records are known, and no more', async () => {
  await using world = open({ maxRecords: 3 });
  for (const name of ['a', 'b', 'c']) await world.get(name);
  await assert.rejects(world.get('d'), { code: 'COLLATERAL_LIMIT' });
  assert.equal((await world.get('a')).name, 'a');
  assert.equal(world.asked, 3);
});

it('strangers bring new needs at a bounded rate', async () => {
  await using world = open();
  const outcomes = await Promise.allSettled(Array.from({ length: 36 }, (_, i) => world.get(`n${i}`)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 32);
  await turn();
  world.clock.advance(1_000);
  assert.equal((await world.get('n99')).name, 'n99');
});

it('one stranger who brings new needs does not use up those of others', async () => {
  await using world = open();
  const { signal } = new AbortController();
  const ask = (name: string, from: string) => world.store.get(name, signal, from);
  const flood = await Promise.allSettled(Array.from({ length: 36 }, (_, i) => ask(`n${i}`, '192.0.2.66')));
  assert.equal(flood.filter(({ status }) => status === 'fulfilled').length, 8);
  assert.equal((await ask('other', '192.0.2.7')).name, 'other');
  await assert.rejects(ask('more', '192.0.2.66'), { code: 'COLLATERAL_LIMIT' });
  assert.equal((await ask('n0', '192.0.2.66')).name, 'n0', 'what is known costs nothing');
  world.clock.advance(4_000);
  assert.equal((await ask('more', '192.0.2.66')).name, 'more');
});

it('offline, only what was brought is there', async () => {
  await using world = open({ sources: [] });
  await assert.rejects(world.get('a'), { code: 'COLLATERAL_NOT_FOUND' });
  await world.store.add({ name: 'a', issuedAtMs: world.clock.nowMs(), number: 1 });
  assert.equal((await world.get('a')).name, 'a');
  assert.equal(world.clock.pending, 0, 'nothing is looked for');
});
