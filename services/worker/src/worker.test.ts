/** The whole worker: real sockets to a proxy and to an inference server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { decodeOf, type TlObject } from '@bombyx/wire';
import { event, json, lastEvents, startBackend, usage } from '../testing/backend.ts';
import { httpRequest, OWNER, ROOT_ADDRESS, recordedRoot, runJob } from '../testing/fake-proxy.ts';
import { startRouter } from '../testing/router.ts';
import { startScriptedProxy } from '../testing/scripted-proxy.ts';
import { eventually, soon } from '../testing/soon.ts';
import type { WorkerError } from './errors.ts';
import { parseWorkerConfig, startWorker } from './index.ts';

const chat = { model: 'm', messages: [] };
const deps = { clock: systemClock, log: silentLogger };

function configFor(backendPort: number, more: object = {}) {
  return parseWorkerConfig({
    is_test: true,
    owner_address: OWNER,
    root_contract_address: ROOT_ADDRESS,
    model_name: 'm@c:h',
    forward_requests_to: `127.0.0.1:${backendPort}`,
    max_active_requests: 8,
    shutdown_grace_ms: 200,
    ...more,
  });
}

const isEnd = (id: Buffer) => (one: TlObject) =>
  'request_id' in one && (one.request_id as Buffer).equals(id) && 'final_info' in one && one.final_info !== undefined;

it('connects over mutual TLS, takes a request to the inference server and brings the answer back', async () => {
  await using backend = await startBackend((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event('x'));
    response.end(lastEvents(3, 1));
  });
  await using proxy = await startScriptedProxy();
  await using worker = await startWorker(configFor(backend.port), { ...deps, root: proxy.root });
  await worker.whenReady(AbortSignal.timeout(10_000));
  assert.deepEqual([proxy.params?.model, proxy.params?.max_active_requests], ['m@c:h', 8]);
  const message = runJob(httpRequest({ ...chat, stream: true }));
  proxy.ready[0]?.send(message);
  await proxy.until(() => proxy.heard.some(isEnd(message.request_id)));
  const head = proxy.heard.find((one) => one.kind === 'bombyx.answerHead');
  assert.ok(head?.kind === 'bombyx.answerHead');
  assert.equal(decodeOf('http.response', head.answer).status_code, 200);
  const snapshot = worker.snapshot();
  assert.equal(snapshot.stats.success[0], 1);
  assert.equal(snapshot.stats.total_adjusted_tokens_used[0], 4);
  assert.equal(snapshot.connections[0]?.is_ready, true);
  assert.equal(snapshot.status.enabled, true);
  JSON.stringify(snapshot);
});

it('tells the proxy when the inference server goes and comes, and when it is switched by hand', async () => {
  const gpu = createServer((_request, response) => response.end('{}'));
  gpu.listen(0, '127.0.0.1');
  await once(gpu, 'listening');
  const { port } = gpu.address() as AddressInfo;
  await using proxy = await startScriptedProxy();
  await using worker = await startWorker(configFor(port), { ...deps, root: proxy.root });
  await worker.whenReady(AbortSignal.timeout(10_000));
  const states = () => proxy.heard.filter((one) => one.kind === 'worker.enabledDisabled').map((one) => one.disabled);
  const before = states().length;
  worker.setEnabled(false);
  worker.setEnabled(true);
  await proxy.until(() => states().length === before + 2);
  assert.deepEqual(states().slice(before), [1, 0]);
  worker.setCoefficient(1_500);
  await proxy.until(() =>
    proxy.heard.some((one) => one.kind === 'worker.newCoefficient' && one.new_coefficient === 1_500),
  );
  gpu.close();
  gpu.closeAllConnections();
  await proxy.until(() => states().length === before + 3); // the next check, in one to two seconds
  assert.equal(states().at(-1), 1);
  assert.equal(worker.ready, false);
  assert.notEqual(worker.snapshot().uplink.last_status, '200');
  assert.throws(() => worker.setCoefficient(-1), RangeError);
});

it('starts without an inference server and says so in the handshake', async () => {
  await using proxy = await startScriptedProxy();
  await using worker = await startWorker(configFor(1), { ...deps, root: proxy.root });
  await proxy.until(() => proxy.ready.length === 1);
  assert.equal(proxy.disabled, true);
  assert.equal(worker.ready, false);
  await assert.rejects(worker.whenReady(AbortSignal.timeout(50)), { name: 'TimeoutError' });
});

it('comes back when a connection is lost, and its requests are stopped at once', async () => {
  await using backend = await startBackend((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event('x'));
  });
  await using proxy = await startScriptedProxy();
  await using worker = await startWorker(configFor(backend.port), { ...deps, root: proxy.root });
  await worker.whenReady(AbortSignal.timeout(10_000));
  proxy.ready[0]?.send(runJob(httpRequest({ ...chat, stream: true })));
  await proxy.until(() => proxy.heard.some((one) => one.kind === 'bombyx.answerHead'));
  const unready = once(worker.events, 'unready');
  proxy.ready[0]?.close();
  await soon(unready, 'noticing the loss');
  await soon(backend.seen[0]?.aborted, 'stopping the inference server');
  assert.equal(worker.snapshot().jobs.active, 0);
  await proxy.until(() => proxy.ready.length === 2);
  await worker.whenReady(AbortSignal.timeout(10_000));
});

it('closing tells the proxies, ends the rest with an error and leaves nothing open', async () => {
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  const worker = await startWorker(configFor(backend.port), { ...deps, root: proxy.root });
  await worker.whenReady(AbortSignal.timeout(10_000));
  const message = runJob(httpRequest(chat));
  proxy.ready[0]?.send(message);
  await eventually(() => backend.seen.length > 0);
  await Promise.all([worker.close(), worker.close()]);
  await proxy.until(() => proxy.heard.some(isEnd(message.request_id)));
  assert.ok(proxy.heard.some((one) => one.kind === 'worker.enabledDisabled' && one.disabled === 1));
  assert.ok(proxy.heard.some((one) => one.kind === 'bombyx.answerError' && one.reason === 'JOB_CLOSING'));
  await soon(backend.seen[0]?.aborted, 'stopping the inference server');
  await eventually(() => backend.sockets.size === 0);
});

it('takes the way through the router of its machine when it is told of one, and no other', async () => {
  await using backend = await startBackend((_request, response) => json(response, { usage: usage(1, 1) }));
  await using router = await startRouter();
  await using proxy = await startScriptedProxy({ router: true });
  const config = configFor(backend.port, { connect_to_proxy_via: `127.0.0.1:${router.port}` });
  await using worker = await startWorker(config, { ...deps, root: proxy.root });
  await worker.whenReady(AbortSignal.timeout(10_000));
  assert.deepEqual(router.asked, [`127.0.0.1:${proxy.port}`]);
  const message = runJob(httpRequest(chat));
  proxy.ready[0]?.send(message);
  await proxy.until(() => proxy.heard.some(isEnd(message.request_id)));
});

it('gives a proxy up that cannot be reached, and takes another', async () => {
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  const dead = { host: '127.0.0.1', port: 1 };
  const registered = [{ seqno: 1, workers: dead, clients: dead }, ...proxy.root.registeredProxies];
  const config = configFor(backend.port, { give_up_proxy_after_ms: 1 });
  await using worker = await startWorker(config, { ...deps, root: { ...proxy.root, registeredProxies: registered } });
  await proxy.until(() => proxy.ready.length > 0); // the first is picked at random
  await worker.whenReady(AbortSignal.timeout(10_000));
  assert.equal(worker.snapshot().connections.length, 1);
});

describe('what keeps a worker from starting', () => {
  const root = recordedRoot();
  const refused = async (config: object, more: object = {}) => {
    const error = await startWorker(configFor(1, config), { ...deps, root: { ...root, ...more } }).catch(
      (cause: unknown) => cause,
    );
    return (error as WorkerError).message;
  };
  it('another kind of network than the root contract is of', async () => {
    assert.match(await refused({ is_test: false }), /"is_test" is false, but the root contract is a test network's/);
  });
  it('hashes that the root contract does not list, where they are checked', async () => {
    assert.match(await refused({ check_proxy_hashes: true }), /"image_hash" is not among/);
    const image = Buffer.alloc(32, 7);
    const listed = { workerHashes: [image] };
    const config = { check_proxy_hashes: true, image_hash: image.toString('base64') };
    assert.match(await refused(config, listed), /"model_name" is not among/);
  });
  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    assert.match(await refused({ http_port: port }), /EADDRINUSE/);
    other.close();
  });
});
