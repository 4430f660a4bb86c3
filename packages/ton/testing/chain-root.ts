/** Data cells of root contracts, and arbitrary ones. */
import { nanoTon } from '@bombyx/base';
import { Address, type Builder, beginCell, type Cell, Dictionary } from '@ton/core';
import fc from 'fast-check';
import type { RootConfig } from '../src/index.ts';

/** What a test may put where nothing may be. */
export type Place = 'root' | 'lists' | 'params' | 'proxy' | 'hash' | 'registry' | 'key';
export type Spoil = (place: Place, cell: Builder) => Builder;

const TON = nanoTon(1_000_000_000n);
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const u32 = fc.nat(0xffff_ffff);
const coins = fc.bigInt(0n, 2n ** 63n - 1n).map(nanoTon);
const anyCell = bytes32.map((bytes) => beginCell().storeBuffer(bytes).endCell());
const anyAddress = bytes32.map((hash) => new Address(0, hash));
const hashes = fc
  .uniqueArray(bytes32, { maxLength: 6, selector: (hash) => hash.toString('hex') })
  .map((list) => list.toSorted(Buffer.compare));
const endpoint = fc.record({ host: fc.ipV4(), port: fc.integer({ min: 1, max: 65_535 }) });
const anyKey = fc.record({ key: bytes32, type: fc.nat(255), expiresAtSec: u32 });

const base = {
  ownerAddress: anyAddress,
  proxyHashes: hashes,
  workerHashes: hashes,
  modelHashes: hashes,
  registeredProxies: fc
    .uniqueArray(fc.record({ seqno: u32, workers: endpoint, clients: endpoint }), {
      maxLength: 5,
      selector: (p) => p.seqno,
    })
    .map((list) => list.toSorted((a, b) => a.seqno - b.seqno)),
  lastProxySeqno: u32,
  version: u32,
  paramsVersion: u32,
  uniqueId: u32,
  isTest: fc.boolean(),
  pricePerToken: coins,
  workerFeePerToken: coins,
  proxyDelayBeforeCloseSec: u32,
  clientDelayBeforeCloseSec: u32,
  proxyCode: anyCell,
  workerCode: anyCell,
  clientCode: anyCell,
};

/** A configuration with what its layout can say, and the assumed values for what it cannot. */
export function anyRoot(layout: number): fc.Arbitrary<RootConfig> {
  const from = <T>(first: number, value: fc.Arbitrary<T>, otherwise: T) =>
    layout >= first ? value : fc.constant(otherwise);
  const registry = fc.record({
    keys: fc
      .uniqueArray(anyKey, { maxLength: 4, selector: ({ key }) => key.toString('hex') })
      .map((list) => list.toSorted((a, b) => Buffer.compare(a.key, b.key))),
    managerKey: bytes32,
    managerAddress: fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  });
  return fc.record({
    ...base,
    structVersion: fc.constant(layout),
    multipliers: fc.record({
      prompt: from(3, u32, 10_000),
      cached: from(2, u32, 10_000),
      completion: from(3, u32, 10_000),
      reasoning: from(2, u32, 10_000),
    }),
    minProxyStake: from(1, coins, TON),
    minClientStake: from(1, coins, TON),
    ...(layout === 4 ? { keyRegistry: registry } : {}),
  }) as fc.Arbitrary<RootConfig>;
}

/** Proxies of a root as `net` cells: first bit, then the text. */
export interface RawProxy {
  readonly seqno: number;
  readonly form: boolean;
  readonly text: string;
}

export function rootData(root: RootConfig, spoil: Spoil = (_, cell) => cell, more: readonly RawProxy[] = []): Cell {
  const plain = root.registeredProxies.map(({ seqno, workers, clients }) => ({
    seqno,
    form: false,
    text: `${workers.host}:${workers.port} ${clients.host}:${clients.port}`,
  }));
  const proxies = Dictionary.empty(
    Dictionary.Keys.Uint(32),
    written<RawProxy>((proxy, cell) => spoil('proxy', net(proxy, cell))),
  );
  for (const proxy of [...plain, ...more]) proxies.set(proxy.seqno, proxy);
  const hashDict = (list: readonly Buffer[]) => {
    const dict = Dictionary.empty(
      Dictionary.Keys.Buffer(32),
      written<null>((_, cell) => spoil('hash', cell)),
    );
    for (const hash of list) dict.set(hash, null);
    return dict;
  };
  const lists = beginCell()
    .storeDict(hashDict(root.proxyHashes))
    .storeDict(proxies)
    .storeUint(root.lastProxySeqno, 32)
    .storeDict(hashDict(root.workerHashes))
    .storeDict(hashDict(root.modelHashes));
  const data = beginCell()
    .storeAddress(root.ownerAddress)
    .storeUint(root.version, 32)
    .storeRef(spoil('lists', lists).endCell())
    .storeRef(spoil('params', parameters(root)).endCell());
  if (root.keyRegistry) data.storeRef(spoil('registry', registry(root.keyRegistry, spoil)).endCell());
  return spoil('root', data).endCell();
}

function parameters(root: RootConfig): Builder {
  const { structVersion: layout, multipliers } = root;
  const cell = beginCell()
    .storeUint(layout, 8)
    .storeUint(root.paramsVersion, 32)
    .storeUint(root.uniqueId, 32)
    .storeBit(root.isTest)
    .storeCoins(root.pricePerToken)
    .storeCoins(root.workerFeePerToken);
  if (layout >= 3) cell.storeUint(multipliers.prompt, 32);
  if (layout >= 2) cell.storeUint(multipliers.cached, 32);
  if (layout >= 3) cell.storeUint(multipliers.completion, 32);
  if (layout >= 2) cell.storeUint(multipliers.reasoning, 32);
  cell.storeUint(root.proxyDelayBeforeCloseSec, 32).storeUint(root.clientDelayBeforeCloseSec, 32);
  if (layout >= 1) cell.storeCoins(root.minProxyStake).storeCoins(root.minClientStake);
  return cell.storeMaybeRef(root.proxyCode).storeMaybeRef(root.workerCode).storeMaybeRef(root.clientCode);
}

function registry({ keys, managerKey, managerAddress }: NonNullable<RootConfig['keyRegistry']>, spoil: Spoil): Builder {
  type Entry = { readonly type: number; readonly expiresAtSec: number };
  const entry = written<Entry>(({ type, expiresAtSec }, cell) => {
    return spoil('key', cell.storeUint(type, 8).storeUint(expiresAtSec, 32));
  });
  const dict = Dictionary.empty(Dictionary.Keys.Buffer(32), entry);
  for (const { key, ...rest } of keys) dict.set(key, rest);
  return net({ form: false, text: managerAddress }, beginCell().storeDict(dict).storeBuffer(managerKey));
}

function net({ form, text }: Pick<RawProxy, 'form' | 'text'>, cell: Builder): Builder {
  const bytes = Buffer.from(text, 'latin1');
  return cell.storeBit(form).storeUint(bytes.length, 7).storeBuffer(bytes);
}

function written<T>(write: (value: T, cell: Builder) => Builder) {
  return {
    serialize: (value: T, cell: Builder) => void write(value, cell),
    parse: (): T => {
      throw new TypeError('a writer only');
    },
  };
}
