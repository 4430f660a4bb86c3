/**
 * The root configuration from the data cell of the root contract, whole and strict: nothing may follow any part.
 *
 *   root   = owner:addr version:u32 ^lists ^params, with layout 4 also ^registry
 *   lists  = proxy_images:?^dict256 proxies:?^dict32 last_seqno:u32 worker_images:?^dict256 models:?^dict256
 *   params = layout:u8 params_version:u32 unique_id:u32 is_test:u1 price:coins worker_fee:coins
 *            [3: prompt:u32] [2: cached:u32] [3: completion:u32] [2: reasoning:u32]     from that layout on
 *            proxy_delay:u32 client_delay:u32 [1: min_proxy_stake:coins min_client_stake:coins]
 *            proxy_code:?^ worker_code:?^ client_code:?^
 *   registry = keys:?^dict256(type:u8 expire_at:u32) manager_key:u256 net
 *   net    = 0:u1 length:u7 bytes
 */
import { type NanoTon, nanoTon } from '@bombyx/base';
import { type Address, type Cell, Dictionary, type DictionaryValue, type Slice } from '@ton/core';
import type { Chain } from './chain.ts';
import { TonError } from './errors.ts';
import { parseProxyAddress } from './proxy-address.ts';
import type { KeyRegistry, RegisteredProxy, RootConfig } from './root-config.ts';
import { RootError } from './root-watch-errors.ts';

const NEWEST_LAYOUT = 4;
/** Price multiplier 1.0, where a layout has none. */
const ONE = 10_000;
/** Stakes, where a layout has none. Source: contracts.md §3. */
const ONE_TON = nanoTon(1_000_000_000n);

type Lists = Pick<RootConfig, 'proxyHashes' | 'workerHashes' | 'modelHashes' | 'registeredProxies' | 'lastProxySeqno'>;
type Parameters = Omit<RootConfig, keyof Lists | 'ownerAddress' | 'version' | 'keyRegistry'>;

/**
 * Reads the root contract as it is on the chain.
 * @param isTest what this node runs as
 * @throws {RootError} `ROOT_ABSENT`, `ROOT_TEST_FLAG`
 * @throws {TonError} `TON_ROOT_CONFIG`
 * @throws {ChainError}
 */
export async function readRoot(
  chain: Chain,
  address: Address,
  isTest: boolean,
  signal?: AbortSignal,
): Promise<RootConfig> {
  const { status, data } = await chain.account(address, signal);
  if (status !== 'active' || data === undefined) {
    const message = `no root contract at ${address.toRawString()}: check the address and the network`;
    throw new RootError('ROOT_ABSENT', message, { status });
  }
  const root = parseRootData(data);
  if (root.isTest !== isTest) {
    const [itsKind, ours] = root.isTest ? ['a test', 'the main'] : ['the main', 'a test'];
    throw new RootError(
      'ROOT_TEST_FLAG',
      `the root contract is for ${itsKind} network, this node runs for ${ours} one`,
    );
  }
  return root;
}

