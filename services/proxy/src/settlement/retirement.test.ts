import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { nextStep, type RetirementView } from './retirement.ts';

const view: RetirementView = {
  running: 0,
  uncommitted: 0n,
  left: { clients: 0, workers: 0 },
  contract: 'normal',
  unlockAtSec: 0,
  nowSec: 1_000,
};
const step = (over: Partial<RetirementView>) => nextStep({ ...view, ...over });
const anyView = fc.record({
  running: fc.nat(2),
  uncommitted: fc.bigInt(0n, 2n),
  left: fc.record({ clients: fc.nat(2), workers: fc.nat(2) }),
  contract: fc.constantFrom('absent', 'normal', 'closing', 'closed'),
  unlockAtSec: fc.nat(20),
  nowSec: fc.nat(20),
}) satisfies fc.Arbitrary<RetirementView>;

it('goes from one phase to the next: drains, refunds, pays, closes, waits, completes', () => {
  const clients = { clients: 1, workers: 1 };
  const workers = { clients: 0, workers: 1 };
  assert.deepEqual(step({ running: 1, left: clients }), { phase: 'closing' });
  assert.deepEqual(step({ uncommitted: 1n, left: clients }), { phase: 'closing' });
  assert.deepEqual(step({ left: clients }), { phase: 'refunding' });
  assert.deepEqual(step({ left: workers }), { phase: 'paying' });
  assert.deepEqual(step({}), { phase: 'waiting', send: 'close' });
  assert.deepEqual(step({ contract: 'closing', unlockAtSec: 1_000 }), { phase: 'waiting' });
  assert.deepEqual(step({ contract: 'closing', unlockAtSec: 998 }), { phase: 'waiting', send: 'closeComplete' });
  assert.deepEqual(step({ contract: 'closed' }), { phase: 'closed' });
});

it('hazard 2 of the contracts: nothing is closed while a client has coins in the pool or a request runs', () => {
  fc.assert(
    fc.property(anyView, (it) => {
      const { send, phase } = nextStep(it);
      const inPool = it.left.clients > 0 && it.contract !== 'absent';
      if (inPool || it.running > 0 || it.uncommitted > 0n) {
        assert.equal(send, undefined);
        assert.notEqual(phase, 'closed');
      }
    }),
  );
});

it('closing is never completed before its time', () => {
  fc.assert(
    fc.property(anyView, (it) => {
      if (nextStep(it).send === 'closeComplete') assert.ok(it.contract === 'closing' && it.nowSec > it.unlockAtSec);
    }),
  );
});

it('a contract that was never deployed is done with when nothing was earned, though a client paid its stake for it', () => {
  assert.deepEqual(step({ contract: 'absent' }), { phase: 'closed' });
  assert.deepEqual(step({ contract: 'absent', left: { clients: 1, workers: 0 } }), { phase: 'closed' });
  assert.deepEqual(step({ contract: 'absent', left: { clients: 0, workers: 1 } }), { phase: 'paying' });
});
