import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { nanoTon, silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { GatewayError, type GatewayErrorCode } from './errors.ts';
import type { Caps } from './key-account.ts';
import { KeyError } from './key-errors.ts';
import { KEYS_FILE, KeyStore } from './key-store.ts';
import { Keys } from './keys.ts';

const is = (code: GatewayErrorCode) => (error: unknown) => error instanceof GatewayError && error.code === code;

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-keys-'));
  const path = join(folder, KEYS_FILE);
  const clock = new FakeClock(Date.UTC(2026, 0, 31, 23, 59, 0));
  const store = new KeyStore(path);
  const open = (required = false) => {
    const keys = new Keys({ path, required }, { clock, log: silentLogger });
    t.after(() => keys[Symbol.dispose]());
    return keys;
  };
  t.after(() => {
    store[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const create = (name: string, caps: Caps = {}) => `Bearer ${store.create(name, caps, clock.nowMs()).key}`;
  return { path, clock, store, open, create, books: () => store.list()[0]!.books };
}

it('asks for no key until there is one, and notices the first within a second', (t) => {
  const { open, create, clock } = setUp(t);
  const keys = open();
  assert.equal(keys.asks(undefined), false);
  create('laptop');
  clock.advance(1_000);
  assert.equal(keys.asks(undefined), true);
});

it('counts the first request of the first key, however soon it comes', (t) => {
  const { open, create } = setUp(t);
  const keys = open();
  assert.equal(keys.asks('Bearer bxk_nobody'), false);
  const bearer = create('laptop');
  assert.equal(keys.asks(bearer), true);
  assert.equal(keys.asks(undefined), true);
});

it('asks for a key before there is one when it is told to', (t) => {
  const keys = setUp(t).open(true);
  assert.equal(keys.asks(undefined), true);
  assert.throws(() => keys.authenticate('Bearer sk-anything'), is('GATEWAY_INVALID_API_KEY'));
});

it('refuses a revoked key at once, and goes on asking when none is left', (t) => {
  const { open, create, store, clock } = setUp(t);
  const bearer = create('laptop');
  const keys = open();
  assert.equal(keys.authenticate(bearer).name, 'laptop');
  store.revoke('laptop', clock.nowMs());
  assert.throws(() => keys.authenticate(bearer), is('GATEWAY_INVALID_API_KEY'));
  assert.equal(keys.asks(undefined), true);
});

for (const [name, change] of [
  ['no header', () => undefined],
  ['another scheme', (bearer: string) => bearer.replace('Bearer', 'Basic')],
  ['the key alone', (bearer: string) => bearer.slice(7)],
  [
    'one character changed',
    (bearer: string) => bearer.slice(0, -2) + (bearer.at(-2) === 'A' ? 'B' : 'A') + bearer.at(-1),
  ],
  ['a character more', (bearer: string) => `${bearer}A`],
  ['the prefix', (bearer: string) => bearer.slice(0, 19)],
] as const) {
  it(`refuses ${name}`, (t) => {
    const { open, create } = setUp(t);
    const bearer = create('laptop');
    const keys = open();
    assert.throws(() => keys.authenticate(change(bearer)), is('GATEWAY_INVALID_API_KEY'));
    assert.equal(keys.authenticate(bearer.replace('Bearer', 'bearer')).name, 'laptop');
  });
}

it('lets as many of a hundred concurrent requests in as the cap covers', async (t) => {
  const { open, create, books } = setUp(t);
  const bearer = create('laptop', { total: nanoTon(1_000n) });
  const keys = open();
  const key = keys.authenticate(bearer);
  const tries = await Promise.allSettled(Array.from({ length: 100 }, () => keys.hold(key, 30n)));
  const holds = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  assert.equal(holds.length, 33);
  assert.ok(tries.every((result) => result.status === 'fulfilled' || is('GATEWAY_INSUFFICIENT_QUOTA')(result.reason)));
  assert.equal(books().held, 990n);
  await Promise.all(holds.map((held, i) => held.settle(BigInt(i % 31))));
  const spent = holds.reduce((sum, _, i) => sum + BigInt(i % 31), 0n);
  assert.deepEqual(books(), { spentTotal: spent, day: '2026-01-31', spentDay: spent, held: 0n });
});

it('shares one commit among what comes up in one turn', async (t) => {
  const { path, open, create } = setUp(t);
  const bearer = create('laptop');
  const keys = open();
  const key = keys.authenticate(bearer);
  const before = statSync(`${path}-wal`).size;
  await Promise.all(Array.from({ length: 50 }, () => keys.hold(key, 1n)));
  const pages = (statSync(`${path}-wal`).size - before) / 4_120; // a page and its header
  assert.ok(pages >= 1 && pages < 5, `${pages} pages for 50 requests`);
});

it('says which cap, what is left of it, and when it resets', async (t) => {
  const { open, create, clock } = setUp(t);
  const bearer = create('laptop', { day: nanoTon(1_500_000_000n), total: nanoTon(3_000_000_000n) });
  const keys = open();
  const key = keys.authenticate(bearer);
  const held = await keys.hold(key, 1_000_000_000n);
  await assert.rejects(keys.hold(key, 600_000_000n), (error: GatewayError) => {
    assert.equal(error.code, 'GATEWAY_INSUFFICIENT_QUOTA');
    assert.match(
      error.message,
      /may spend 1\.5 TON a day and has 0\.5 TON left \(1 TON are held for running requests\)/,
    );
    assert.match(error.message, /may cost up to 0\.6 TON; it resets at 2026-02-01T00:00:00Z/);
    return true;
  });
  await held.settle(1_000_000_000n);
  clock.advance(60_000);
  const tomorrow = await keys.hold(key, 1_500_000_000n);
  await tomorrow.settle(1_500_000_000n);
  clock.advance(86_400_000);
  await assert.rejects(keys.hold(key, 600_000_000n), /3 TON in total and has 0\.5 TON left, .* it does not reset/);
});

it('charges a request once, at most what it held, and all of that when nobody knows', async (t) => {
  const { open, create, books } = setUp(t);
  const bearer = create('laptop');
  const keys = open();
  const key = keys.authenticate(bearer);
  const [once, above, below, unknown] = await Promise.all([1, 2, 3, 4].map(() => keys.hold(key, 10n)));
  await Promise.all([
    once!.settle(1n),
    once!.settle(10n),
    above!.settle(11n),
    below!.settle(-5n),
    unknown!.settle(undefined),
  ]);
  assert.deepEqual([books().spentTotal, books().held], [31n, 0n]);
});

it('counts what was held as spent when the process was killed, and nothing twice', async (t) => {
  const { path, open, create, books } = setUp(t);
  const bearer = create('laptop', { total: nanoTon(100n) });
  const child = fork(new URL('../testing/held-and-killed.ts', import.meta.url), [path, bearer]);
  const [told] = (await once(child, 'message')) as [string];
  assert.equal(told, 'held');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual([books().spentTotal, books().held], [10n, 40n]);
  const first = open();
  assert.deepEqual([books().spentTotal, books().held], [50n, 0n]);
  await assert.rejects(first.hold(first.authenticate(bearer), 51n), is('GATEWAY_INSUFFICIENT_QUOTA'));
  first[Symbol.dispose]();
  open();
  assert.deepEqual([books().spentTotal, books().held], [50n, 0n]);
});

it('refuses a second gateway on the same file, and lets it in when the first is gone', (t) => {
  const { open } = setUp(t);
  const first = open();
  assert.throws(
    () => open(),
    (error) => error instanceof KeyError && error.code === 'KEY_IN_USE',
  );
  first[Symbol.dispose]();
  open();
});

it('refuses requests it cannot write down, and forgets no spending over it', async (t) => {
  const { path, open, create, clock, books } = setUp(t);
  const bearer = create('laptop', { total: nanoTon(100n) });
  const keys = open();
  const key = keys.authenticate(bearer);
  const running = await keys.hold(key, 60n);
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(keys.hold(key, 10n), is('GATEWAY_KEYS_UNAVAILABLE'));
  await assert.rejects(running.settle(50n), is('GATEWAY_KEYS_UNAVAILABLE'));
  assert.throws(() => keys.holdNow(key, 10n), is('GATEWAY_KEYS_UNAVAILABLE'));
  other.exec('COMMIT');
  other.close();
  clock.advance(1_000);
  assert.deepEqual([books().spentTotal, books().held], [50n, 0n]);
  await assert.rejects(keys.hold(key, 51n), is('GATEWAY_INSUFFICIENT_QUOTA'));
  await (await keys.hold(key, 50n)).settle(0n);
});

it('lets keys be made while it runs and spends', async (t) => {
  const { open, create, store } = setUp(t);
  const first = create('first');
  const keys = open();
  for (let i = 0; i < 20; i += 1) {
    const held = await keys.hold(keys.authenticate(first), 5n);
    const bearer = create(`key ${i}`);
    assert.equal(keys.authenticate(bearer).name, `key ${i}`);
    await held.settle(1n);
  }
  assert.equal(store.list()[0]!.books.spentTotal, 20n);
});
