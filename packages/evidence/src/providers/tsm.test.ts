import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '@bombyx/base';
import { eventually, FakeClock } from '@bombyx/testkit';
import { MemoryTsm } from '../../testing/memory-tsm.ts';
import { evidenceAbout, quote } from '../../testing/vectors.ts';
import { EvidenceError, type EvidenceErrorCode, TsmProvider } from '../index.ts';
import { HelperFiles } from './tsm-files.ts';
import { makeFolder, sweep } from './tsm-folders.ts';

const ROOT = '/tsm';
const { signal } = new AbortController();
/** Pauses between attempts last a hundredth. */
const hurried: Clock = { ...systemClock, after: (ms, task) => systemClock.after(ms / 100, task) };
const asked = () => ({ reportData: randomBytes(64), signal });
const coded = (code: EvidenceErrorCode) => (error: unknown) => {
  assert.ok(error instanceof EvidenceError, `${error}`);
  assert.equal(error.code, code, error.message);
  return true;
};

function open(tee: 'tdx' | 'sev-snp' = 'tdx', clock = hurried) {
  const kernel = new MemoryTsm(tee, ROOT);
  return { kernel, provider: new TsmProvider({ tee, root: ROOT }, { clock, files: kernel }) };
}

it('asks as the kernel wants to be asked, and removes its folder', async () => {
  const { kernel, provider } = open('sev-snp');
  const [item] = await provider.collect(asked());
  const steps = kernel.log.map((line) => line.replace(/bombyx-\d+-\d+/, 'folder').replace('list tsm', 'list'));
  assert.deepEqual(steps, [
    'list',
    'mkdir folder',
    'read provider',
    'read generation',
    'write inblob',
    'read generation',
    'read outblob',
    'read auxblob',
    'read generation',
    'rmdir folder',
  ]);
  assert.equal(Buffer.from(item?.certificates ?? '').toString(), 'certificates');
});

it('a write that the kernel drops silently is TSM_REJECTED, and no old quote is read', async () => {
  const { kernel, provider } = open();
  kernel.moods.drop = () => true;
  await assert.rejects(provider.collect(asked()), coded('TSM_REJECTED'));
  assert.ok(!kernel.log.includes('read outblob'));
  assert.equal(kernel.slots.size, 0);
});

it('a second writer is TSM_RACE; when he is gone, another folder gives the quote', async () => {
  const { kernel, provider } = open();
  let intruders = 1;
  kernel.moods.intrude = () => intruders-- > 0;
  assert.equal((await provider.collect(asked())).length, 1);
  kernel.moods.intrude = () => true;
  await assert.rejects(provider.collect(asked()), coded('TSM_RACE'));
});

it('evidence of what somebody else asked is TSM_MISMATCH', async () => {
  const { kernel, provider } = open();
  for (const answer of [evidenceAbout('tdx', Buffer.alloc(64)), quote.subarray(0, 600), Buffer.alloc(0)]) {
    kernel.moods.answer = () => answer;
    await assert.rejects(provider.collect(asked()), coded('TSM_MISMATCH'));
  }
});

it('a machine of another kind is TSM_PROVIDER, and is not asked', async () => {
  const { kernel, provider } = open();
  kernel.moods.provider = 'sev_guest';
  await assert.rejects(provider.collect(asked()), coded('TSM_PROVIDER'));
  assert.ok(!kernel.log.includes('write inblob'));
});

it('a blob above 128 KiB is TSM_TOO_LARGE', async () => {
  const { kernel, provider } = open();
  kernel.moods.answer = () => Buffer.alloc(131_073);
  await assert.rejects(provider.collect(asked()), coded('TSM_TOO_LARGE'));
});

for (const [errno, operation, code] of [
  ['ENOENT', 'mkdir', 'TSM_UNAVAILABLE'],
  ['EACCES', 'mkdir', 'TSM_UNAVAILABLE'],
  ['ENXIO', 'read', 'TSM_UNAVAILABLE'],
  ['EFBIG', 'read', 'TSM_TOO_LARGE'],
  ['EINVAL', 'write', 'TSM_REJECTED'],
  ['EBUSY', 'write', 'TSM_FAILED'],
  ['EIO', 'read', 'TSM_FAILED'],
] as const) {
  it(`${errno} of ${operation} is ${code}`, async () => {
    const { kernel, provider } = open();
    kernel.moods.fails = (step) => (step === operation ? errno : undefined);
    await assert.rejects(provider.collect(asked()), coded(code));
    assert.equal(kernel.slots.size, 0, 'no folder is left over');
  });
}

it('a quoting service that fails twice is asked a third time', async () => {
  const { kernel, provider } = open();
  let failures = 2;
  kernel.moods.fails = (step, path) =>
    step === 'read' && path.endsWith('outblob') && failures-- > 0 ? 'EIO' : undefined;
  assert.equal((await provider.collect(asked())).length, 1);
  assert.equal(kernel.log.filter((line) => line.startsWith('mkdir')).length, 3);
});

