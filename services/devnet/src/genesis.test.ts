/** The contract that holds every coin: only the owner of its key moves them, and each order once. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { Address, beginCell, Cell, external, internal, loadMessage, storeMessage } from '@ton/core';
import fc from 'fast-check';
import { openLedger, sharedMachine, TON } from '../testing/harness.ts';
import { readAccount } from './account.ts';
import { genesisOf, genesisSeqno, genesisTransfer, SUPPLY } from './genesis.ts';

const NOW = 1_800_000_000;
const target = new Address(0, randomBytes(32));
const genesis = genesisOf(randomBytes(32), NOW);

async function run(message: Cell, state: Uint8Array = genesis.state) {
  const machine = await sharedMachine();
  return await machine.execute(state, message, { utime: NOW + 1, lt: 1_000_000n, randomSeed: Buffer.alloc(32) });
}

it('begins with the whole supply, and its network follows from its seed', () => {
  assert.equal(readAccount(genesis.state).balance, SUPPLY);
  const seed = randomBytes(32);
  assert.deepEqual(genesisOf(seed, NOW).rootHash, genesisOf(seed, NOW).rootHash);
  assert.notDeepEqual(genesisOf(seed, NOW).rootHash, genesis.rootHash);
});

it('pays what is signed, counts it, and does not pay it again', async () => {
  const order = genesisTransfer(genesis, 0, target, 5n * TON);
  const first = await run(order);
  assert.ok(first.ok);
  const [out] = first.transaction.outMessages.values();
  assert.ok(out?.info.type === 'internal' && out.info.dest.equals(target) && out.info.value.coins === 5n * TON);
  assert.equal(genesisSeqno(readAccount(first.state).data!), 1);
  const again = await run(order, first.state);
  assert.deepEqual([again.ok, !again.ok && again.exitCode], [false, 33]);
});

it('refuses an order with another number', async () => {
  const early = await run(genesisTransfer(genesis, 1, target, TON));
  assert.deepEqual([early.ok, !early.ok && early.exitCode], [false, 33]);
});

it('refuses an order that another key signed', async () => {
  const thief = genesisOf(randomBytes(32), NOW);
  const { body } = loadMessage(genesisTransfer(thief, 0, target, TON).beginParse());
  const message = beginCell()
    .store(storeMessage(external({ to: genesis.address, body })))
    .endCell();
  const stolen = await run(message);
  assert.deepEqual([stolen.ok, !stolen.ok && stolen.exitCode], [false, 34]);
});

it('refuses an order with any bit of it changed', async () => {
  const { body } = loadMessage(genesisTransfer(genesis, 0, target, TON).beginParse());
  const bits = body.bits.length;
  await fc.assert(
    fc.asyncProperty(fc.nat(bits - 1), async (flipped) => {
      const builder = beginCell();
      for (let i = 0; i < bits; i += 1) builder.storeBit(body.bits.at(i) !== (i === flipped));
      for (const ref of body.refs) builder.storeRef(ref);
      const changed = external({ to: genesis.address, body: builder.endCell() });
      assert.equal((await run(beginCell().store(storeMessage(changed)).endCell())).ok, false);
    }),
    { numRuns: 50 },
  );
});

it('keeps coins that are sent to it', async () => {
  await using ledger = await openLedger();
  const message = beginCell()
    .store(
      storeMessage({
        info: {
          type: 'internal',
          ihrDisabled: true,
          bounce: true,
          bounced: false,
          src: target,
          dest: ledger.genesis.address,
          value: { coins: 7n },
          ihrFee: 0n,
          forwardFee: 0n,
          createdLt: 1n,
          createdAt: 1,
        },
        body: Cell.EMPTY,
      }),
    )
    .endCell();
  const kept = await run(message);
  assert.ok(kept.ok);
  assert.equal(kept.transaction.outMessagesCount, 0);
  assert.ok(readAccount(kept.state).balance > SUPPLY - TON);
  assert.ok(internal({ to: target, value: 1n }).info.type === 'internal');
});
