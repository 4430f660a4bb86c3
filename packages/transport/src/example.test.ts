import assert from 'node:assert/strict';
import { it } from 'node:test';
import { example } from '../testing/example.ts';
import { deps } from '../testing/listeners.ts';

it('does what its README shows', async () => {
  assert.deepEqual(await example(deps), { kind: 'client.workerTypesV2', types: [] });
});