it('gives up after 30 s, but keeps the slot until the read ends', async () => {
  const clock = new FakeClock();
  const { kernel, provider } = open('tdx', clock);
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  kernel.moods.quoting = () => answered;
  const stuck = provider.collect(asked());
  await eventually('the read begins', () => kernel.quoting === 1);
  clock.advance(29_999);
  const second = provider.collect(asked());
  clock.advance(1);
  await assert.rejects(stuck, coded('TSM_TIMEOUT'));
  assert.equal(kernel.slots.size, 1, 'the folder is still there: the kernel is in it');
  clock.advance(29_999);
  await assert.rejects(second, coded('TSM_BUSY'));
  const third = provider.collect(asked());
  answer();
  assert.equal((await third).length, 1);
  assert.equal(kernel.mostQuoting, 1);
  assert.equal(kernel.slots.size, 0);
});

it('lets no more than 16 wait', async () => {
  const { kernel, provider } = open();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  kernel.moods.quoting = () => answered;
  const waiting = Array.from({ length: 17 }, () => provider.collect(asked()));
  await assert.rejects(provider.collect(asked()), coded('TSM_BUSY'));
  answer();
  assert.equal((await Promise.all(waiting)).length, 17);
});

it('folders of dead processes are removed, those of living ones and of strangers are not', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const kernel = new MemoryTsm('tdx', ROOT);
  const kept = [`other-${pid}-1`, `bombyx-${pid}-x`, `bombyx-${process.ppid}-2`];
  const left = [`bombyx-${pid}-1`, `bombyx-${pid}-7`, `bombyx-${process.pid}-999999`]; // the last had our number before us
  for (const name of [...left, ...kept]) await kernel.mkdir(`${ROOT}/${name}`);
  const own = basename(await makeFolder(kernel, ROOT, 'bombyx'));
  await sweep(kernel, ROOT, 'bombyx');
  assert.deepEqual(await kernel.list(ROOT), [...kept, own]);
});

it('a name that is taken is passed over', async () => {
  const { kernel, provider } = open();
  let taken = 3;
  kernel.moods.fails = (step) => (step === 'mkdir' && taken-- > 0 ? 'EEXIST' : undefined);
  assert.equal((await provider.collect(asked())).length, 1);
});

it('a plain folder is no configfs: what mkdir makes has no attributes', async () => {
  const root = mkdtempSync(join(tmpdir(), 'plain-'));
  await using provider = new TsmProvider({ tee: 'tdx', root }, { clock: systemClock });
  await assert.rejects(provider.collect(asked()), coded('TSM_UNAVAILABLE'));
  assert.deepEqual(readdirSync(root), [], 'the folder is removed on failure too');
  rmSync(root, { recursive: true });
});

/** Pipes stand for attributes: a read of one blocks in the kernel, as that of `outblob` does while the host thinks. */
function pipes() {
  const root = mkdtempSync(join(tmpdir(), 'pipes-'));
  const folder = join(root, 'entry');
  mkdirSync(folder);
  for (const [name, text] of [
    ['provider', 'tdx_guest\n'],
    ['generation', '0\n'],
    ['inblob', ''],
  ] as const)
    writeFileSync(join(folder, name), text);
  assert.equal(spawnSync('bash', ['-c', 'mkfifo "$0"', join(folder, 'outblob')]).status, 0);
  return { root, folder, close: () => rmSync(root, { recursive: true }) };
}

it('a read that blocks in the kernel stops neither the event loop, nor file access, nor the end of the process', async () => {
  const { root, folder, close } = pipes();
  const program = `
    import { readFile, writeFile } from 'node:fs/promises';
    import { systemClock } from '@bombyx/base';
    import { TsmProvider } from ${JSON.stringify(new URL('./tsm.ts', import.meta.url).href)};
    const options = { tee: 'tdx', root: ${JSON.stringify(root)}, name: 'entry', entry: 'existing', timeoutMs: 1500 };
    const provider = new TsmProvider(options, { clock: systemClock });
    const collecting = provider.collect({ reportData: Buffer.alloc(64, 7), signal: new AbortController().signal });
    setTimeout(() => writeFile(${JSON.stringify(join(folder, 'generation'))}, '1\\n'), 300);
    const codes = await Promise.allSettled([collecting]);
    await Promise.all(Array.from({ length: 8 }, () => readFile(${JSON.stringify(join(folder, 'provider'))})));
    console.log(codes[0].reason.code);
    await provider[Symbol.asyncDispose]();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: new URL('.', import.meta.url).pathname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (part) => {
    said += part;
  });
  const [code] = await Promise.race([once(child, 'exit'), sleep(30_000, ['hangs'])]);
  assert.equal(code, 0);
  assert.equal(said, 'TSM_TIMEOUT\n');
  close();
});

it('a helper that is killed fails what it had, and another one takes over', async () => {
  const { folder, close } = pipes();
  await using files = new HelperFiles();
  const blocked = files.read(join(folder, 'outblob'), 10);
  const pid = await helperOf(process.pid);
  process.kill(pid, 'SIGKILL');
  await assert.rejects(blocked, coded('TSM_FAILED'));
  assert.equal(Buffer.from(await files.read(join(folder, 'provider'), 100)).toString(), 'tdx_guest\n');
  await assert.rejects(files.read(join(folder, 'provider'), 4), { code: 'E2BIG' });
  await assert.rejects(files.read(join(folder, 'nothing'), 4), { code: 'ENOENT' });
  close();
});

async function helperOf(parent: number): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
    const helper = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tsm-helper'));
    if (helper !== undefined) return Number(helper);
    await sleep(20);
  }
}
