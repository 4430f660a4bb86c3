import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { Address, beginCell, Cell } from '@ton/core';
import { sharedMachine } from '../testing/harness.ts';
import { NO_ACCOUNT } from './account.ts';
import { genesisOf, genesisTransfer } from './genesis.ts';
import { methodId } from './machine.ts';
import { configParameter } from './network-config.ts';

const NOW = 1_800_000_000;
const setting = { utime: NOW, lt: 1_000_000n, randomSeed: Buffer.alloc(32) };

it('numbers get methods as the compilers do', () => {
  assert.equal(methodId('seqno'), 85_143);
  assert.equal(methodId('get_public_key'), 78_748);
});

it('keeps prices in the configuration of get methods, and none of the validators', async () => {
  const { cell, forGetters } = (await sharedMachine()).config;
  const small = Cell.fromBase64(forGetters);
  for (const index of [18, 20, 21, 24, 25]) {
    assert.deepEqual(configParameter(small, index)?.hash(), configParameter(cell, index)?.hash());
    assert.ok(configParameter(cell, index));
  }
  assert.ok(configParameter(cell, 34));
  assert.equal(configParameter(small, 34), undefined);
});

it('makes a result of a message or an account that is none, and runs the next message', async () => {
  const machine = await sharedMachine();
  const genesis = genesisOf(randomBytes(32), NOW);
  const order = genesisTransfer(genesis, 0, new Address(0, randomBytes(32)), 1n);
  const junk = beginCell().storeUint(7, 20).endCell();
  for (const [state, message] of [
    [genesis.state, junk],
    [genesis.state, Cell.EMPTY],
    [junk.toBoc(), order],
    [randomBytes(50), order],
    [NO_ACCOUNT, order],
  ] as const) {
    const { ok } = await machine.execute(state, message, setting);
    assert.equal(ok, false);
    assert.equal((await machine.execute(genesis.state, order, setting)).ok, true);
  }
});
