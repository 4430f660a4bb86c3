/** The whole worker on a chain: from a payment that a proxy sends to coins on the owner's account. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { formatAddress, parseAddress, proxyBirthData, type RootConfig, rootDataCell } from '@bombyx/ton';
import { actor, code, TON } from '../../../../packages/ton/testing/contracts-world.ts';
import { WorldChain } from '../../../../packages/ton/testing/world-chain.ts';
import { startBackend } from '../../testing/backend.ts';
import { OWNER, ROOT_ADDRESS } from '../../testing/fake-proxy.ts';
import { rootDataOf } from '../../testing/root-chain.ts';
import { startScriptedProxy } from '../../testing/scripted-proxy.ts';
import { parseWorkerConfig, startWorker } from '../index.ts';

it('reads the root contract, meets the proxy, is told of a payment, and cashes it', async () => {
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  const clock = new FakeClock(Date.now());
  await using chain = await WorldChain.create(clock);
  const { params } = chain.world;
  const codes = { proxyCode: code.proxy, workerCode: code.worker, clientCode: code.client };
  const root: RootConfig = { ...proxy.root, ...params, ...codes };
  proxy.move(root);
  const { contract, publicKey } = proxy.party;
  const rootAddress = parseAddress(ROOT_ADDRESS);
  await chain.world.place(rootAddress, 'root', rootDataCell(rootDataOf(root)), TON);
  const birth = proxyBirthData(root, { owner: parseAddress(OWNER), publicKey, rootAddress });
  await chain.world.place(contract, 'proxy', birth, 100n * TON);

  const config = parseWorkerConfig({
    is_test: true,
    owner_address: OWNER,
    root_contract_address: ROOT_ADDRESS,
    model_name: 'm',
    forward_requests_to: `127.0.0.1:${backend.port}`,
    node_wallet_key: Buffer.alloc(32, 3).toString('base64'),
    shutdown_grace_ms: 0,
    http_port: 0,
  });
  await using worker = await startWorker(config, { clock, log: silentLogger, chain });
  const until = async (what: string, happened: () => boolean) => {
    const endMs = performance.now() + 20_000;
    while (!happened()) {
      if (performance.now() > endMs) assert.fail(`never happened: ${what}`);
      await chain.pass(1);
      await sleep(1);
    }
  };
  await until('ready', () => worker.ready);
  await until('a look at the wallet', () => (worker.snapshot().wallet?.lack ?? '') !== '');
  const { lack, address } = worker.snapshot().wallet!;
  assert.match(lack, new RegExp(`send at least 2\\.5 TON to ${address}$`));
  await chain.act((world) => world.send(actor('somebody'), parseAddress(address), 3n * TON, undefined, false));

  proxy.ready[0]?.send(proxy.party.sign(12_000_000_000n)); // at 1 nanoTON a token
  await until('the payout', () => worker.snapshot().wallet?.payouts === 1);
  assert.equal(chain.received(parseAddress(OWNER)), 12n * TON);
  await until('the look after it', () => worker.snapshot().proxies[0]?.cached_out_tokens === 12_000_000_000);
  const [account] = worker.snapshot().proxies;
  assert.equal(account?.due, '0');
  assert.equal(account?.last_payout_amount, String(12n * TON));
  assert.equal(account?.sc_inited, true);
  assert.equal(account?.proxy_sc_address, formatAddress(contract, { testnet: false }));
  assert.equal(worker.snapshot().wallet?.lack, '');
  const nothing = await worker.payOut?.(contract);
  assert.deepEqual(nothing, { ok: false, reason: 'nothing', text: 'nothing is due' });
});
