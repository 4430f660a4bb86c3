import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryLog, WallClock } from '../../testing/clocks.ts';
import { PccsServer } from '../../testing/pccs-server.ts';
import { collateralVector, QUOTE_AT_MS, vector } from '../../testing/vectors.ts';
import { CollateralStore } from '../index.ts';

const need = { tee: 'tdx', fmspc: '90c06f000000', ca: 'platform' } as const;
const older = collateralVector('90c06f-2026-01-12');
const newer = collateralVector('90c06f-2026-02-01');
const random = { bytes: (size: number) => new Uint8Array(size).fill(128) };
const { signal } = new AbortController();
const FILE = join('intel', 'tdx-90c06f000000-platform.json');

function temporary() {
  const folder = mkdtempSync(join(tmpdir(), 'records-'));
  return { folder, file: join(folder, FILE), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function open(folder: string, url?: string) {
  const log = memoryLog();
  const clock = new WallClock(QUOTE_AT_MS);
  const intel = { endpoints: url === undefined ? [] : [{ url }], fmspcs: 'any' } as const;
  const store = new CollateralStore({ intel, folder }, { clock, random, log });
  return {
    store,
    log,
    clock,
    get: () => store.intel.get(need, signal),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

describe('records on disk', () => {
  it('are the nine texts, for their owner alone, and outlive the process', async () => {
    using disk = temporary();
    await using server = await PccsServer.open(newer);
    {
      await using first = open(disk.folder, server.url);
      await first.get();
    }
    assert.deepEqual(JSON.parse(readFileSync(disk.file, 'utf8')), newer);
    assert.equal(statSync(disk.file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dirname(disk.file)).length, 1);
    await using second = open(disk.folder);
    assert.deepEqual(await second.get(), newer);
    assert.equal(server.asked.length, 4);
  });

  it('hold back what is older after a restart, even when they have ended', async () => {
    using disk = temporary();
    {
      await using first = open(disk.folder);
      await first.store.intel.add(newer);
    }
    await using server = await PccsServer.open(older);
    await using second = open(disk.folder, server.url);
    await assert.rejects(second.store.intel.add(older), { code: 'COLLATERAL_OLDER' });
    await using third = open(disk.folder, server.url);
    third.clock.wallMs = Date.UTC(2026, 2, 10);
    await assert.rejects(third.get(), { code: 'COLLATERAL_EXPIRED' });
    assert.deepEqual(
      third.store.intel.kept.map(({ value }) => value),
      [newer],
    );
  });

  it('may be shared: what another process wrote is taken, and never written over by something older', async () => {
    using disk = temporary();
    await using server = await PccsServer.open(older);
    await using behind = open(disk.folder, server.url);
    assert.deepEqual(await behind.get(), older);
    await using ahead = open(disk.folder);
    await ahead.store.intel.add(newer);
    const asked = server.asked.length;
    behind.clock.wallMs = Date.UTC(2026, 2, 1); // the older one has ended, the newer one nearly
    await assert.rejects(behind.get(), { code: 'COLLATERAL_EXPIRED' });
    assert.ok(server.asked.length > asked);
    assert.deepEqual(behind.store.intel.kept[0]?.value, newer);
    assert.deepEqual(JSON.parse(readFileSync(disk.file, 'utf8')), newer);
  });

  const damages: [string, (file: string) => void][] = [
    ['cut', (file) => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 5_000))],
    ['empty', (file) => writeFileSync(file, '')],
    [
      'with a changed letter',
      (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('UpToDate', 'UpToDatE')),
    ],
    ['of another platform', (file) => writeFileSync(file, vector('tdx/collateral/00a06d-2026-01-12.json'))],
    ['with one field more', (file) => writeFileSync(file, JSON.stringify({ ...newer, extra: 'x' }))],
    ['of a gigabyte', (file) => truncateSync(file, 2 ** 30)],
    [
      'that is a folder',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  ];
  for (const [what, damage] of damages) {
    it(`a file ${what} is told, of no use, and fetched anew`, async () => {
      using disk = temporary();
      await using server = await PccsServer.open(newer);
      {
        await using first = open(disk.folder, server.url);
        await first.get();
      }
      damage(disk.file);
      await using offline = open(disk.folder);
      await assert.rejects(offline.get(), { code: 'COLLATERAL_NOT_FOUND' });
      assert.ok(offline.log.lines.some(({ message }) => message.includes('of no use')));
      await using second = open(disk.folder, server.url);
      assert.deepEqual(await second.get(), newer);
      if (statSync(disk.file).isFile()) assert.deepEqual(JSON.parse(readFileSync(disk.file, 'utf8')), newer);
    });
  }

  it('that cannot be written are kept in memory, and that is told', async () => {
    using disk = temporary();
    const file = join(disk.folder, 'file');
    writeFileSync(file, '');
    await using server = await PccsServer.open(newer);
    await using world = open(join(file, 'below'), server.url);
    assert.deepEqual(await world.get(), newer);
    assert.deepEqual(await world.get(), newer);
    assert.equal(server.asked.length, 4);
    assert.ok(world.log.lines.some(({ message }) => message.includes('in memory only')));
  });

  it('on a disk that is full are whole or not there, and no draft is left', async () => {
    using disk = temporary();
    const program = `
      import { writeWhole } from ${JSON.stringify(new URL('../files.ts', import.meta.url).href)};
      const file = ${JSON.stringify(join(disk.folder, 'record.json'))};
      await writeWhole(file, 'small', 0o600);
      const outcome = await writeWhole(file, 'x'.repeat(1_000_000), 0o600).then(() => 'written', ({ code }) => code);
      console.log(outcome);
    `;
    // a bound on the size of files fails in the middle of a write, as a full disk does
    const limited = `trap '' XFSZ; ulimit -f 64; exec "$0" --input-type=module --eval "$1"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', limited, process.execPath, program], {
      encoding: 'utf8',
      cwd: new URL('.', import.meta.url).pathname,
    });
    assert.equal(stdout, 'EFBIG\n', stderr);
    assert.deepEqual(readdirSync(disk.folder), ['record.json']);
    assert.equal(readFileSync(join(disk.folder, 'record.json'), 'utf8'), 'small');
  });

  it('survive a kill between writes: what is read afterwards is one of the two, whole', async () => {
    using disk = temporary();
    const file = join(disk.folder, 'record.json');
    const program = `
      import { writeWhole } from ${JSON.stringify(new URL('../files.ts', import.meta.url).href)};
      for (let i = 0; ; i++) await writeWhole(${JSON.stringify(file)}, String(i % 2).repeat(300_000), 0o600);
    `;
    for (const pauseMs of [3, 7, 11]) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: new URL('.', import.meta.url).pathname,
        stdio: 'inherit',
      });
      while (!existsSync(file)) await sleep(5);
      await sleep(pauseMs * 10);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const text = readFileSync(file, 'utf8');
      assert.ok(text === '0'.repeat(300_000) || text === '1'.repeat(300_000), `${text.length} characters`);
    }
  });

  it('drafts of a process that was killed are removed an hour later', async () => {
    using disk = temporary();
    const draft = join(disk.folder, 'intel', 'x.json.unfinished-00');
    const fresh = join(disk.folder, 'intel', 'y.json.unfinished-00');
    mkdirSync(join(disk.folder, 'intel'));
    for (const path of [draft, fresh]) writeFileSync(path, 'half');
    utimesSync(draft, 1, Date.now() / 1_000 - 3_700);
    await using world = open(disk.folder);
    await world.store.intel.add(newer);
    assert.ok(!existsSync(draft) && existsSync(fresh));
  });
});

describe('an offline bundle', () => {
  it('is a file, a list of records in a file, or a folder, such as the one of a store', async () => {
    using disk = temporary();
    await using first = open(join(disk.folder, 'store'));
    await first.store.intel.add(newer);
    const list = join(disk.folder, 'list.json');
    writeFileSync(list, JSON.stringify([older, newer]));
    for (const path of [join(disk.folder, 'store'), join(disk.folder, 'store', FILE), list]) {
      await using world = open(join(disk.folder, 'nothing-here-yet'));
      const { kept, refused } = await world.store.addBundle(path);
      assert.ok(kept >= 1, path);
      assert.deepEqual(refused, []);
      assert.deepEqual(await world.get(), newer);
      rmSync(join(disk.folder, 'nothing-here-yet'), { recursive: true });
    }
  });

  it('has its good records taken and its bad ones told, in any order', async () => {
    using disk = temporary();
    const list = join(disk.folder, 'list.json');
    const expired = collateralVector('50806f-2023-06');
    writeFileSync(
      list,
      JSON.stringify([newer, older, expired, { ...newer, pck_crl: '30' }, { tcb_info: 1 }, 7, { rim: 'x' }]),
    );
    await using world = open(join(disk.folder, 'store'));
    const { kept, refused } = await world.store.addBundle(list);
    assert.equal(kept, 1);
    assert.deepEqual(
      refused.map(({ code }) => code),
      ['COLLATERAL_OLDER', 'COLLATERAL_EXPIRED', ...Array(4).fill('COLLATERAL_REFUSED')],
    );
    assert.deepEqual(await world.get(), newer);
  });

  it('that is missing, empty or no JSON is COLLATERAL_BUNDLE', async () => {
    using disk = temporary();
    await using world = open(join(disk.folder, 'store'));
    const file = join(disk.folder, 'bad.json');
    writeFileSync(file, '{');
    mkdirSync(join(disk.folder, 'empty'));
    for (const path of [file, join(disk.folder, 'empty'), '/nowhere']) {
      await assert.rejects(world.store.addBundle(path), { code: 'COLLATERAL_BUNDLE' });
    }
  });
});