/** @throws {TonError} `TON_ROOT_CONFIG` and nothing else, whatever the cell is */
export function parseRootData(data: Cell): RootConfig {
  try {
    return readData(data);
  } catch (cause) {
    if (cause instanceof TonError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refusal(`malformed: ${why}`, cause);
  }
}

function readData(data: Cell): RootConfig {
  const slice = data.beginParse(); // refuses exotic cells, as all of them below
  const ownerAddress = slice.loadAddress();
  const version = slice.loadUint(32);
  const lists = readLists(slice.loadRef().beginParse());
  const parameters = readParameters(slice.loadRef().beginParse());
  const base = { ownerAddress, version, ...lists, ...parameters };
  if (parameters.structVersion < 4) {
    atEnd(slice, 'root');
    return base;
  }
  const keyRegistry = readRegistry(slice.loadRef().beginParse());
  atEnd(slice, 'root');
  return { ...base, keyRegistry };
}

function readLists(slice: Slice): Lists {
  const proxyHashes = readHashes(slice);
  const registeredProxies = readProxies(slice);
  const lastProxySeqno = slice.loadUint(32);
  const lists = { proxyHashes, registeredProxies, lastProxySeqno };
  const workerHashes = readHashes(slice);
  const modelHashes = readHashes(slice);
  atEnd(slice, 'lists');
  return { ...lists, workerHashes, modelHashes };
}

function readParameters(slice: Slice): Parameters {
  const layout = slice.loadUint(8);
  if (layout > NEWEST_LAYOUT) {
    throw refusal(`layout ${layout} of the parameters is newer than this program: update it`);
  }
  const from = <T>(first: number, read: () => T, otherwise: T): T => (layout >= first ? read() : otherwise);
  const u32 = () => slice.loadUint(32);
  const coins = (): NanoTon => nanoTon(slice.loadCoins());
  const head = {
    structVersion: layout,
    paramsVersion: u32(),
    uniqueId: u32(),
    isTest: slice.loadBit(),
    pricePerToken: coins(),
    workerFeePerToken: coins(),
  };
  const multipliers = {
    prompt: from(3, u32, ONE),
    cached: from(2, u32, ONE),
    completion: from(3, u32, ONE),
    reasoning: from(2, u32, ONE),
  };
  const limits = {
    proxyDelayBeforeCloseSec: u32(),
    clientDelayBeforeCloseSec: u32(),
    minProxyStake: from(1, coins, ONE_TON),
    minClientStake: from(1, coins, ONE_TON),
  };
  const codes = {
    proxyCode: readCode(slice, 'proxy'),
    workerCode: readCode(slice, 'worker'),
    clientCode: readCode(slice, 'client'),
  };
  atEnd(slice, 'parameters');
  return { ...head, multipliers, ...limits, ...codes };
}

/** Addresses of contracts follow from their code: without it nothing can be done under this root. */
function readCode(slice: Slice, whose: string): Cell {
  const code = slice.loadMaybeRef();
  if (code === null) throw refusal(`the ${whose} code is not set`);
  return code;
}

function readHashes(slice: Slice): readonly Buffer[] {
  const nothing = value((inside) => atEnd(inside, 'hash list'));
  return [...slice.loadDict(Dictionary.Keys.Buffer(32), nothing).keys()].toSorted(Buffer.compare);
}

/** What is no IPv4 address and port, and what has another form of address, is left out, as the C++ nodes do. */
function readProxies(slice: Slice): readonly RegisteredProxy[] {
  const proxies: RegisteredProxy[] = [];
  const entries = [...slice.loadDict(Dictionary.Keys.Uint(32), value(readNet))].toSorted(([a], [b]) => a - b);
  for (const [seqno, text] of entries) {
    if (text === undefined) continue;
    try {
      proxies.push({ seqno, ...parseProxyAddress(text) });
    } catch (error) {
      if (!(error instanceof TonError)) throw error;
    }
  }
  return proxies;
}

function readRegistry(slice: Slice): KeyRegistry {
  const entry = value((inside) => {
    const [type, expiresAtSec] = [inside.loadUint(8), inside.loadUint(32)];
    atEnd(inside, 'key');
    return { type, expiresAtSec };
  });
  const keys = [...slice.loadDict(Dictionary.Keys.Buffer(32), entry)].map(([key, rest]) => ({ key, ...rest }));
  const managerKey = slice.loadBuffer(32);
  const managerAddress = readNet(slice);
  if (managerAddress === undefined) throw refusal('the address of the key manager has an unknown form');
  return { keys: keys.toSorted((a, b) => Buffer.compare(a.key, b.key)), managerKey, managerAddress };
}

/** The text of an address to its end; undefined when its first bit announces another form. */
function readNet(slice: Slice): string | undefined {
  if (slice.loadBit()) return undefined;
  const text = slice.loadBuffer(slice.loadUint(7)).toString('latin1');
  atEnd(slice, 'address');
  return text;
}

function value<T>(parse: (slice: Slice) => T): DictionaryValue<T> {
  return {
    parse,
    serialize: () => {
      throw new TypeError('a reader only');
    },
  };
}

function atEnd(slice: Slice, what: string): void {
  const { remainingBits: bits, remainingRefs: refs } = slice;
  if (bits > 0 || refs > 0) throw refusal(`something follows the ${what}: ${bits} bits, ${refs} references`);
}

function refusal(why: string, cause?: unknown): TonError {
  return new TonError('TON_ROOT_CONFIG', `root contract: ${why}`, {}, { cause });
}
