import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { MAX_LONG, silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import fc from 'fast-check';
import { MAX_WAITING, OTHERS } from './diary.ts';
import { type DiaryEntry, DiaryError, openDiary, type Query, readDiary } from './index.ts';

const ALL: Query = { by: ['day', 'model', 'party'] };
const SUM: Query = { by: [] };

function fileFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-diary-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'costs.sqlite');
}

function entry(more: Partial<DiaryEntry> = {}): DiaryEntry {
  const tokens = { prompt: 5n, cached: 1n, completion: 7n, reasoning: 2n, total: 15n };
  return { model: 'Qwen/Qwen3-8B', party: 'alice', tokens, nanoTon: 30n, ...more };
}

/** Logs as a list. */
function listener() {
  const lines: string[] = [];
  const log = { ...silentLogger, warn: (text: string) => lines.push(text), info: (text: string) => lines.push(text) };
  return { lines, log };
}

it('adds requests up by day, model and party, over restarts and midnight', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock(Date.UTC(2026, 0, 31, 23, 59, 59));
  {
    await using diary = openDiary({ path }, { clock, log: silentLogger });
    diary.add(entry());
    diary.add(entry());
    diary.add(entry({ party: 'bob' }));
    clock.advance(2_000);
    diary.add(entry());
  }
  await using diary = openDiary({ path }, { clock, log: silentLogger });
  diary.add(entry());
  const [first, second, third, ...more] = diary.rows(ALL);
  assert.deepEqual(first, {
    day: '2026-01-31',
    model: 'Qwen/Qwen3-8B',
    party: 'alice',
    requests: 2n,
    prompt: 10n,
    cached: 2n,
    completion: 14n,
    reasoning: 4n,
    total: 30n,
    nanoTon: 60n,
  });
  assert.deepEqual([second?.day, second?.party, second?.requests], ['2026-01-31', 'bob', 1n]);
  assert.deepEqual([third?.day, third?.party, third?.requests], ['2026-02-01', 'alice', 2n]);
  assert.deepEqual(more, []);
  assert.deepEqual(
    diary.rows({ by: ['party'] }).map(({ party, requests, day }) => [party, requests, day]),
    [
      ['alice', 4n, undefined],
      ['bob', 1n, undefined],
    ],
  );
  assert.equal(diary.rows({ by: [], fromDay: '2026-02-01', toDay: '2026-02-01' })[0]?.requests, 2n);
  assert.equal(diary.rows({ by: [], toDay: '2026-01-31' })[0]?.requests, 3n);
  assert.deepEqual(diary.rows({ by: [], fromDay: '2026-02-02' }), []);
});

it('writes at most once a second, however many requests there are', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock();
  await using diary = openDiary({ path }, { clock, log: silentLogger });
  for (let i = 0; i < 10_000; i += 1) diary.add(entry());
  assert.equal(clock.pending, 1);
  assert.deepEqual(readDiary(path, SUM), []);
  clock.advance(1_000);
  assert.equal(readDiary(path, SUM)[0]?.requests, 10_000n);
  assert.equal(clock.pending, 0);
});

it('shows another process what was written, while it goes on writing', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock();
  await using diary = openDiary({ path }, { clock, log: silentLogger });
  for (let round = 1; round <= 3; round += 1) {
    diary.add(entry());
    clock.advance(1_000);
    const script = `import { readDiary } from ${JSON.stringify(import.meta.resolve('./index.ts'))};
      console.log(String(readDiary(process.env.DIARY, { by: [] })[0].requests));`;
    const env = { ...process.env, DIARY: path };
    assert.equal(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { env }).toString(),
      `${round}\n`,
    );
  }
});

