/** What the owner of the root contract may send to it. Every request returns what is left of its value. */
import type { NanoTon } from '@bombyx/base';
import type { Address, Builder, Cell } from '@ton/core';
import { beginRequest } from './data.ts';
import { networkAddress } from './root.ts';

/** Lists of hashes, and the operations that add and delete an entry. */
const ListOperation = {
  workerImage: { add: 0xe34b1c60, delete: 0x8d94a79a },
  model: { add: 0xc146134d, delete: 0x92b11c18 },
  proxyImage: { add: 0x71860e80, delete: 0x3c41d0b2 },
} as const;

export type RootList = keyof typeof ListOperation;

interface Query {
  /** Unsigned 64 bits; comes back with the excess. */
  readonly queryId: bigint;
}

interface Prices {
  /** Per adjusted token, as the next one. */
  readonly pricePerToken: NanoTon;
  readonly workerFeePerToken: NanoTon;
}

export interface NewParams extends Query, Prices {
  readonly proxyDelayBeforeCloseSec: number;
  readonly clientDelayBeforeCloseSec: number;
  readonly minProxyStake: NanoTon;
  readonly minClientStake: NanoTon;
}

function hashRequest(operation: number, queryId: bigint, hash: Uint8Array): Cell {
  return beginRequest(operation, queryId).storeBuffer(Buffer.from(hash), 32).endCell();
}

function priced(operation: number, { queryId, pricePerToken, workerFeePerToken }: Query & Prices): Builder {
  return beginRequest(operation, queryId).storeCoins(pricePerToken).storeCoins(workerFeePerToken);
}

export const rootRequest = {
  add: (list: RootList, { queryId, hash }: Query & { readonly hash: Uint8Array }): Cell =>
    hashRequest(ListOperation[list].add, queryId, hash),
  /** Of something absent: succeeds, and still raises the version. */
  delete: (list: RootList, { queryId, hash }: Query & { readonly hash: Uint8Array }): Cell =>
    hashRequest(ListOperation[list].delete, queryId, hash),
  /** `text` is "ip:port" or "ip:port ip:port" (workers, then clients); the proxy gets the next sequence number. */
  registerProxy: ({ queryId, text }: Query & { readonly text: string }): Cell =>
    beginRequest(0x927c7cb5, queryId).storeSlice(networkAddress(text).beginParse()).endCell(),
  updateProxy: ({ queryId, seqno, text }: Query & { readonly seqno: number; readonly text: string }): Cell =>
    beginRequest(0x9c7924ba, queryId).storeUint(seqno, 32).storeSlice(networkAddress(text).beginParse()).endCell(),
  deleteProxy: ({ queryId, seqno }: Query & { readonly seqno: number }): Cell =>
    beginRequest(0x6d49eaf2, queryId).storeUint(seqno, 32).endCell(),
  /** Moves every contract to a new address, as the next two. */
  changePrices: (prices: Query & Prices): Cell => priced(0xc52ed8d4, prices).endCell(),
  changeParams: (params: NewParams): Cell =>
    priced(0x022fa189, params)
      .storeUint(params.proxyDelayBeforeCloseSec, 32)
      .storeUint(params.clientDelayBeforeCloseSec, 32)
      .storeCoins(params.minProxyStake)
      .storeCoins(params.minClientStake)
      .endCell(),
  changeCodes: (
    codes: Query & { readonly proxyCode: Cell; readonly workerCode: Cell; readonly clientCode: Cell },
  ): Cell =>
    beginRequest(0xa2370f61, codes.queryId)
      .storeRef(codes.proxyCode)
      .storeRef(codes.workerCode)
      .storeRef(codes.clientCode)
      .endCell(),
  /** Empties the four lists. */
  reset: ({ queryId }: Query): Cell => beginRequest(0x563c1d96, queryId).endCell(),
  /** At once and final: nobody asks the new owner. */
  changeOwner: ({ queryId, owner }: Query & { readonly owner: Address }): Cell =>
    beginRequest(0xc4a1ae54, queryId).storeAddress(owner).endCell(),
  upgradeCode: ({ queryId, code }: Query & { readonly code: Cell }): Cell =>
    beginRequest(0x11aefd51, queryId).storeRef(code).endCell(),
  /** Wrong data make the contract unusable for ever. */
  upgrade: ({ queryId, data, code }: Query & { readonly data: Cell; readonly code: Cell }): Cell =>
    beginRequest(0x4f7c5789, queryId).storeRef(data).storeRef(code).endCell(),
} as const;
