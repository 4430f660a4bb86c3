import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createBench, leaks, turns } from '../testing/harness.ts';
import { head, lastPart, run, someOwner, used } from '../testing/messages.ts';

it('makes room for newcomers by forgetting who is away, and what an account used stays in the books', async () => {
  using bench = createBench({ limits: { clientRecords: 2 } });
  const worker = await bench.worker();
  const first = await bench.client({ owner: someOwner(1) });
  first.tell(run());
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, 'x', used(1, 1)));
  await turns();
  await bench.client({ owner: someOwner(2) });
  await assert.rejects(bench.client({ owner: someOwner(3) }), /too many clients/, 'both are here');
  first.connection.drop();
  await bench.client({ owner: someOwner(3) });
  const { parties } = bench.core.sessions;
  assert.deepEqual(
    Array.from(parties.clients(), ({ owner }) => owner),
    [someOwner(2), someOwner(3)],
  );
  assert.equal(bench.keeper.used(someOwner(1)), 2n);
  assert.deepEqual(leaks(bench), []);
});

it('keeps nothing of a stranger who came and went', async () => {
  using bench = createBench({ limits: { clientRecords: 1 } });
  for (let at = 1; at <= 5; at += 1) (await bench.client({ owner: someOwner(at) })).connection.drop();
  assert.equal([...bench.core.sessions.parties.serving!.instance.accounts.clients()].length, 1);
});
