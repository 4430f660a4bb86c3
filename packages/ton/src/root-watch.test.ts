import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BombyxError, silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import { Address, beginCell } from '@ton/core';
import fc from 'fast-check';
import { FakeChain } from '../testing/chain-fake.ts';
import { anyRoot, rootData } from '../testing/chain-root.ts';
import {
  ChainError,
  type RootConfig,
  RootError,
  type RootErrorCode,
  type RootWatchOptions,
  watchRoot,
} from './index.ts';

const address = new Address(0, Buffer.alloc(32, 4));
const first: RootConfig = {
  ...(fc.sample(anyRoot(3), { numRuns: 1, seed: 5 })[0] ?? assert.fail()),
  isTest: true,
  version: 100,
  paramsVersion: 10,
};
const coded = (code: RootErrorCode) => (error: unknown) => error instanceof RootError && error.code === code;

async function open(options: Partial<RootWatchOptions> = {}, prepare: (chain: FakeChain) => void = () => {}) {
  const clock = new FakeClock();
  const chain = new FakeChain(clock);
  const random = { bytes: (size: number) => new Uint8Array(size).fill(255) };
  const changes: [number, number][] = [];
  const failures: BombyxError[] = [];
  const recovered: RootConfig[] = [];
  const show = (root: RootConfig) =>
    Object.assign(chain.at(address), { status: 'active', code: beginCell().endCell(), data: rootData(root) });
  show(first);
  prepare(chain);
  const watch = await watchRoot(
    { address, isTest: true, ...options },
    {
      chain,
      clock,
      random,
      log: silentLogger,
      changed: (root, before) => changes.push([before.version, root.version]),
      failed: (error) => failures.push(error),
      recovered: () => recovered.push(watch.current),
    },
  );
  const pass = async (seconds: number) => {
    await clock.advanceGently(seconds * 1_000, 10_000);
    await turn();
  };
  const close = () => watch[Symbol.asyncDispose]();
  return { clock, chain, watch, changes, failures, recovered, show, pass, [Symbol.asyncDispose]: close };
}

const down = (chain: FakeChain) => {
  chain.account = () => Promise.reject(new ChainError('CHAIN_UNREACHABLE', 'down'));
};

describe('a watched root', () => {
  it('is read every minute, and tells of each change once', async () => {
    await using net = await open();
    net.show({ ...first, version: 101 });
    await net.pass(61);
    assert.equal(net.watch.current.version, 101);
    net.show({ ...first, version: 105, paramsVersion: 11 });
    await net.pass(180);
    assert.deepEqual(net.changes, [
      [100, 101],
      [101, 105],
    ]);
    assert.equal(net.watch.current.paramsVersion, 11);
    assert.ok(net.watch.ageSec <= 61);
  });

  it('may go unread for two hours and not longer, and comes back when it is read again', async () => {
    await using net = await open();
    const honest = net.chain.account.bind(net.chain);
    down(net.chain);
    await net.pass(7_100);
    assert.equal(net.watch.current.version, 100);
    await net.pass(300);
    assert.throws(() => net.watch.current, coded('ROOT_STALE'));
    assert.equal(net.watch.last.version, 100);
    await net.pass(600);
    assert.deepEqual([net.failures.length, net.watch.failure], [1, net.failures[0]]);
    net.chain.account = honest;
    await net.pass(180);
    assert.equal(net.watch.current.version, 100);
    assert.deepEqual([net.recovered.length, net.watch.failure], [1, undefined]);
  });

  it('that cannot be understood is waited for just so', async () => {
    await using net = await open();
    net.chain.at(address).data = beginCell().endCell();
    await net.pass(7_000);
    assert.equal(net.watch.current.version, 100);
    await net.pass(400);
    assert.throws(() => net.watch.current, coded('ROOT_STALE'));
  });

  for (const [what, root, code] of [
    ['lower parameters', { ...first, version: 200, paramsVersion: 9 }, 'ROOT_ROLLBACK'],
    ['the other test flag', { ...first, version: 200, isTest: false }, 'ROOT_TEST_FLAG'],
  ] as const) {
    it(`is given up for good with ${what}`, async () => {
      await using net = await open();
      net.show(root);
      await net.pass(61);
      assert.throws(() => net.watch.current, coded(code));
      net.show({ ...first, version: 300 });
      await net.pass(200);
      assert.throws(() => net.watch.current, coded(code));
      assert.deepEqual([net.failures.length, net.changes.length, net.clock.pending], [1, 0, 0]);
    });
  }

  it('with an old version does not count as read', async () => {
    await using net = await open();
    net.show({ ...first, version: 99 });
    await net.pass(7_400);
    assert.equal(net.watch.last.version, 100);
    assert.throws(() => net.watch.current, coded('ROOT_STALE'));
  });

  it('cannot be watched from the start with the wrong flag, no contract, or no chain', async () => {
    await assert.rejects(open({ isTest: false }), coded('ROOT_TEST_FLAG'));
    await assert.rejects(open({ address: new Address(0, Buffer.alloc(32, 8)) }), coded('ROOT_ABSENT'));
    await assert.rejects(open({}, down), ChainError);
  });

  it('starts from what was known before, if the chain cannot be asked and it is young', async () => {
    const nowSec = new FakeClock().nowMs() / 1_000;
    const known = { root: { ...first, version: 90 }, readAtSec: nowSec - 7_000 };
    await using net = await open({ known }, down);
    assert.deepEqual([net.watch.current.version, net.watch.ageSec], [90, 7_000]);
    await net.pass(300);
    assert.throws(() => net.watch.current, coded('ROOT_STALE'));
    await assert.rejects(open({ known: { ...known, readAtSec: nowSec - 7_201 } }, down), ChainError);
  });

  it('is not older than what was known before', async () => {
    const readAtSec = new FakeClock().nowMs() / 1_000 - 60;
    const known = { ...first, version: 101, paramsVersion: 11 };
    await assert.rejects(open({ known: { root: known, readAtSec } }), coded('ROOT_ROLLBACK'));
    await using net = await open({ known: { root: { ...known, paramsVersion: 10 }, readAtSec } });
    assert.deepEqual([net.watch.current.version, net.watch.ageSec], [101, 60]);
  });

  it('leaves nothing behind when it is closed', async () => {
    const net = await open();
    await net[Symbol.asyncDispose]();
    assert.equal(net.clock.pending, 0);
    assert.throws(() => net.watch.current, coded('ROOT_CLOSED'));
  });
});