it('sums exactly where doubles and 64 bits no longer do', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock();
  const amounts = fc.array(fc.bigInt(0n, MAX_LONG), { minLength: 1, maxLength: 8 });
  let day = 0;
  await using diary = openDiary({ path }, { clock, log: silentLogger });
  await fc.assert(
    fc.asyncProperty(amounts, async (nanoTons) => {
      clock.advance(86_400_000);
      day += 1;
      for (const nanoTon of nanoTons) {
        diary.add(entry({ nanoTon, party: `run ${day}` }));
        clock.advance(1_000); // each through the disk
      }
      const row = readDiary(path, { by: ['party'] }).find(({ party }) => party === `run ${day}`);
      assert.equal(
        row?.nanoTon,
        nanoTons.reduce((all, one) => all + one, 0n),
      );
    }),
    { numRuns: 20, examples: [[[MAX_LONG, MAX_LONG, 1n]], [[2n ** 53n, 1n]]] },
  );
});

it('counts on in memory while the disk is full, and says so once', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock();
  const { lines, log } = listener();
  {
    await using full = openDiary({ path, maxPages: 3 }, { clock, log });
    for (let i = 0; i < 400; i += 1) full.add(entry({ party: `party ${i}` }));
    clock.advance(60_000);
    full.add(entry({ party: 'late' }));
    clock.advance(60_000);
    assert.equal(lines.length, 1, lines.join());
    assert.match(lines[0]!, /cannot be written/);
    assert.deepEqual(readDiary(path, SUM), []);
    assert.equal(full.rows(SUM)[0]?.requests, 401n);
  }
  await using roomy = openDiary({ path }, { clock, log });
  roomy.add(entry());
  clock.advance(1_000);
  assert.equal(readDiary(path, SUM)[0]?.requests, 1n);
});

it('waits for a lock that another process holds, and keeps what it could not write', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock();
  const { lines, log } = listener();
  await using diary = openDiary({ path }, { clock, log });
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  diary.add(entry());
  clock.advance(1_000);
  diary.add(entry());
  assert.deepEqual(readDiary(path, SUM), []);
  other.exec('COMMIT');
  other.close();
  clock.advance(10_000);
  assert.equal(readDiary(path, SUM)[0]?.requests, 2n);
  assert.deepEqual(lines.length, 2);
  assert.match(lines[1]!, /written again/);
});

it('remembers a bounded number of names while the disk is away, and stays right in sum', async (t) => {
  const path = fileFor(t);
  const clock = new FakeClock();
  await using diary = openDiary({ path }, { clock, log: silentLogger });
  for (let i = 0; i < MAX_WAITING + 500; i += 1) diary.add(entry({ party: `party ${i}` }));
  const rows = diary.rows({ by: ['party'] });
  assert.equal(rows.length, MAX_WAITING + 1);
  assert.equal(rows.find(({ party }) => party === OTHERS)?.requests, 500n);
  assert.equal(diary.rows(SUM)[0]?.requests, BigInt(MAX_WAITING + 500));
});

it('is empty where nothing was ever written, and refuses a file that is none', (t) => {
  const path = fileFor(t);
  assert.deepEqual(readDiary(path, ALL), []);
  assert.throws(() => readDiary(import.meta.filename, ALL), isDiaryError('DIARY_FILE'));
  assert.throws(
    () =>
      openDiary(
        { path: join(tmpdir(), 'no-such-folder', 'costs.sqlite') },
        { clock: new FakeClock(), log: silentLogger },
      ),
    isDiaryError('DIARY_FILE'),
  );
});

it('refuses a file of a newer version instead of adding to it', async (t) => {
  const path = fileFor(t);
  const deps = { clock: new FakeClock(), log: silentLogger };
  await openDiary({ path }, deps)[Symbol.asyncDispose]();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version=99');
  db.close();
  assert.throws(() => openDiary({ path }, deps), isDiaryError('DIARY_FILE'));
  assert.throws(() => readDiary(path, ALL), isDiaryError('DIARY_FILE'));
});

for (const day of ['2026-02-30', '2026-1-1', 'today', '', '20260101', '2026-13-01']) {
  it(`refuses "${day}" as a day`, async (t) => {
    await using diary = openDiary({ path: fileFor(t) }, { clock: new FakeClock(), log: silentLogger });
    assert.throws(() => diary.rows({ by: [], fromDay: day }), isDiaryError('DIARY_DAY'));
  });
}

function isDiaryError(code: DiaryError['code']): (error: unknown) => boolean {
  return (error) => error instanceof DiaryError && error.code === code;
}
