import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { eventually, FakeClock } from '@bombyx/testkit';
import { memoryLog } from '../../testing/clocks.ts';
import { JudgePool, type JudgePoolOptions, NoVerdict } from './judge-pool.ts';

const entry = new URL('../../testing/moody-thread.ts', import.meta.url);
const { signal } = new AbortController();
const coded = (code: string) => (error: unknown) => error instanceof NoVerdict && error.failure.code === code;

function open(options: JudgePoolOptions = {}, clock = systemClock) {
  const log = memoryLog();
  const pool = new JudgePool(options, { clock, log }, entry);
  const run = (mood: string, address = '10.0.0.1', until = signal) =>
    pool.run(
      { step: 'screen', shown: { form: 'certificate', bytes: Buffer.from(mood), role: 'server' }, roots: {}, atMs: 0 },
      address,
      until,
    );
  return { log, run, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() };
}

it('a thread that dies is replaced, and what it had fails', async () => {
  await using pool = open();
  const before = pool.run('fine');
  const lost = pool.run('die');
  const after = pool.run('fine');
  assert.deepEqual(await before, []);
  await assert.rejects(lost, coded('VERIFIER_CRASHED'));
  assert.deepEqual(await after, []);
  assert.ok(pool.log.lines.some(({ level }) => level === 'error'));
});

it('a task that throws fails alone', async () => {
  await using pool = open();
  await assert.rejects(pool.run('throw'), coded('VERIFIER_FAULT'));
  assert.deepEqual(await pool.run('fine'), []);
});

it('a task that never ends is ended in time, with its thread', async () => {
  await using pool = open({ taskTimeoutMs: 5_000 });
  const after = assert.rejects(pool.run('hang'), coded('VERIFIER_TIMEOUT'));
  const next = pool.run('fine');
  await after;
  assert.deepEqual(await next, []);
});

it('a task that eats memory costs its thread, not the process', async () => {
  await using pool = open({ taskTimeoutMs: 120_000 });
  await assert.rejects(pool.run('eat'), coded('VERIFIER_CRASHED'));
  assert.deepEqual(await pool.run('fine'), []);
});

it('what waits is bounded, over all and for each address', async () => {
  await using pool = open({ maxWaiting: 6, maxWaitingPerAddress: 2 }, new FakeClock());
  const outcomes: Promise<unknown>[] = [pool.run('hang', 'first')];
  for (const address of ['a', 'b', 'c']) outcomes.push(pool.run('fine', address), pool.run('fine', address));
  await assert.rejects(pool.run('fine', 'd'), coded('VERIFIER_BUSY'));
  for (const outcome of outcomes) outcome.catch(() => {});
  await using other = open({ maxWaiting: 6, maxWaitingPerAddress: 2 }, new FakeClock());
  for (const outcome of [other.run('hang', 'a'), other.run('fine', 'a'), other.run('fine', 'a')])
    outcome.catch(() => {});
  await assert.rejects(other.run('fine', 'a'), coded('VERIFIER_BUSY'));
  other.run('fine', 'b').catch(() => {});
});

it('somebody who leaves gives his place in the queue back', async () => {
  await using pool = open({ maxWaiting: 1 }, new FakeClock());
  pool.run('hang').catch(() => {});
  const leaving = new AbortController();
  const left = pool.run('fine', 'b', leaving.signal);
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  pool.run('fine', 'c').catch(() => {});
});

it('closing ends everything that waits and runs', async () => {
  const pool = open({}, new FakeClock());
  const tasks = [pool.run('hang'), pool.run('fine')].map((task) => assert.rejects(task, coded('VERIFIER_CLOSED')));
  await pool[Symbol.asyncDispose]();
  await Promise.all(tasks);
  await assert.rejects(pool.run('fine'), coded('VERIFIER_CLOSED'));
});

it('several threads work side by side', async () => {
  const pool = new JudgePool({ threads: 2 }, { clock: systemClock, log: silentLogger }, entry);
  const shown = (mood: string) => ({ form: 'certificate', bytes: Buffer.from(mood), role: 'server' }) as const;
  const task = (mood: string) => ({ step: 'screen', shown: shown(mood), roots: {}, atMs: 0 }) as const;
  let hung = true;
  pool.run(task('hang'), 'a', signal).catch(() => {
    hung = false;
  });
  assert.deepEqual(await pool.run(task('fine'), 'a', signal), []);
  assert.ok(hung);
  await pool[Symbol.asyncDispose]();
  await eventually('the other one ended', () => !hung);
});
