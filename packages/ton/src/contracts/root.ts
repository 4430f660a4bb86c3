/**
 * Root contract: who takes part, at which price, with which codes.
 *
 *   root  = owner:addr version:u32 ^lists ^params
 *   lists = proxy_images:?^dict256 proxies:?^dict32 last_seqno:u32 worker_images:?^dict256 models:?^dict256
 *   net   = 0:u1 length:u7 text            a value of `proxies`: "ip:port" or "ip:port ip:port"
 */
import { type Address, beginCell, type Cell, Dictionary, type DictionaryValue, type Slice } from '@ton/core';
import { parseProxyAddress } from '../proxy-address.ts';
import type { RegisteredProxy, RootConfig } from '../root-config.ts';
import { readAll } from './data.ts';
import { ContractError } from './errors.ts';
import { type ParamCodes, type Params, paramsCell, readParams } from './params.ts';

/** Everything the root contract keeps. */
export interface RootData {
  readonly owner: Address;
  /** Rises with every change. */
  readonly version: number;
  /** 32 bytes each, as the next two. */
  readonly proxyImages: readonly Buffer[];
  readonly workerImages: readonly Buffer[];
  readonly models: readonly Buffer[];
  /** Where proxies listen, by sequence number. Entries of another kind than text are left out when read. */
  readonly proxies: ReadonlyMap<number, string>;
  /** Never used again, not even after a reset. */
  readonly lastProxySeqno: number;
  readonly params: Params & ParamCodes;
}

const EMPTY_VALUE: DictionaryValue<true> = { serialize: () => {}, parse: () => true };

/** Undefined for an entry that is not text. */
const NETWORK_ADDRESS: DictionaryValue<string | undefined> = {
  serialize: (text, cell) => void cell.storeSlice(networkAddress(text ?? '').beginParse()),
  parse: (slice) => (slice.loadBit() ? undefined : slice.loadBuffer(slice.loadUint(7)).toString()),
};

/** @throws {RangeError} for a text that does not fit one body (114 bytes) */
export function networkAddress(text: string): Cell {
  const bytes = Buffer.from(text);
  if (bytes.length > 114) throw new RangeError(`network address of ${bytes.length} bytes`);
  return beginCell().storeUint(bytes.length, 8).storeBuffer(bytes).endCell();
}

export function rootDataCell(data: RootData): Cell {
  const proxies = Dictionary.empty(Dictionary.Keys.Uint(32), NETWORK_ADDRESS);
  for (const [seqno, text] of data.proxies) proxies.set(seqno, text);
  const lists = beginCell()
    .storeDict(hashes(data.proxyImages))
    .storeDict(proxies)
    .storeUint(data.lastProxySeqno, 32)
    .storeDict(hashes(data.workerImages))
    .storeDict(hashes(data.models));
  return beginCell()
    .storeAddress(data.owner)
    .storeUint(data.version, 32)
    .storeRef(lists.endCell())
    .storeRef(paramsCell(data.params, data.params))
    .endCell();
}

/** @throws {ContractError} `CONTRACT_DATA` */
export function readRootData(cell: Cell): RootData {
  return readAll('root data', cell, (slice) => ({
    owner: slice.loadAddress(),
    version: slice.loadUint(32),
    ...readAll('root lists', slice.loadRef(), readLists),
    params: readParams(slice.loadRef()),
  }));
}

/**
 * The configuration that nodes work with. Proxies whose text is no address are left out, as the C++ nodes do.
 * @throws {ContractError} `CONTRACT_DATA` when a contract code is missing
 */
export function rootConfig(data: RootData): RootConfig {
  const { proxyCode, workerCode, clientCode } = data.params;
  if (!proxyCode || !workerCode || !clientCode) {
    throw new ContractError('CONTRACT_DATA', 'the root contract lacks a contract code');
  }
  return {
    ...data.params,
    ownerAddress: data.owner,
    version: data.version,
    proxyHashes: data.proxyImages,
    workerHashes: data.workerImages,
    modelHashes: data.models,
    registeredProxies: [...data.proxies].flatMap(registeredProxy),
    lastProxySeqno: data.lastProxySeqno,
    proxyCode,
    workerCode,
    clientCode,
  };
}

function registeredProxy([seqno, text]: readonly [number, string]): RegisteredProxy[] {
  try {
    return [{ seqno, ...parseProxyAddress(text) }];
  } catch {
    return [];
  }
}

function hashes(list: readonly Buffer[]): Dictionary<Buffer, true> {
  const dictionary = Dictionary.empty(Dictionary.Keys.Buffer(32), EMPTY_VALUE);
  for (const hash of list) dictionary.set(hash, true);
  return dictionary;
}

function readLists(slice: Slice): Omit<RootData, 'owner' | 'version' | 'params'> {
  const loadHashes = () => [...slice.loadDict(Dictionary.Keys.Buffer(32), EMPTY_VALUE).keys()];
  const proxyImages = loadHashes();
  const proxies = new Map<number, string>();
  for (const [seqno, text] of slice.loadDict(Dictionary.Keys.Uint(32), NETWORK_ADDRESS)) {
    if (text !== undefined) proxies.set(seqno, text);
  }
  return {
    proxyImages,
    proxies,
    lastProxySeqno: slice.loadUint(32),
    workerImages: loadHashes(),
    models: loadHashes(),
  };
}
