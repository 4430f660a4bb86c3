import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { ProxyError } from './errors.ts';
import { type Charge, SqliteStore } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'bombyx-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${++files}.sqlite`);
const openAt = (path: string) => new SqliteStore({ path }, { clock: systemClock });

function charge(total: bigint, over: Partial<Charge> = {}): Charge {
  const tokens = { prompt: total, cached: 0n, completion: 0n, reasoning: 0n, total };
  return { id: randomBytes(32), client: 'client', worker: 'worker', tokens, atMs: 1, ...over };
}
const code = (expected: string) => (error: unknown) => error instanceof ProxyError && error.code === expected;

describe('the store', () => {
  it('refuses a folder that cannot be made instead of waiting for it for ever', () => {
    assert.throws(() => openAt('/proc/none/proxy.sqlite'), code('PROXY_STORE'));
  });

  it('keeps balances as sums of charges, beyond 2^53', async () => {
    const path = newPath();
    const big = 2n ** 60n;
    {
      using store = openAt(path);
      await Promise.all([
        store.charge(charge(big)),
        store.charge(charge(1n)),
        store.charge(charge(2n, { client: 'b' })),
      ]);
    }
    using store = openAt(path);
    assert.equal(store.used('client'), big + 1n);
    assert.equal(store.used('b'), 2n);
    assert.equal(store.used('nobody'), 0n);
    assert.equal(store.earned('worker'), big + 3n);
    assert.deepEqual(store.totals(), { charged: big + 3n, used: big + 3n, earned: big + 3n, charges: 3 });
  });

  it('charges an id once: alone, twice in a group, and after a restart', async () => {
    const path = newPath();
    const once = charge(5n);
    {
      using store = openAt(path);
      const [first, second, other] = await Promise.allSettled([
        store.charge(once),
        store.charge(once),
        store.charge(charge(7n)),
      ]);
      assert.equal(first.status, 'fulfilled');
      assert.ok(second.status === 'rejected' && code('PROXY_DUPLICATE_CHARGE')(second.reason));
      assert.equal(other.status, 'fulfilled', 'a duplicate does not spoil its group');
    }
    using store = openAt(path);
    await assert.rejects(store.charge(once), code('PROXY_DUPLICATE_CHARGE'));
    assert.equal(store.totals().charged, 12n);
  });

  it('commits a group in one transaction', async () => {
    const clock = new FakeClock();
    using store = new SqliteStore({ path: ':memory:', gatherMs: () => 2 }, { clock });
    let done = 0;
    for (let i = 0; i < 50; i += 1) void store.charge(charge(1n)).then(() => (done += 1));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, 0, 'under load a group gathers');
    clock.advance(2);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, 50);
  });

  it('fails closed when the disk is full, keeps nothing of it, and goes on when there is room', async () => {
    const path = newPath();
    using store = openAt(path);
    await store.charge(charge(1n));
    store.limitPages(8);
    let refused = 0;
    for (let i = 0; i < 400; i += 1)
      await store.charge(charge(1n)).catch((error) => {
        assert.ok(code('PROXY_STORE')(error), String(error));
        refused += 1;
      });
    assert.ok(refused > 0, 'the file reached its limit');
    const { charged, used, earned, charges } = store.totals();
    assert.equal(charges, 401 - refused);
    assert.ok(charged === used && used === earned && charged === BigInt(charges));
    store.limitPages(1_000_000);
    await store.charge(charge(1n));
  });

  it('says what is wrong with a file it cannot use', () => {
    const path = newPath();
    writeFileSync(path, 'this is not a database, but long enough to look like something else entirely'.repeat(20));
    assert.throws(() => openAt(path), /cannot open the database .*: .*not a database/);
    const newer = newPath();
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version=99');
    db.close();
    assert.throws(() => openAt(newer), /written by a newer version/);
  });

  it('lets no second proxy open its file', () => {
    const path = newPath();
    using _store = openAt(path);
    assert.throws(() => openAt(path), /cannot open the database .*: another proxy has it open/);
  });

  it('refuses charges after it was closed, and commits those that waited', async () => {
    const store = openAt(newPath());
    const waiting = store.charge(charge(1n));
    store[Symbol.dispose]();
    await waiting;
    await assert.rejects(store.charge(charge(1n)), code('PROXY_STORE_CLOSED'));
  });

  it('loses no charge that it said was durable, killed with -9 at any instant', { timeout: 60_000 }, async () => {
    const path = newPath();
    const child = fileURLToPath(new URL('../testing/charging-child.ts', import.meta.url));
    const durable = new Map<string, bigint>();
    for (let round = 1; round <= 3; round += 1) {
      const process_ = spawn(process.execPath, [child, path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      process_.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > 3_000 * round) process_.kill('SIGKILL');
      });
      await once(process_, 'close');
      for (const line of text.split('\n').slice(0, -1)) {
        const [id = '', total = '0'] = line.split(' ');
        durable.set(id, BigInt(total));
      }
      const store = openAt(path);
      const { charged, used, earned } = store.totals();
      store[Symbol.dispose]();
      assert.ok(charged === used && used === earned, 'balances are the sums of the charges');
      const db = new DatabaseSync(path, { readOnly: true });
      const kept = new Map(
        db
          .prepare('SELECT hex(id) AS id, total FROM charges')
          .all()
          .map((row) => [String(row['id']).toLowerCase(), BigInt(Number(row['total']))]),
      );
      db.close();
      for (const [id, total] of durable) assert.equal(kept.get(id), total, `charge ${id} was printed and is lost`);
    }
    assert.ok(durable.size > 50);
  });
});
