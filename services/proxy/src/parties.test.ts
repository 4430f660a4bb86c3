import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createBench, turns } from '../testing/harness.ts';
import { head, lastPart, run, runEx, used } from '../testing/messages.ts';

it('reads an account from the database once, and no more for any request', async () => {
  using bench = createBench();
  const reads: string[] = [];
  for (const total of ['used', 'earned'] as const) {
    const read = bench.store[total].bind(bench.store);
    bench.store[total] = (owner) => {
      reads.push(total);
      return read(owner);
    };
  }
  for (const version of [3, 2]) {
    const [client, worker] = [await bench.client({ version }), await bench.worker({ version: 3 })];
    for (let count = 0; count < 3; count += 1) {
      client.tell(version === 3 ? run() : runEx());
      for (const { request_id } of worker.got('bombyx.runJob')) {
        worker.tell(head(request_id));
        worker.tell(lastPart(request_id, 'x', used(1, 1)));
      }
      await turns();
    }
    worker.connection.drop();
  }
  assert.equal(bench.store.totals().charges, 6);
  assert.deepEqual(reads.sort(), ['earned', 'used']);
});
