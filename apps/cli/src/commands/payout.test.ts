/** `bombyx payout` against a page that answers as a worker does. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { startPart } from '../../testing/part-server.ts';
import { printed } from '../../testing/printed.ts';
import { CliError } from '../usage.ts';
import { payout } from './payout.ts';

const account = (proxy: string, due: string) => ({ proxy_sc_address: proxy, due });

/** A worker with these accounts. */
const workerWith = (t: TestContext, ...proxies: readonly object[]) =>
  startPart(t, {
    role: 'worker',
    page: { proxies },
    reply: 'a payout of 1.5 TON is under way',
    config: { model_name: 'm', forward_requests_to: '127.0.0.1:1' },
  });
const ordersIn = (asked: readonly string[]) => asked.filter((request) => request.startsWith('POST'));

const refusal = (told: RegExp) => (error: unknown) => error instanceof CliError && told.test(error.message);

it('cashes where something is due, and says what the worker says', async (t) => {
  const { here, asked } = await workerWith(t, account('UQa', '1500000000'), account('UQb', '0'));
  assert.match(await printed(payout, ...here), /^UQa: a payout of 1\.5 TON is under way$/);
  assert.deepEqual(ordersIn(asked), ['POST /request/payout?proxy=UQa Bearer s3cret']);
});

it('cashes at the proxy that is named, and knows no other', async (t) => {
  const { here, asked } = await workerWith(t, account('UQa', '1'), account('UQb', '1'));
  await printed(payout, 'UQb', ...here);
  assert.deepEqual(ordersIn(asked), ['POST /request/payout?proxy=UQb Bearer s3cret']);
  await assert.rejects(printed(payout, 'UQc', ...here), refusal(/accounts at UQa, UQb only/));
});

it('says when nothing is due, and sends no order', async (t) => {
  const { here, asked } = await workerWith(t, account('UQa', '0'));
  await assert.rejects(printed(payout, ...here), refusal(/^0 TON are due: proxies sign/));
  assert.deepEqual(ordersIn(asked), []);
});
