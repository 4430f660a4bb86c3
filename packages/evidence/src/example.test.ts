import assert from 'node:assert/strict';
import { it } from 'node:test';

it('runs the example of the README', async () => {
  const { verdict } = await import('../testing/example.ts');
  assert.ok(verdict.ok, JSON.stringify(verdict));
  assert.equal(verdict.peer.tier, 'simulated');
});
