import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { privateKeyFromSeed } from '@bombyx/ton';
import { internal } from '@ton/core';
import { FakeChain } from '../../../../packages/ton/testing/chain-fake.ts';
import { SimulatedWallet } from '../../../../packages/ton/testing/chain-wallet.ts';
import { ClientPurse } from './purse.ts';

const TON = 1_000_000_000n;
const privateKey = privateKeyFromSeed(Buffer.alloc(32, 3));
const { signal } = new AbortController();

/** With 5 TON, and one that was looked at. */
async function open() {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const wallet = new SimulatedWallet(chain, createPublicKey(privateKey), clock, 5n * TON);
  const options = { address: wallet.address, privateKey, testnet: false, pollMs: 1_000, stake: TON };
  const purse = new ClientPurse(options, { chain, clock, log: silentLogger });
  await purse.look(signal);
  return { chain, wallet, purse, [Symbol.asyncDispose]: () => purse[Symbol.asyncDispose]() };
}

it('asks for the most that somebody wants, until it is paid or not wanted any more', async () => {
  await using net = await open();
  const { purse, wallet } = net;
  const [small, large, largest] = [{}, {}, {}];
  assert.equal(purse.canPay(large, 4n * TON), false);
  assert.equal(purse.canPay(largest, 9n * TON), false);
  assert.equal(purse.canPay(small, TON), true);
  assert.match(
    purse.lack ?? '',
    /^the wallet has 5 TON and needs 11\.8 TON to pay 9 TON in .*: send at least 6\.85 TON to /,
  );
  purse.settled(largest);
  assert.match(purse.lack ?? '', /needs 6\.8 TON to pay 4 TON in at a proxy: send at least 1\.85 TON to /);
  net.chain.at(wallet.address).balance += 2n * TON;
  await purse.look(signal);
  assert.equal(purse.lack, undefined);
  assert.equal(purse.canPay(large, 4n * TON), true);
});

it('does not count coins twice that are on their way, and asks nobody for more because of them', async () => {
  await using net = await open();
  const { purse, wallet } = net;
  const message = internal({ to: wallet.address, value: 2n * TON, bounce: true });
  const sending = purse.send({ mode: 1, message });
  assert.equal(purse.canPay({}, TON), false);
  assert.match(purse.lack ?? '', /^the wallet has 3 TON left and needs 3\.8 TON .*: wait for what is under way$/);
  await Promise.all([assert.rejects(sending), purse[Symbol.asyncDispose]()]);
  assert.equal(purse.canPay({}, TON), true);
});

it('pays nothing at all while its owner has blocked it', async () => {
  await using net = await open();
  const { purse, wallet } = net;
  wallet.blocked = true;
  wallet.write();
  await purse.look(signal);
  assert.equal(purse.canPay({}, 0n), false);
  assert.match(purse.lack ?? '', /^the owner has blocked the wallet/);
});
