import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Tl } from '@bombyx/wire';
import { network } from '../testing/network.ts';
import { MODEL } from '../testing/scripted-proxy.ts';
import { ClientError } from './errors.ts';
import { merge, readModels } from './models.ts';

const worker = (coefficient: number, active = 0, most = 4): Tl<'client.workerInstanceV2'> => ({
  kind: 'client.workerInstanceV2',
  flags: 0,
  coefficient,
  active_requests: active,
  max_active_requests: most,
});

it('merges the lists of all ready proxies and keeps them for a second', async () => {
  const { client, proxies, clock } = await network([{}, {}]);
  const [model] = await client.models();
  assert.equal(model?.id, MODEL);
  assert.deepEqual(model?.workers.length, 2);
  await client.models();
  const asked = () => proxies[0]?.queries.filter(({ kind }) => kind === 'client.getWorkerTypesV2').length;
  assert.equal(asked(), 1);
  await clock.advanceGently(1_001);
  await client.models();
  assert.equal(asked(), 2);
});

it('says so when no proxy is ready, and asks again the next time', async () => {
  const { client, proxy, reconnect } = await network();
  proxy.lose();
  await assert.rejects(client.models(), (error) => error instanceof ClientError && error.code === 'CLIENT_NO_PROXY');
  await reconnect(proxy);
  assert.equal((await client.models()).length, 1);
});

it('answers with what one proxy knows when the other fails', async () => {
  const { client, proxies } = await network([{}, {}]);
  proxies[0]!.options = { answer: () => ({ kind: 'tcp.ping', id: 1n }) };
  assert.equal((await client.models()).length, 1);
});

it('fails with a coded error when the only proxy lists nonsense', async () => {
  const { client, proxy } = await network();
  proxy.options = { answer: () => ({ kind: 'tcp.ping', id: 1n }) };
  await assert.rejects(client.models(), (error) => error instanceof ClientError && error.code === 'CLIENT_PROTOCOL');
});

it('leaves out workers with negative numbers', () => {
  const answer: Tl<'client.workerTypesV2'> = {
    kind: 'client.workerTypesV2',
    types: [
      {
        kind: 'client.workerTypeV2',
        name: 'm',
        workers: [worker(-1), worker(1, -1), worker(1, 1, -1), worker(7, 1, 2)],
      },
    ],
  };
  assert.deepEqual(readModels(answer), [
    { id: 'm', workers: [{ coefficient: 7, runningRequests: 1, maxRunningRequests: 2 }] },
  ]);
});

it('reads the list of a proxy of version 0', async () => {
  const { client, proxy } = await network([{ protoVersion: 0 }]);
  const type: Tl<'client.workerType'> = {
    kind: 'client.workerType',
    name: 'old',
    active_workers: 2,
    coefficient_min: 900,
    coefficient_bucket50: 1000,
    coefficient_max: 0x7fff_ffff,
  };
  proxy.options = {
    answer: (fn) => (fn.kind === 'client.getWorkerTypes' ? { kind: 'client.workerTypes', types: [type] } : undefined),
  };
  assert.deepEqual(await client.models(), [
    { id: 'old', workers: [{ coefficient: 900, runningRequests: 0, maxRunningRequests: 2 }] },
  ]);
});

it('sorts models by name and workers by price', () => {
  const one = { coefficient: 5, runningRequests: 0, maxRunningRequests: 1 };
  const two = { ...one, coefficient: 3 };
  const merged = merge([
    [{ id: 'b', workers: [one] }],
    [
      { id: 'a', workers: [] },
      { id: 'b', workers: [two] },
    ],
  ]);
  assert.deepEqual(merged, [
    { id: 'a', workers: [] },
    { id: 'b', workers: [two, one] },
  ]);
});
