import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClient } from '../testing/fake-client.ts';
import { GatewayMetrics } from './metrics.ts';

it('counts what a proxy claims, and survives one that claims less than nothing', async () => {
  const metrics = new GatewayMetrics(
    () => 0,
    () => true,
    () => new FakeClient(() => {}).snapshot(),
  );
  metrics.used({ prompt: 3n, cached: 0n, completion: 5n, reasoning: 0n, total: 8n });
  metrics.used({ prompt: -1n, cached: -(2n ** 63n), completion: 1n, reasoning: -1n, total: -1n });
  const text = await metrics.text();
  assert.match(text, /\{kind="prompt"\} 3$/m);
  assert.match(text, /\{kind="completion"\} 6$/m);
});
