/** A worker and the root contract it reads by itself. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LogFields, type Logger, silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { ChainError, formatAddress, type RootConfig, RootError } from '@bombyx/ton';
import { NO_IMAGE_HASH } from '@bombyx/transport';
import { startBackend } from '../testing/backend.ts';
import { OWNER, ROOT_ADDRESS } from '../testing/fake-proxy.ts';
import { RootChain } from '../testing/root-chain.ts';
import { type ScriptedProxy, startScriptedProxy } from '../testing/scripted-proxy.ts';
import { parseWorkerConfig, startWorker, WorkerError } from './index.ts';

const image = Buffer.alloc(32, 7);
/** All of the network's lists, with us on them. */
const lists = {
  workerHashes: [image],
  proxyHashes: [NO_IMAGE_HASH],
  modelHashes: [createHash('sha256').update('m@c:h').digest()],
};
/** Being on them matters. */
const checking = { check_proxy_hashes: true, image_hash: image.toString('base64') };

class Rig implements AsyncDisposable {
  readonly clock = new FakeClock(Date.now());
  readonly lines: string[] = [];
  readonly chain: RootChain;
  root: RootConfig;

  constructor(root: RootConfig) {
    this.root = root;
    this.chain = new RootChain(this.clock, root);
  }

  start(backendPort: number, more: object = {}) {
    const config = parseWorkerConfig({
      is_test: true,
      owner_address: OWNER,
      root_contract_address: ROOT_ADDRESS,
      model_name: 'm@c:h',
      forward_requests_to: `127.0.0.1:${backendPort}`,
      node_wallet_key: Buffer.alloc(32, 3).toString('base64'),
      shutdown_grace_ms: 0,
      ...more,
    });
    const write = (message: string, fields?: LogFields) =>
      this.lines.push([message, ...Object.values(fields ?? {}).map(String)].join(' '));
    const log: Logger = { ...silentLogger, warn: write, error: write, info: write, child: () => log };
    return startWorker(config, { clock: this.clock, log, chain: this.chain });
  }

  /** Writes another version of the root contract. */
  change(more: Partial<RootConfig>): void {
    this.root = { ...this.root, version: this.root.version + 1, ...more };
    this.chain.write(this.root);
  }

  /** Moves time on until something has happened that real sockets take part in. */
  async until(what: string, happened: () => boolean): Promise<void> {
    const endMs = performance.now() + 20_000;
    while (!happened()) {
      if (performance.now() > endMs) assert.fail(`never happened: ${what}; ${this.lines.slice(-5).join('; ')}`);
      this.clock.advance(250);
      await sleep(2);
    }
  }

  [Symbol.asyncDispose]() {
    return this.chain[Symbol.asyncDispose]();
  }
}

const oneOf = (proxy: ScriptedProxy, more: Partial<RootConfig> = {}) =>
  new Rig({ ...proxy.root, structVersion: 3, ...more });

it('connects anew with the addresses of new parameters, and remembers the accounts of before', async () => {
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  await using rig = oneOf(proxy);
  proxy.move(rig.root);
  const before = proxy.party.contract;
  await using worker = await rig.start(backend.port);
  await rig.until('ready', () => worker.ready);
  rig.change({ paramsVersion: rig.root.paramsVersion + 1 });
  proxy.move(rig.root);
  await rig.until('a second handshake', () => proxy.ready.length === 2);
  await rig.until('ready again', () => worker.ready);
  const text = formatAddress(proxy.party.contract, { testnet: false });
  const { connections, proxies, root_contract_config } = worker.snapshot();
  assert.equal(connections[0]?.proxy_sc_address, text);
  assert.deepEqual(
    proxies.map(({ proxy_sc_address, params_version }) => [proxy_sc_address, params_version]),
    [
      [formatAddress(before, { testnet: false }), rig.root.paramsVersion - 1],
      [text, rig.root.paramsVersion],
    ],
  );
  assert.equal(root_contract_config['params_version'], rig.root.paramsVersion);
});

it('leaves a proxy that is no longer registered, and takes one that is', async () => {
  await using backend = await startBackend(() => {});
  await using first = await startScriptedProxy();
  await using second = await startScriptedProxy();
  await using rig = oneOf(first);
  first.move(rig.root);
  second.move(rig.root);
  await using worker = await rig.start(backend.port);
  await rig.until('ready', () => worker.ready);
  rig.change({ registeredProxies: second.root.registeredProxies });
  await rig.until('the other proxy', () => second.ready.length === 1);
  await rig.until('the first one lost', () => first.ready[0]?.signal.aborted === true);
  assert.deepEqual(
    worker.snapshot().connections.map(({ address }) => address),
    [`127.0.0.1:${second.port}`],
  );
});

it('hazard 2: delisted itself, it takes no more work and goes on living; listed again, it works again', async () => {
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  await using rig = oneOf(proxy, lists);
  proxy.move(rig.root);
  await using worker = await rig.start(backend.port, checking);
  await rig.until('ready', () => worker.ready);
  rig.change({ workerHashes: [] });
  await rig.until('unready', () => !worker.ready);
  assert.match(worker.snapshot().refusal, /"image_hash" is not among/);
  assert.ok(proxy.heard.some((one) => one.kind === 'worker.enabledDisabled' && one.disabled === 1));
  rig.change({ workerHashes: [image] });
  await rig.until('ready again', () => worker.ready);
  assert.equal(worker.snapshot().refusal, '');
});

it('a chain that cannot be asked is no reason to stop; after two hours lists that nobody confirms allow nobody', async () => {
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  await using rig = oneOf(proxy, lists);
  proxy.move(rig.root);
  await using worker = await rig.start(backend.port, checking);
  await rig.until('ready', () => worker.ready);
  rig.chain.isDown = true;
  await rig.clock.advanceGently(600_000);
  assert.equal(worker.snapshot().refusal, '');
  assert.equal(worker.snapshot().wallet?.trouble, 'CHAIN_UNREACHABLE');
  await rig.clock.advanceGently(7_000_000, 10_000);
  assert.match(worker.snapshot().refusal, /could not be refreshed/);
  assert.equal(worker.ready, false);
  rig.chain.isDown = false;
  await rig.until('ready again', () => worker.ready);
});

it('refuses to start where there is no root contract, and from a chain that cannot be asked', async () => {
  await using proxy = await startScriptedProxy();
  await using rig = oneOf(proxy);
  rig.chain.isDown = true;
  await assert.rejects(rig.start(1), (error) => error instanceof ChainError && error.code === 'CHAIN_UNREACHABLE');
  rig.chain.isDown = false;
  rig.change({ isTest: false });
  await assert.rejects(rig.start(1), (error) => error instanceof RootError && error.code === 'ROOT_TEST_FLAG');
});

it('says which key it needs before it starts', async () => {
  await using proxy = await startScriptedProxy();
  await using rig = oneOf(proxy);
  await assert.rejects(
    rig.start(1, { node_wallet_key: undefined }),
    (error) => error instanceof WorkerError && /"node_wallet_key" is needed/.test(error.message),
  );
});
