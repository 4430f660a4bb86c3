/** `bombyx payout` against a page that answers as a worker does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { printed } from '../../testing/printed.ts';
import { CliError } from '../usage.ts';
import { payout } from './payout.ts';

const account = (proxy: string, due: string) => ({ proxy_sc_address: proxy, due });

/** @returns options that lead to a worker with these accounts, and the orders it got */
async function workerWith(t: TestContext, ...proxies: readonly object[]) {
  const orders: string[] = [];
  const server = createServer((req, res) => {
    if (req.method === 'GET') return void res.end(JSON.stringify({ proxies }));
    orders.push(`${req.url} ${req.headers.authorization}`);
    res.writeHead(202).end('a payout of 1.5 TON is under way\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-payout-'));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  writeFileSync(
    join(folder, 'worker.json'),
    JSON.stringify({
      is_test: true,
      owner_address: `0:${'1'.repeat(64)}`,
      root_contract_address: `0:${'2'.repeat(64)}`,
      node_wallet_key: Buffer.alloc(32, 3).toString('base64'),
      model_name: 'm',
      forward_requests_to: '127.0.0.1:1',
      http_port: (server.address() as AddressInfo).port,
      http_access_hash: 'pass',
    }),
  );
  return { here: ['--data-dir', folder], orders };
}

const refusal = (told: RegExp) => (error: unknown) => error instanceof CliError && told.test(error.message);

it('cashes where something is due, and says what the worker says', async (t) => {
  const { here, orders } = await workerWith(t, account('UQa', '1500000000'), account('UQb', '0'));
  assert.match(await printed(payout, ...here), /^UQa: a payout of 1\.5 TON is under way$/);
  assert.deepEqual(orders, ['/request/payout?proxy=UQa Bearer pass']);
});

it('cashes at the proxy that is named, and knows no other', async (t) => {
  const { here, orders } = await workerWith(t, account('UQa', '1'), account('UQb', '1'));
  await printed(payout, 'UQb', ...here);
  assert.deepEqual(orders, ['/request/payout?proxy=UQb Bearer pass']);
  await assert.rejects(printed(payout, 'UQc', ...here), refusal(/accounts at UQa, UQb only/));
});

it('says when nothing is due, and sends no order', async (t) => {
  const { here, orders } = await workerWith(t, account('UQa', '0'));
  await assert.rejects(printed(payout, ...here), refusal(/^0 TON are due: proxies sign/));
  assert.deepEqual(orders, []);
});
