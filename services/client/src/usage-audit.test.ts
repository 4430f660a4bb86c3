import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TokensUsed } from './api.ts';
import { checkUsage, UsageAudit } from './usage-audit.ts';

const used = (prompt: bigint, completion: bigint, total = prompt + completion): TokensUsed => ({
  prompt,
  cached: 0n,
  completion,
  reasoning: 0n,
  total,
});

it('finds plausible numbers plausible', () => assert.deepEqual(checkUsage(used(3n, 4n), 7n), []));

it('names every check that fails', () => {
  assert.deepEqual(checkUsage(used(-3n, 4n), 100n), ['a count is negative']);
  assert.deepEqual(checkUsage(used(3n, 4n, 8n), 100n), ['the total is not the sum']);
  assert.deepEqual(checkUsage(used(3n, 4n), 6n), ['the total is above the reservation']);
  assert.equal(checkUsage(used(-1n, -1n, 50n), 6n).length, 3);
});

it('accepts an honest proxy over many requests', () => {
  const audit = new UsageAudit();
  let total = 1_000n; // used before this client started
  audit.total(total);
  for (let i = 0; i < 50; i += 1) {
    audit.started(`r${i}`, 100n);
    audit.finished(`r${i}`, used(20n, 30n));
    audit.billed(`r${i}`, 50n);
    total += 50n;
    audit.total(total);
  }
  assert.equal(audit.disagreements, 0);
  assert.equal(audit.checked, 100);
});

it('reports a bill that differs from the answer', () => {
  const audit = new UsageAudit();
  audit.started('r', 100n);
  audit.finished('r', used(20n, 30n));
  audit.billed('r', 60n);
  assert.deepEqual(audit.latest, [{ requestId: 'r', failures: ['the bill differs from the answer'] }]);
});

it('reports a cumulative total that no request explains, once', () => {
  const audit = new UsageAudit();
  audit.total(0n);
  audit.started('r', 100n);
  audit.total(100n); // may be what runs now
  assert.equal(audit.disagreements, 0);
  audit.total(101n);
  audit.total(101n);
  assert.equal(audit.disagreements, 1);
});

it('grants a cancelled request what it had reserved', () => {
  const audit = new UsageAudit();
  audit.total(0n);
  audit.started('r', 100n);
  audit.finished('r', undefined);
  audit.billed('r', 70n);
  audit.total(70n);
  assert.equal(audit.disagreements, 0);
});

it('stays bounded under a flood', () => {
  const audit = new UsageAudit();
  for (let i = 0; i < 10_000; i += 1) {
    audit.started(`r${i}`, 1n);
    audit.finished(`r${i}`, used(1n, 1n));
  }
  assert.equal(audit.disagreements, 10_000);
  assert.equal(audit.latest.length, 16);
});
