import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import { Address, beginCell } from '@ton/core';
import fc from 'fast-check';
import { FakeChain } from '../testing/chain-fake.ts';
import { anyRoot, rootData } from '../testing/chain-root.ts';
import { ChainError, type RootConfig, RootSource } from './index.ts';

const address = new Address(0, Buffer.alloc(32, 4));
const first: RootConfig = {
  ...(fc.sample(anyRoot(3), { numRuns: 1, seed: 5 })[0] ?? assert.fail()),
  isTest: true,
  version: 100,
  paramsVersion: 10,
};

class UncertainChain extends FakeChain {
  isDown = false;

  show(root: RootConfig): void {
    Object.assign(this.at(address), { status: 'active', code: beginCell().endCell(), data: rootData(root) });
  }

  override account(...args: Parameters<FakeChain['account']>) {
    if (this.isDown) return Promise.reject(new ChainError('CHAIN_UNREACHABLE', 'no endpoint can be reached'));
    return super.account(...args);
  }
}

async function watched(checksHashes: boolean) {
  const clock = new FakeClock();
  const chain = new UncertainChain(clock);
  chain.show(first);
  const random = { bytes: (size: number) => new Uint8Array(size).fill(255) };
  const lines: string[] = [];
  const log = { ...silentLogger, error: (line: string) => void lines.push(line) };
  const source = await RootSource.watched({ address, isTest: true, checksHashes }, { chain, clock, random, log });
  /** Each change with whether the root counted then. */
  const changes: [before: number, now: number, counts: boolean][] = [];
  source.onChange = (now, before) => changes.push([before.version, now.version, source.failure === undefined]);
  const pass = async (seconds: number) => {
    await clock.advanceGently(seconds * 1_000, 10_000);
    await turn();
  };
  return { chain, source, changes, lines, pass, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

it('that of a file stays as it is and always counts', async () => {
  await using source = RootSource.fixed(first);
  assert.deepEqual([source.current, source.failure], [first, undefined]);
});

it('that of the chain changes with it', async () => {
  await using net = await watched(true);
  net.chain.show({ ...first, version: 105 });
  await net.pass(61);
  assert.equal(net.source.current.version, 105);
  assert.deepEqual(net.changes, [[100, 105, true]]);
});

it('does not count for lists while nobody confirms it, and says when it does not and does again', async () => {
  await using net = await watched(true);
  net.chain.isDown = true;
  await net.pass(7_400);
  assert.equal(net.source.failure?.code, 'ROOT_STALE');
  assert.equal(net.source.current.version, 100);
  net.chain.isDown = false;
  await net.pass(180);
  assert.equal(net.source.failure, undefined);
  assert.deepEqual(net.changes, [
    [100, 100, false],
    [100, 100, true],
  ]);
  assert.equal(net.lines.length, 1);
});

it('may be old where only its prices matter', async () => {
  await using net = await watched(false);
  net.chain.isDown = true;
  await net.pass(9_000);
  assert.equal(net.source.failure, undefined);
});

it('never counts again once it said what is wrong, whatever it is used for', async () => {
  await using net = await watched(false);
  net.chain.show({ ...first, version: 200, paramsVersion: 9 });
  await net.pass(61);
  assert.equal(net.source.failure?.code, 'ROOT_ROLLBACK');
  assert.deepEqual([net.source.current.version, net.changes], [100, [[100, 100, false]]]);
});
