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
import { LedgerError, type LedgerEvent } from '@bombyx/ledger';
import { FakeClock } from '@bombyx/testkit';
import { Bookkeeper, type BookkeeperOptions } from './bookkeeper.ts';
import { ProxyError } from './errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'bombyx-books-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${++files}.sqlite`);
const KEY = randomBytes(32);
const openAt = (path: string, over: Partial<BookkeeperOptions> = {}) =>
  new Bookkeeper({ path, key: KEY, ...over }, { clock: systemClock });
const terms = {
  paramsVersion: 1,
  pricePerToken: 2n,
  workerFeePerToken: 1n,
  proxyDelaySec: 600,
  clientDelaySec: 300,
};
const OPENED: LedgerEvent = { type: 'opened', instance: 'proxy', terms };

function charge(total: bigint, client = 'client'): LedgerEvent {
  const tokens = { prompt: total, cached: 0n, completion: 0n, reasoning: 0n, total };
  return { type: 'charged', instance: 'proxy', id: 'aa', client, worker: 'worker', tokens, atMs: 1 };
}
const usedIn = ({ books }: Bookkeeper, client = 'client') => books.active!.accounts.client(client)?.used.max ?? 0n;
const code = (expected: string) => (error: unknown) =>
  (error instanceof ProxyError || error instanceof LedgerError) && error.code === expected;

/** A file with ten records, closed. */
async function tenRecords(over: Partial<BookkeeperOptions> = {}): Promise<string> {
  const path = newPath();
  using keeper = openAt(path, over);
  await keeper.record(OPENED);
  for (let i = 1n; i < 10n; i++) await keeper.record(charge(i));
  return path;
}

/** Changes a file as somebody with the disk could. */
function tamper(path: string, ...statements: readonly string[]): void {
  const db = new DatabaseSync(path);
  for (const sql of statements) db.exec(sql);
  db.close();
}

describe('the bookkeeper', () => {
  it('has after a restart what it had before', async () => {
    const path = newPath();
    const big = 2n ** 60n;
    {
      using keeper = openAt(path);
      await keeper.record(OPENED);
      await Promise.all([keeper.record(charge(big)), keeper.record(charge(1n)), keeper.record(charge(2n, 'b'))]);
      await keeper.record({ type: 'noted', name: 'disabled', value: 'yes' });
    }
    using keeper = openAt(path);
    assert.equal(usedIn(keeper), big + 1n);
    assert.equal(usedIn(keeper, 'b'), 2n);
    assert.equal(keeper.books.active!.accounts.worker('worker')!.earned.max, big + 3n);
    assert.equal(keeper.books.note('disabled'), 'yes');
    assert.equal(keeper.books.audit(), undefined);
  });

  it('lets nothing count before it is on disk', async () => {
    using keeper = openAt(newPath());
    await keeper.record(OPENED);
    const written = keeper.record(charge(5n));
    assert.equal(usedIn(keeper), 0n);
    await written;
    assert.equal(usedIn(keeper), 5n);
  });

  it('writes a group in one flush', async () => {
    const clock = new FakeClock();
    using keeper = new Bookkeeper({ path: ':memory:', key: KEY, gatherMs: () => 2 }, { clock });
    keeper.recordNow(OPENED);
    let done = 0;
    for (let i = 0; i < 50; i++) void keeper.record(charge(1n)).then(() => (done += 1));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, 0, 'under load a group gathers');
    clock.advance(2);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, 50);
  });

  it('takes snapshots, drops what they stand for, and reads the same books from them', async () => {
    const path = await tenRecords({ snapshotEvery: 4, keepRecords: 2 });
    const db = new DatabaseSync(path);
    const rows = db
      .prepare('SELECT seq FROM records')
      .all()
      .map((row) => Number(row['seq']));
    db.close();
    assert.deepEqual(rows, [7, 8, 9, 10], 'two before the snapshot at 8, and those behind it');
    using keeper = openAt(path, { snapshotEvery: 4, keepRecords: 2 });
    assert.equal(usedIn(keeper), 45n);
    await keeper.record(charge(5n));
    assert.equal(usedIn(keeper), 50n);
    assert.equal(keeper.books.audit(), undefined);
  });

  it('fails closed when the disk is full, keeps nothing of it, and goes on when there is room', async () => {
    const path = newPath();
    {
      using keeper = openAt(path);
      await keeper.record(OPENED, charge(1n));
      keeper.limitPages(1);
      let refused = 0;
      for (let i = 0; i < 200 && refused === 0; i++) {
        await keeper.record(charge(1n, `client-${i}`)).catch((error: unknown) => {
          assert.ok(code('PROXY_STORE')(error));
          refused++;
        });
      }
      assert.equal(refused, 1);
      keeper.limitPages(1_000_000);
      await keeper.record(charge(10n));
      assert.equal(usedIn(keeper), 11n);
    }
    using keeper = openAt(path);
    assert.equal(usedIn(keeper), 11n);
    assert.equal(keeper.books.audit(), undefined);
  });

  it('refuses what contradicts the books before it is written, so that a restart finds them sound', async () => {
    const path = newPath();
    {
      using keeper = openAt(path);
      await keeper.record(OPENED, charge(10n));
      const contract = { state: 'running', balance: 0n, stake: 0n, used: 11n, secretHash: '' } as const;
      const rolledBack = { type: 'client-seen', instance: 'proxy', client: 'client', contract } as const;
      assert.throws(() => keeper.recordNow(rolledBack), code('LEDGER_ROLLBACK'));
      await assert.rejects(keeper.record({ ...rolledBack, instance: 'other' }), code('LEDGER_UNKNOWN_INSTANCE'));
    }
    using keeper = openAt(path);
    assert.equal(usedIn(keeper), 10n);
  });

  it('writes nothing after it was closed', async () => {
    const keeper = openAt(newPath());
    keeper[Symbol.dispose]();
    await assert.rejects(keeper.record(OPENED), code('PROXY_STORE_CLOSED'));
  });

  it('is the only one on its file', async () => {
    const path = newPath();
    using _first = openAt(path);
    assert.throws(() => openAt(path), code('PROXY_STORE'));
  });

  it('shows no owner and no amount to who has only the disk', async () => {
    const path = newPath();
    {
      using keeper = openAt(path);
      await keeper.record(OPENED, charge(123_456_789n, 'owner-of-coins'));
    }
    const db = new DatabaseSync(path);
    const bodies = db
      .prepare('SELECT body FROM records')
      .all()
      .map((row) => Buffer.from(row['body'] as Uint8Array));
    db.close();
    for (const body of bodies) assert.doesNotMatch(body.toString('latin1'), /owner|123456789|proxy/);
  });
});

describe('a changed file', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'a byte of a record': [
      "UPDATE records SET body = CAST(substr(body,1,20) || x'00ff' || substr(body,23) AS BLOB) WHERE seq = 5",
    ],
    'a text for a record': ["UPDATE records SET body = 'a text that is long enough to be one' WHERE seq = 5"],
    'a record cut short': ['UPDATE records SET body = substr(body,1,9) WHERE seq = 5'],
    'a record taken out': ['DELETE FROM records WHERE seq = 5'],
    'the first records taken out': ['DELETE FROM records WHERE seq < 5'],
    'two records exchanged': [
      'UPDATE records SET seq = 100 WHERE seq = 5',
      'UPDATE records SET seq = 5 WHERE seq = 6',
      'UPDATE records SET seq = 6 WHERE seq = 100',
    ],
    'a record repeated': ['INSERT INTO records SELECT 11, body FROM records WHERE seq = 10'],
    'a record as snapshot': ['INSERT INTO snapshot SELECT 1, seq, body FROM records WHERE seq = 5'],
  };
  for (const [name, statements] of Object.entries(cases)) {
    it(`is refused: ${name}`, async () => {
      const path = await tenRecords();
      tamper(path, ...statements);
      assert.throws(() => openAt(path), code('PROXY_STORE_DAMAGED'));
    });
  }

  it('is refused when the snapshot is an older one', async () => {
    const path = await tenRecords({ snapshotEvery: 4, keepRecords: 0 });
    tamper(path, 'UPDATE snapshot SET seq = 4');
    assert.throws(() => openAt(path), code('PROXY_STORE_DAMAGED'));
  });

  it('is refused under another key', async () => {
    const path = await tenRecords();
    assert.throws(() => openAt(path, { key: randomBytes(32) }), code('PROXY_STORE_DAMAGED'));
  });

  it('is refused when it is garbage', () => {
    const path = newPath();
    writeFileSync(path, 'this is not a database, but it is long enough to look at'.repeat(100));
    assert.throws(() => openAt(path), code('PROXY_STORE'));
  });
});

describe('kill -9 in the middle of writing', () => {
  it('keeps every charge that was acknowledged and none that was not begun', async () => {
    const path = newPath();
    const script = `
      import { Bookkeeper } from ${JSON.stringify(new URL('./bookkeeper.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(import.meta.resolve('@bombyx/base'))};
      const key = Buffer.from(process.argv[2], 'hex');
      const keeper = new Bookkeeper({ path: process.argv[1], key, snapshotEvery: 20, keepRecords: 5 }, { clock: systemClock });
      const terms = { paramsVersion: 1, pricePerToken: 2n, workerFeePerToken: 1n, proxyDelaySec: 1, clientDelaySec: 1 };
      await keeper.record({ type: 'opened', instance: 'proxy', terms });
      for (let i = 0; ; i++) {
        const tokens = { prompt: 1n, cached: 0n, completion: 0n, reasoning: 0n, total: 1n };
        await keeper.record({ type: 'charged', instance: 'proxy', id: 'aa', client: 'client', worker: 'worker', tokens, atMs: 0 });
        process.stdout.write('x');
      }`;
    const args = ['--input-type=module', '-e', script, path, KEY.toString('hex')];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    });
    let acknowledged = 0;
    child.stdout.on('data', (bytes: Buffer) => {
      acknowledged += bytes.length;
      if (acknowledged > 150) child.kill('SIGKILL');
    });
    await once(child, 'close');
    using keeper = openAt(path);
    const used = Number(usedIn(keeper));
    assert.ok(used === acknowledged || used === acknowledged + 1, `${used} booked, ${acknowledged} acknowledged`);
    assert.equal(keeper.books.audit(), undefined);
  });
});
