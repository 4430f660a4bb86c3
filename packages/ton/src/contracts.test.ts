import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginCell } from '@ton/core';
import * as recordings from '../testing/recordings.ts';
import {
  type Address,
  clientContractAddress,
  formatAddress,
  parseAddress,
  proxyContractAddress,
  publicKeyBytes,
  readFakeRoot,
  TonError,
  walletAddress,
  workerContractAddress,
} from './index.ts';

const root = readFakeRoot(recordings.fakeTon);
const owner = parseAddress(recordings.OWNER);
const publicKey = recordings.proxyPublicKey;
const proxy = proxyContractAddress(root, { owner, publicKey, rootAddress: parseAddress(recordings.ROOT) });
const text = (address: Address) => formatAddress(address, { testnet: false });

describe('an address computed from the recorded configuration is the recorded one', () => {
  it('of the proxy contract', () => {
    assert.equal(text(proxy), recordings.proxyContract);
  });

  it('of the client contract', () => {
    const party = { owner: parseAddress(recordings.clientOwner), proxy, publicKey };
    assert.equal(text(clientContractAddress(root, party)), recordings.clientContract);
  });

  it('of the worker contract', () => {
    assert.equal(text(workerContractAddress(root, { owner, proxy, publicKey })), recordings.workerContract);
  });

  for (const [program, key] of [
    ['client', recordings.clientWalletKey],
    ['proxy', recordings.proxyKey],
    ['worker', recordings.workerWalletKey],
  ] as const) {
    it(`of the operating wallet of the ${program}`, () => {
      const wallet = walletAddress({ publicKey: publicKeyBytes(key), owner });
      assert.equal(text(wallet), recordings.recordedWallet(program));
    });
  }

  it('of the client owner, which is its operating wallet', () => {
    const wallet = walletAddress({ publicKey: publicKeyBytes(recordings.clientWalletKey), owner });
    assert.equal(text(wallet), recordings.clientOwner);
  });
});

describe('a contract address', () => {
  const party = { owner, proxy, publicKey };
  const at = (change: Partial<typeof root>) => text(workerContractAddress({ ...root, ...change }, party));

  it('moves with every parameter', () => {
    const all = [
      at({}),
      at({ paramsVersion: 2 }),
      at({ uniqueId: 14 }),
      at({ isTest: false }),
      at({ proxyDelayBeforeCloseSec: 601 }),
      at({ clientDelayBeforeCloseSec: 301 }),
      at({ structVersion: 0 }),
      at({ structVersion: 2 }),
      at({ structVersion: 3 }),
      at({ workerCode: beginCell().endCell() }),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it('depends on the multipliers that its layout stores, and on no others', () => {
    const multipliers = (prompt: number, cached: number, completion: number, reasoning: number) => ({
      multipliers: { prompt, cached, completion, reasoning },
    });
    const changed = [
      multipliers(1, 0, 0, 0),
      multipliers(0, 1, 0, 0),
      multipliers(0, 0, 1, 0),
      multipliers(0, 0, 0, 1),
    ];
    const distinct = (structVersion: number) =>
      new Set([multipliers(0, 0, 0, 0), ...changed].map((change) => at({ structVersion, ...change }))).size;
    assert.deepEqual([1, 2, 3].map(distinct), [1, 3, 5]);
  });

  it('does not depend on lists, versions and codes it does not hold', () => {
    assert.equal(at({ version: 9, proxyHashes: [], registeredProxies: [], clientCode: beginCell().endCell() }), at({}));
  });

  it('needs a key of 32 bytes', () => {
    const short = { ...party, publicKey: publicKey.subarray(1) };
    for (const compute of [
      () => workerContractAddress(root, short),
      () => clientContractAddress(root, short),
      () => proxyContractAddress(root, { ...short, rootAddress: owner }),
      () => walletAddress(short),
    ]) {
      assert.throws(compute, (error) => error instanceof TonError && error.code === 'TON_KEY');
    }
  });
});
