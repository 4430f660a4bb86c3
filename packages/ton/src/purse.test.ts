import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import { Address, beginCell, internal } from '@ton/core';
import { FakeChain } from '../testing/chain-fake.ts';
import { SimulatedWallet } from '../testing/chain-wallet.ts';
import { initAddress, operatingWallet, Purse, privateKeyFromSeed, WalletError } from './index.ts';

const TON = 1_000_000_000n;
const privateKey = privateKeyFromSeed(Buffer.alloc(32, 3));
const party = { publicKey: Buffer.alloc(32, 7), owner: new Address(0, Buffer.alloc(32, 1)) };
const { signal } = new AbortController();

function open(wallet: ReturnType<typeof operatingWallet>, chain: FakeChain, clock: FakeClock) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = { ...silentLogger, info: write, warn: write };
  const options = { ...wallet, privateKey, testnet: false, pollMs: 1_000, comfortableBalance: 5n * TON };
  return { purse: new Purse(options, { chain, clock, log }), lines };
}

it('says once how much to send where, and once that it can pay again', async () => {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const wallet = operatingWallet(party, 'bombyx');
  const { purse, lines } = open(wallet, chain, clock);
  await using _ = purse;
  assert.deepEqual([purse.balance, purse.lack], [0n, undefined]);
  chain.at(wallet.address).balance = TON / 2n;
  await purse.look(signal);
  await purse.look(signal);
  const lack = `the wallet has 0.5 TON and sends nothing below 2: send at least 4.5 TON to ${purse.text}`;
  assert.deepEqual([purse.balance, purse.lack, lines], [TON / 2n, lack, [lack]]);
  chain.at(wallet.address).balance = 2n * TON;
  await purse.look(signal);
  assert.deepEqual([purse.lack, lines.at(-1)], [undefined, 'the wallet can pay']);
});

it('is not told to wait for coins where its code is missing and not ours to deploy', async () => {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const wallet = operatingWallet(party, 'cocoon');
  const { purse } = open(wallet, chain, clock);
  await using _ = purse;
  chain.at(wallet.address).balance = 9n * TON;
  await purse.look(signal);
  assert.match(purse.lack ?? '', /^there is no wallet contract at UQ.* or set "wallet_code" to "bombyx"$/);
});

it('names the owner who has blocked it, and reads its number', async () => {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const wallet = new SimulatedWallet(chain, createPublicKey(privateKey), clock, 9n * TON);
  const { purse } = open(wallet, chain, clock);
  await using _ = purse;
  wallet.seqno = 4;
  wallet.blocked = true;
  wallet.write();
  await purse.look(signal);
  assert.equal(purse.seqno, 4);
  assert.equal(purse.lack, `the owner has blocked the wallet ${purse.text}: he unblocks it by sending it the text u`);
});

it('does not take another contract for a wallet', async () => {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const init = { code: beginCell().endCell(), data: beginCell().storeUint(1, 8).endCell() };
  const address = initAddress(init);
  Object.assign(chain.at(address), { status: 'active', balance: 9n * TON, ...init });
  const { purse } = open({ address, init }, chain, clock);
  await using _ = purse;
  await assert.rejects(purse.look(signal), (error) => error instanceof WalletError && error.code === 'WALLET_FOREIGN');
});

it('sends a message once, and counts it until it has landed', async () => {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const wallet = new SimulatedWallet(chain, createPublicKey(privateKey), clock, 9n * TON);
  const { purse } = open(wallet, chain, clock);
  await using _ = purse;
  const to = new Address(0, Buffer.alloc(32, 9));
  const sending = purse.send({ mode: 1, message: internal({ to, value: TON, bounce: true }) });
  assert.equal(purse.pending, 1);
  for (let second = 0; second < 5; second += 1) {
    await turn();
    clock.advance(1_000);
    wallet.block();
  }
  await sending;
  assert.deepEqual([purse.pending, wallet.delivered.length], [0, 1]);
});
