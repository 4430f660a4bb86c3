import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '@bombyx/base';
import { Address, type Builder, beginCell, Cell } from '@ton/core';
import fc from 'fast-check';
import { FakeChain } from '../testing/chain-fake.ts';
import { anyRoot, type Place, type RawProxy, rootData } from '../testing/chain-root.ts';
import {
  ChainError,
  parseRootData,
  type RootConfig,
  RootError,
  type RootErrorCode,
  readRoot,
  TonError,
} from './index.ts';

const malformed = (error: unknown) => error instanceof TonError && error.code === 'TON_ROOT_CONFIG';
const coded = (code: RootErrorCode) => (error: unknown) => error instanceof RootError && error.code === code;
const sample = (layout: number): RootConfig => fc.sample(anyRoot(layout), { numRuns: 1, seed: 5 })[0] ?? assert.fail();
const hash = Buffer.alloc(32, 6);
const endpoint = { host: '10.0.0.1', port: 1 };
/** With something in every place. */
const full: RootConfig = {
  ...sample(4),
  proxyHashes: [hash],
  registeredProxies: [{ seqno: 1, workers: endpoint, clients: endpoint }],
  keyRegistry: {
    keys: [{ key: hash, type: 1, expiresAtSec: 2 }],
    managerKey: hash,
    managerAddress: '10.0.0.2:2',
  },
};
/** A cell compares by its hash. */
const plain = (root: RootConfig) =>
  JSON.parse(
    JSON.stringify(root, (_, value) => {
      if (value instanceof Cell) return value.hash().toString('hex');
      if (value instanceof Address) return value.toRawString();
      return typeof value === 'bigint' ? `${value}` : value;
    }),
  ) as unknown;

describe('the root configuration', () => {
  for (const layout of [0, 1, 2, 3, 4]) {
    it(`with layout ${layout} of the parameters reads back as it was written`, () => {
      fc.assert(
        fc.property(anyRoot(layout), (root) => assert.deepEqual(plain(parseRootData(rootData(root))), plain(root))),
        { numRuns: 40 },
      );
    });
  }

  it('with a newer layout is refused, saying what to do', () => {
    const newer = rootData({ ...sample(3), structVersion: 5 });
    assert.throws(
      () => parseRootData(newer),
      (error) => malformed(error) && /layout 5.*update/.test(String(error)),
    );
  });

  const extras: readonly [string, (cell: Builder) => Builder][] = [
    ['a bit', (cell) => cell.storeBit(1)],
    ['a reference', (cell) => cell.storeRef(beginCell().endCell())],
  ];
  const places: readonly Place[] = ['root', 'lists', 'params', 'proxy', 'hash', 'registry', 'key'];
  for (const place of places) {
    for (const [what, spoil] of extras) {
      it(`is refused with ${what} behind its ${place}`, () => {
        let spoiled = 0;
        const cell = rootData(full, (at, cell) => {
          if (at !== place) return cell;
          spoiled += 1;
          return spoil(cell);
        });
        assert.ok(spoiled > 0);
        assert.throws(() => parseRootData(cell), malformed);
      });
    }
  }

  it('with layout 3 and the keys of layout 4 is refused, and the other way round', () => {
    const keys = rootData(sample(3), (at, cell) => (at === 'root' ? cell.storeRef(beginCell().endCell()) : cell));
    assert.throws(() => parseRootData(keys), malformed);
    const { keyRegistry: _, ...without } = sample(4);
    assert.throws(() => parseRootData(rootData(without)), malformed);
  });

  it('without a contract code is refused by name', () => {
    for (const name of ['proxy', 'worker', 'client']) {
      const root = { ...sample(3), [`${name}Code`]: null } as unknown as RootConfig;
      assert.throws(
        () => parseRootData(rootData(root)),
        (error) => malformed(error) && String(error).includes(name),
      );
    }
  });

  it('with more coins than the wire can carry is refused', () => {
    const root = { ...sample(3), pricePerToken: 2n ** 63n } as unknown as RootConfig;
    assert.throws(() => parseRootData(rootData(root)), malformed);
  });

  it('leaves out proxies that it cannot reach', () => {
    const root = { ...sample(3), registeredProxies: [] };
    const entry = (seqno: number, text: string, form = false): RawProxy => ({ seqno, form, text });
    const data = rootData(root, undefined, [
      entry(9, '10.0.0.1:80'),
      entry(2, '10.0.0.1:1 10.0.0.2:2'),
      entry(3, 'proxy.example:443'),
      entry(4, '[::1]:443'),
      entry(5, '10.0.0.1:443', true),
      entry(6, ''),
      entry(7, '10.0.0.1:1 10.0.0.1:2 10.0.0.1:3'),
    ]);
    assert.deepEqual(
      parseRootData(data).registeredProxies.map(({ seqno, clients }) => [seqno, clients.host, clients.port]),
      [
        [2, '10.0.0.2', 2],
        [9, '10.0.0.1', 80],
      ],
    );
  });

  it('answers hostile cells with its own error and nothing else', () => {
    const leaf = fc
      .uint8Array({ maxLength: 127 })
      .map((bytes) => beginCell().storeBuffer(Buffer.from(bytes)).endCell());
    const { tree } = fc.letrec<{ tree: Cell }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(leaf, fc.array(tie('tree'), { maxLength: 4 })).map(([cell, refs]) => {
          const builder = beginCell().storeSlice(cell.beginParse());
          for (const ref of refs) builder.storeRef(ref);
          return builder.endCell();
        }),
      ),
    }));
    const wrapped = tree.map((cell) => {
      const owner = new Address(0, Buffer.alloc(32));
      return beginCell().storeAddress(owner).storeUint(1, 32).storeRef(cell).storeRef(cell).endCell();
    });
    const inLists = fc.array(tree, { minLength: 4, maxLength: 4 }).map((refs) => {
      const lists = beginCell().storeMaybeRef(refs[0]).storeMaybeRef(refs[1]).storeUint(0, 32);
      const good = rootData(sample(3)).beginParse();
      const data = beginCell().storeAddress(good.loadAddress()).storeUint(good.loadUint(32), 32);
      good.loadRef();
      return data
        .storeRef(lists.storeMaybeRef(refs[2]).storeMaybeRef(refs[3]).endCell())
        .storeRef(good.loadRef())
        .endCell();
    });
    fc.assert(
      fc.property(fc.oneof(tree, wrapped, inLists), (cell) => {
        assert.throws(() => parseRootData(cell), malformed);
      }),
      { numRuns: 200 },
    );
    const exotic =
      Cell.fromBoc(Buffer.from(`b5ee9c7201010101002300084202${'00'.repeat(32)}`, 'hex'))[0] ?? assert.fail();
    assert.throws(() => parseRootData(exotic), malformed);
  });
});

describe('the root contract', () => {
  const address = new Address(0, Buffer.alloc(32, 4));
  const root = { ...sample(3), isTest: true };

  it('is read from the chain', async () => {
    const chain = new FakeChain(systemClock);
    await assert.rejects(readRoot(chain, address, true), coded('ROOT_ABSENT'));
    Object.assign(chain.at(address), { status: 'active', code: beginCell().endCell(), data: rootData(root) });
    assert.deepEqual(plain(await readRoot(chain, address, true)), plain(root));
    await assert.rejects(readRoot(chain, address, false), coded('ROOT_TEST_FLAG'));
    chain.account = () => Promise.reject(new ChainError('CHAIN_UNREACHABLE', 'down'));
    await assert.rejects(readRoot(chain, address, true), ChainError);
  });
});
