/** The money commands as a person and a script use them, against a gateway that answers as a client with TON does. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { startPart } from '../../testing/part-server.ts';
import { printed } from '../../testing/printed.ts';
import { CliError, type CliErrorCode } from '../usage.ts';
import { close, stake, topup, withdraw } from './money.ts';

const account = (proxy: string, more: object = {}) => ({
  proxy_sc_address: proxy,
  sc_address: 'UQours',
  state: 0,
  tokens_used_proxy_max: 1_570,
  tokens_signed: 1_500,
  tokens_charged: 1_000,
  balance: 1_500_000_001,
  stake: 1_000_000_000,
  unlock_at: 0,
  under_way: '',
  last_deed: '',
  trouble: '',
  ...more,
});
const money = { lack: '', topped_up_today: 2_000_000_000, top_up_per_day: 10_000_000_000 };
const wallet = { address: 'UQwallet', balance: 7_250_000_000 };
const fault = {
  at: 1,
  failures: ['the signed payment is above what was asked for'],
  request_id: '',
  claimed: '2000',
  explained: '1000',
  signed_payment_hash: 'ab',
};

/** A client whose page says so, and that refuses all orders where `refusal` says why. */
const clientFor = (t: TestContext, page: object, refusal?: string) =>
  startPart(t, { role: 'client', page, reply: refusal === undefined ? 'request sent' : { refusal } });

const coded = (code: CliErrorCode, text: RegExp) => (error: unknown) =>
  error instanceof CliError && error.code === code && text.test(error.message);

it('shows wallet, today, and every account in exact amounts', async (t) => {
  const { here, asked } = await clientFor(t, { wallet, money, proxies: [account('UQa')] });
  const shown = await printed(stake, ...here);
  assert.match(shown, /Wallet {2}UQwallet\n {8}7\.25 TON\nToday {3}2 of 10 TON were paid in at proxies/);
  assert.match(shown, /^UQa +open +1\.500000001 +1 +1570 +1500 +1000$/m);
  assert.deepEqual(asked, ['GET /jsonstats Bearer s3cret']);
});

it('speaks JSON, one object a line', async (t) => {
  const { here } = await clientFor(t, { wallet, money, proxies: [account('UQa', { fault })] });
  const lines = (await printed(stake, ...here, '--json')).split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ event, balance, state }) => [event, balance, state]),
    [
      ['wallet', '7.25', undefined],
      ['account', '1.500000001', 'not trusted'],
    ],
  );
  assert.deepEqual(lines[1].fault, fault);
});

it('says what to do first: coins that are lacking, a fault, an end that is awaited', async (t) => {
  const lack = 'the wallet has 0.5 TON and needs 3.8 TON: send 3.35 TON to UQwallet';
  const proxies = [account('UQa', { fault }), account('UQb', { state: 1, unlock_at: 1_800_000_000 })];
  const { here } = await clientFor(t, { wallet, money: { ...money, lack }, proxies });
  const shown = await printed(stake, ...here);
  assert.ok(shown.includes(`To do: ${lack}.`));
  assert.match(shown, /UQa claimed 2000 tokens where 1000 are explained.*\n.*bombyx stake --trust UQa/);
  assert.match(shown, /UQb: what is left comes back by itself after 2027-01-15T08:00:00\.000Z/);
});

for (const [command, said] of [
  [topup, /gets 1 TON, which are on their way/],
  [withdraw, /gives back what is above the stake of 1 TON/],
  [close, /is being closed, for good until the network changes its terms: what is above the stake comes back now/],
] as const) {
  it(`orders ${command.name} at the one proxy there is, or at the one that is named`, async (t) => {
    const one = await clientFor(t, { wallet, money, proxies: [account('UQa')] });
    assert.match(await printed(command, ...one.here), said);
    assert.equal(one.asked.at(-1), `POST /request/${command.name}?proxy=UQa Bearer s3cret`);
    const two = await clientFor(t, { wallet, money, proxies: [account('UQa'), account('UQ+b')] });
    await assert.rejects(printed(command, ...two.here), coded('CLI_USAGE', /say which proxy: UQa, UQ\+b/));
    assert.equal(two.asked.length, 1);
    const told = await printed(command, 'UQ+b', ...two.here, '--json');
    assert.deepEqual(JSON.parse(told), { event: command.name, proxy: 'UQ+b' });
    assert.equal(two.asked.at(-1), `POST /request/${command.name}?proxy=UQ%2Bb Bearer s3cret`);
  });
}

it('forgives a proxy with one call', async (t) => {
  const { here, asked } = await clientFor(t, { wallet, money, proxies: [account('UQa', { fault })] });
  assert.match(await printed(stake, '--trust', 'UQa', ...here), /is used again/);
  assert.equal(asked.at(-1), 'POST /request/trust?proxy=UQa Bearer s3cret');
});

it('tells in one sentence what is wrong', async (t) => {
  const refused = await clientFor(t, { wallet, money, proxies: [account('UQa')] }, 'nothing to withdraw');
  await assert.rejects(printed(withdraw, ...refused.here), coded('CLI_REFUSED', /^nothing to withdraw$/));
  await assert.rejects(printed(withdraw, 'UQx', ...refused.here), coded('CLI_USAGE', /accounts at UQa only/));
  const without = await clientFor(t, { wallet, proxies: [] });
  await assert.rejects(printed(stake, ...without.here), coded('CLI_USAGE', /without TON/));
  const none = await clientFor(t, { wallet, money, proxies: [] });
  await assert.rejects(printed(topup, ...none.here), coded('CLI_USAGE', /no account/));
  await assert.rejects(printed(stake, '--config', '/nowhere/client.json'), coded('CLI_CONFIG', /is missing/));
});
