import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { failure } from './errors.ts';
import { type Action, type Job, type JobEvent, queued, step } from './job.ts';

const because = failure('worker_lost', 'lost');
const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.constant<JobEvent>({ type: 'assigned' }),
  fc.boolean().map((last): JobEvent => ({ type: 'head', last })),
  fc.boolean().map((last): JobEvent => ({ type: 'part', last })),
  fc.boolean().map((retryable): JobEvent => ({ type: 'worker-error', because, retryable })),
  fc
    .constantFrom('worker-lost', 'worker-broke', 'client-gone', 'expired', 'refused', 'charge-failed')
    .map((type): JobEvent => ({ type, because }) as JobEvent),
  fc.constantFrom('count-missing', 'charged').map((type): JobEvent => ({ type }) as JobEvent),
);

function play(events: readonly JobEvent[]): { job: Job; actions: Action[]; states: Job['state'][] } {
  let job = queued;
  const actions: Action[] = [];
  const states: Job['state'][] = [];
  for (const event of events) {
    const next = step(job, event);
    job = next.job;
    actions.push(...next.actions);
    states.push(job.state);
  }
  return { job, actions, states };
}

it('releases exactly once, when the job closes, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      const { job, actions } = play(events);
      const releases = actions.filter((action) => action === 'release').length;
      assert.equal(releases, job.state === 'closed' ? 1 : 0);
    }),
    { numRuns: 2_000 },
  );
});

it('charges at most once and tells the client one end at most, after which nothing is relayed', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      const { actions } = play(events);
      assert.ok(actions.filter((action) => action === 'charge').length <= 1);
      const ends = actions.filter((action) => action === 'finish' || action === 'fail');
      assert.ok(ends.length <= 1);
      const end = actions.findIndex((action) => action === 'finish' || action === 'fail');
      if (end >= 0) assert.ok(!actions.slice(end).some((action) => action === 'relay' || action === 'charge'));
    }),
    { numRuns: 2_000 },
  );
});

it('retries only before the first byte', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      const { actions } = play(events);
      const relayed = actions.indexOf('relay');
      if (relayed >= 0) assert.ok(!actions.slice(relayed).includes('retry'));
    }),
    { numRuns: 2_000 },
  );
});

it('finishes only after the charge is durable', () => {
  const { job } = play([{ type: 'assigned' }, { type: 'head', last: true }]);
  assert.equal(job.state, 'settling');
  assert.deepEqual(step(job, { type: 'part', last: true }).actions, []);
  assert.deepEqual(step(job, { type: 'charged' }).actions, ['finish', 'release']);
  assert.deepEqual(step(job, { type: 'charge-failed', because }).actions, ['fail', 'release']);
});

it('waits for the count of a worker it stopped, and charges without it when none comes', () => {
  const { job, actions } = play([
    { type: 'assigned' },
    { type: 'head', last: false },
    { type: 'client-gone', because },
  ]);
  assert.equal(job.state, 'stopping');
  assert.deepEqual(actions, ['relay', 'cancel']);
  assert.deepEqual(step(job, { type: 'worker-error', because, retryable: false }).actions, ['charge']);
  for (const event of [{ type: 'count-missing' }, { type: 'worker-lost', because }] as const) {
    const settling = step(job, event);
    assert.deepEqual(settling.actions, ['charge']);
    assert.deepEqual(step(settling.job, { type: 'charged' }).actions, ['fail', 'release']);
  }
  assert.deepEqual(step(job, { type: 'worker-broke', because }).actions, ['fail', 'release']);
});
