/** What the owner may change in the root contract: the message that asks for it, and what the contract holds after. */
import { assertNever, type NanoTon } from '@bombyx/base';
import {
  type Address,
  type Cell,
  PARAMS_LAYOUT,
  parseProxyAddress,
  type RootData,
  type RootList,
  rootRequest,
  TonError,
} from '@bombyx/ton';
import { MoneyError } from './errors.ts';

/** Terms that move every proxy, client and worker contract to a new address. */
export interface Terms {
  readonly pricePerToken: NanoTon;
  readonly workerFeePerToken: NanoTon;
  readonly proxyDelayBeforeCloseSec: number;
  readonly clientDelayBeforeCloseSec: number;
  readonly minProxyStake: NanoTon;
  readonly minClientStake: NanoTon;
}

export type RootChange =
  /** `hash` has 32 bytes. */
  | { readonly kind: 'add' | 'delete'; readonly list: RootList; readonly hash: Buffer }
  /** `text`: "ip:port" or "ip:port ip:port", workers first. */
  | { readonly kind: 'register-proxy'; readonly text: string }
  | { readonly kind: 'update-proxy'; readonly seqno: number; readonly text: string }
  | { readonly kind: 'delete-proxy'; readonly seqno: number }
  | { readonly kind: 'terms'; readonly terms: Partial<Terms> }
  | { readonly kind: 'codes'; readonly proxyCode: Cell; readonly workerCode: Cell; readonly clientCode: Cell }
  | { readonly kind: 'owner'; readonly owner: Address };

const members = { workerImage: 'workerImages', model: 'models', proxyImage: 'proxyImages' } as const satisfies Record<
  RootList,
  keyof RootData
>;

/** The body of the message. @param root as it is: terms that stay are sent with those that change */
export function requestOf(root: RootData, change: RootChange, queryId: bigint): Cell {
  switch (change.kind) {
    case 'add':
    case 'delete':
      return rootRequest[change.kind](change.list, { queryId, hash: change.hash });
    case 'register-proxy':
      return rootRequest.registerProxy({ queryId, text: change.text });
    case 'update-proxy':
      return rootRequest.updateProxy({ queryId, seqno: change.seqno, text: change.text });
    case 'delete-proxy':
      return rootRequest.deleteProxy({ queryId, seqno: change.seqno });
    case 'terms':
      return rootRequest.changeParams({ ...root.params, ...change.terms, queryId });
    case 'codes':
      return rootRequest.changeCodes({ ...change, queryId });
    case 'owner':
      return rootRequest.changeOwner({ queryId, owner: change.owner });
    default:
      return assertNever(change);
  }
}

/**
 * What the contract will hold.
 * @throws {MoneyError} `MONEY_ROOT` for a change of nothing, or one that the contract or the nodes would not understand
 */
export function changed(root: RootData, change: RootChange): RootData {
  const next = { ...root, version: root.version + 1 };
  switch (change.kind) {
    case 'add':
    case 'delete': {
      const { list, hash, kind } = change;
      const others = root[members[list]].filter((known) => !known.equals(hash));
      const isListed = others.length < root[members[list]].length;
      if (isListed === (kind === 'add')) throw refusal(`it is ${isListed ? 'in the list already' : 'not in the list'}`);
      return { ...next, [members[list]]: kind === 'add' ? [...others, hash].toSorted(Buffer.compare) : others };
    }
    case 'register-proxy': {
      checkProxy(root, change.text);
      const lastProxySeqno = root.lastProxySeqno + 1;
      return { ...next, lastProxySeqno, proxies: new Map([...root.proxies, [lastProxySeqno, change.text]]) };
    }
    case 'update-proxy':
      checkSeqno(root, change.seqno);
      checkProxy(root, change.text);
      return { ...next, proxies: new Map([...root.proxies, [change.seqno, change.text]]) };
    case 'delete-proxy':
      checkSeqno(root, change.seqno);
      return { ...next, proxies: new Map([...root.proxies].filter(([seqno]) => seqno !== change.seqno)) };
    case 'terms':
      return withParams(next, change.terms);
    case 'codes': {
      const { proxyCode, workerCode, clientCode } = change;
      return withParams(next, { proxyCode, workerCode, clientCode });
    }
    case 'owner':
      if (change.owner.equals(root.owner)) throw refusal('that account is the owner already');
      if (change.owner.workChain !== 0) throw refusal('the owner must be an account of workchain 0');
      return { ...next, owner: change.owner };
    default:
      return assertNever(change);
  }
}

/**
 * Whether nodes can live with these terms.
 * @throws {MoneyError} `MONEY_ROOT`
 */
export function checkTerms(terms: Terms): void {
  if (terms.workerFeePerToken > terms.pricePerToken) {
    throw refusal(`the worker's fee (${terms.workerFeePerToken}) is above the price (${terms.pricePerToken})`);
  }
  if (terms.pricePerToken === 0n)
    throw refusal('the price is 0, and a balance divided by it is how many tokens it pays for');
  if (terms.proxyDelayBeforeCloseSec <= terms.clientDelayBeforeCloseSec) {
    throw refusal(
      `the proxies' delay (${terms.proxyDelayBeforeCloseSec} s) must be longer than the clients' ` +
        `(${terms.clientDelayBeforeCloseSec} s): clients take their refund before the proxy is closed for good`,
    );
  }
}

function withParams(root: RootData, change: Partial<RootData['params']>): RootData {
  const { params } = root;
  if (params.structVersion !== PARAMS_LAYOUT) {
    throw refusal(`its parameters have layout ${params.structVersion}, and the contract changes only ${PARAMS_LAYOUT}`);
  }
  const next = { ...params, ...change };
  const isSame = (Object.keys(change) as (keyof typeof change)[]).every((name) => equal(params[name], next[name]));
  if (isSame) throw refusal('these are its terms already');
  checkTerms(next);
  return { ...root, params: { ...next, paramsVersion: params.paramsVersion + 1 } };
}

function equal(a: RootData['params'][keyof RootData['params']], b: typeof a): boolean {
  const isCell = (value: typeof a): value is Cell => typeof value === 'object' && value !== null && 'hash' in value;
  return isCell(a) && isCell(b) ? a.equals(b) : a === b;
}

function checkProxy(root: RootData, text: string): void {
  checkProxyText(text);
  for (const [seqno, known] of root.proxies) {
    if (known === text) throw refusal(`proxy ${seqno} has this address already`);
  }
}

/** @throws {MoneyError} `MONEY_ROOT` for what nodes would leave out when they read the root */
export function checkProxyText(text: string): void {
  try {
    parseProxyAddress(text);
  } catch (cause) {
    if (!(cause instanceof TonError)) throw cause;
    throw new MoneyError('MONEY_ROOT', cause.message, {}, { cause });
  }
}

function checkSeqno(root: RootData, seqno: number): void {
  if (root.proxies.has(seqno)) return;
  const known = [...root.proxies.keys()].join(', ');
  throw refusal(known === '' ? 'it has no proxies' : `it has no proxy ${seqno}, only ${known}`);
}

function refusal(why: string): MoneyError {
  return new MoneyError('MONEY_ROOT', `the root contract cannot be changed so: ${why}`);
}
