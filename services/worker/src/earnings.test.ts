/** What the worker's diary hears of its jobs. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { json, usage } from '../testing/backend.ts';
import { httpRequest, runJob } from '../testing/fake-proxy.ts';
import { Rig } from '../testing/rig.ts';

const chat = { model: 'm', messages: [] };

it('writes down what each request earned, at the fee of the root contract, and with which proxy', async () => {
  const entries: unknown[] = [];
  const diary = { add: (entry: unknown) => entries.push(entry) };
  await using rig = await Rig.ready((_request, response) => json(response, { usage: usage(3, 4) }), { diary });
  assert.equal(rig.root.workerFeePerToken > 0n, true);
  await rig.run(runJob(httpRequest(chat)));
  assert.deepEqual(entries, [
    {
      model: 'm',
      party: rig.session.agreed?.proxyContract,
      tokens: { prompt: 3n, cached: 0n, completion: 4n, reasoning: 0n, total: 7n },
      nanoTon: 7n * rig.root.workerFeePerToken,
    },
  ]);
});

it('writes nothing down for requests that earned nothing', async () => {
  const entries: unknown[] = [];
  const diary = { add: (entry: unknown) => entries.push(entry) };
  await using rig = await Rig.ready((_request, response) => json(response, { usage: usage(0, 0) }), { diary });
  await rig.run(runJob(httpRequest(chat)));
  await rig.run(runJob(httpRequest({ ...chat, model: 'another' })));
  assert.deepEqual(entries, []);
});
