import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock, turn } from '@bombyx/testkit';
import { Address, beginCell, type Cell, internal, loadMessage, storeMessageRelaxed } from '@ton/core';
import { FakeChain } from '../testing/chain-fake.ts';
import { type Arrival, awaitArrival, ChainError, type TransactionId } from './index.ts';

const contract = new Address(0, Buffer.alloc(32, 2));
const wallet = new Address(0, Buffer.alloc(32, 3));
const other = new Address(0, Buffer.alloc(32, 4));
const numbered = (id: number) => beginCell().storeUint(id, 32).endCell();
const isSeven = (body: Cell) => body.beginParse().loadUint(32) === 7;

class FailingChain extends FakeChain {
  failure: ChainError | undefined;

  override transactions(...args: Parameters<FakeChain['transactions']>) {
    return this.failure ? Promise.reject(this.failure) : super.transactions(...args);
  }
}

class Rig {
  readonly clock = new FakeClock(1_800_000_000_000);
  readonly chain = new FailingChain(this.clock);
  readonly gone = new AbortController();
  outcome: Arrival | undefined;

  /** The message that is waited for was sent now. */
  async follow(after?: TransactionId): Promise<void> {
    const expected = { contract, wallet, matches: isSeven, after, sentAtSec: this.clock.nowMs() / 1_000 };
    const deps = { chain: this.chain, clock: this.clock, pollMs: 10_000 };
    this.outcome = await awaitArrival(expected, deps, this.gone.signal);
  }

  bring(from: Address, id: number, exitCode = 0): TransactionId {
    const transfer = internal({ to: contract, value: 1n, bounce: true, body: numbered(id) });
    transfer.info = { ...transfer.info, src: from, createdAt: 1, createdLt: 1n } as typeof transfer.info;
    const message = beginCell().store(storeMessageRelaxed(transfer)).endCell();
    return this.chain.book(contract, loadMessage(message.beginParse()), exitCode);
  }

  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 10) {
      this.clock.advance(10_000);
      for (let i = 0; i < 5; i += 1) await turn();
    }
  }
}

it('tells its message from those of others and from those before it, and waits until it is there', async () => {
  const rig = new Rig();
  const before = rig.bring(wallet, 7);
  const following = rig.follow(before);
  rig.bring(other, 7);
  rig.bring(wallet, 8);
  await rig.pass(100);
  assert.equal(rig.outcome, undefined);
  rig.bring(wallet, 7);
  await rig.pass(10);
  await following;
  assert.deepEqual(rig.outcome, { outcome: 'executed' });
});

it('finds it behind more than one part of the history', async () => {
  const rig = new Rig();
  for (let id = 100; id < 350; id += 1) rig.bring(wallet, id);
  rig.bring(wallet, 7);
  await rig.follow();
  assert.deepEqual(rig.outcome, { outcome: 'executed' });
});

it('says with which code the contract refused it', async () => {
  const rig = new Rig();
  rig.bring(wallet, 7, 1_000);
  await rig.follow();
  assert.deepEqual(rig.outcome, { outcome: 'refused', exitCode: 1_000 });
});

it('gives it up when it can no longer be on its way', async () => {
  const rig = new Rig();
  const following = rig.follow();
  await rig.pass(600);
  assert.equal(rig.outcome, undefined);
  await rig.pass(20);
  await following;
  assert.deepEqual(rig.outcome, { outcome: 'lost' });
});

it('waits for a chain that cannot be asked, however long, and does not call lost what it has not looked for', async () => {
  const rig = new Rig();
  rig.chain.failure = new ChainError('CHAIN_UNREACHABLE', 'no endpoint can be reached');
  const following = rig.follow();
  await rig.pass(3_600);
  assert.equal(rig.outcome, undefined);
  rig.bring(wallet, 7);
  rig.chain.failure = undefined;
  await rig.pass(10);
  await following;
  assert.deepEqual(rig.outcome, { outcome: 'executed' });
});

it('does not guess where the history it began from is no longer shown', async () => {
  const rig = new Rig();
  const following = rig.follow({ lt: 5n, hash: Buffer.alloc(32) });
  await rig.pass(620);
  await following;
  assert.deepEqual(rig.outcome, { outcome: 'unknown' });
});

it('ends with the signal, and with a chain that was closed', async () => {
  const rig = new Rig();
  const reason = new Error('the node closes');
  const following = rig.follow();
  await turn();
  rig.gone.abort(reason);
  await assert.rejects(following, reason);
  const closed = new Rig();
  closed.chain.failure = new ChainError('CHAIN_CLOSED', 'closed');
  await assert.rejects(closed.follow(), closed.chain.failure);
  assert.equal(rig.clock.pending + closed.clock.pending, 0);
});
