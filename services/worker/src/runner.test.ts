/** Jobs whose connection to the inference server is a literal: what no real server does at will. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import type { Dispatcher } from 'undici';
import type { Answers } from './answers.ts';
import { JobError } from './errors.ts';
import type { JobSpec } from './job.ts';
import { LIMIT_CHECK_MS, Runner } from './runner.ts';
import { Stats } from './stats.ts';

const spec: JobSpec = {
  request: { method: 'POST', path: '/v1/x', headers: [], body: null },
  limits: { firstByteMs: 1_000, idleMs: 500, totalMs: 5_000 },
  window: 1_000,
  coefficient: 1_000,
  multipliers: { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 },
};

function rig(maxActive = 1) {
  const clock = new FakeClock();
  const stats = new Stats(clock);
  const handlers: Dispatcher.DispatchHandler[] = [];
  const errors: JobError[] = [];
  let aborted = 0;
  const controller = { aborted: false, paused: false, reason: null, abort: () => aborted++, pause() {}, resume() {} };
  const answers: Answers = { head: () => true, part: () => true, error: (error) => errors.push(error) > 0 };
  const upstream = { send: (_request: unknown, handler: Dispatcher.DispatchHandler) => void handlers.push(handler) };
  const runner = new Runner({ maxActive }, { upstream, stats, clock, log: silentLogger });
  const start = (prepare = () => spec) => {
    const job = runner.run(prepare, { answers, drained: () => Promise.resolve(), onEnd() {} }, 0);
    job?.start();
    return job;
  };
  return { clock, runner, start, handlers, errors, controller, aborts: () => aborted, stats };
}
const cancelled = new JobError('JOB_CANCELLED', 'cancelled');

it('a request cancelled while there is no connection for it counts until it has left the queue', () => {
  const { runner, start, handlers, errors, controller, aborts } = rig();
  start()?.cancel(cancelled);
  assert.deepEqual(errors, [cancelled], 'the caller is told at once');
  assert.equal(runner.active, 1);
  assert.equal(start(), undefined);
  assert.equal(errors[1]?.code, 'JOB_TOO_MANY');
  handlers[0]?.onRequestStart?.(controller, {});
  assert.equal(aborts(), 1);
  assert.equal(runner.active, 0);
});

it('and leaves it also when no connection ever comes', () => {
  const { runner, start, handlers, controller, errors } = rig();
  start()?.cancel(cancelled);
  handlers[0]?.onResponseError?.(controller, new Error('connect'));
  assert.equal(runner.active, 0);
  assert.equal(errors.length, 1);
});

it('one timer watches all limits, and none runs without jobs', () => {
  const { clock, runner, start, handlers, controller, errors } = rig(10);
  for (let i = 0; i < 10; i += 1) start();
  for (const handler of handlers) handler.onRequestStart?.(controller, {});
  assert.equal(clock.pending, 1);
  clock.advance(1_000 - 1);
  assert.equal(runner.active, 10);
  clock.advance(LIMIT_CHECK_MS + 1);
  assert.equal(runner.active, 0);
  assert.ok(errors.every(({ code }) => code === 'JOB_TIMEOUT'));
  clock.advance(LIMIT_CHECK_MS);
  assert.equal(clock.pending, 0);
});

it('what is no JobError reaches the caller as an internal error without its text', () => {
  const { start, errors, runner, stats } = rig();
  start(() => {
    throw new TypeError('secret');
  });
  assert.deepEqual([errors[0]?.code, errors[0]?.message], ['JOB_INTERNAL', 'worker: internal error']);
  assert.equal(runner.active, 0);
  assert.equal(stats.errors.get('JOB_INTERNAL'), 1);
});
