/**
 * Proxy contract: the pool of coins of one proxy.
 *
 *   data = owner:addr key:u256 root:addr state:u2 balance:coins stake:coins unlock:u32 ^params
 *   closing messages: outer = op:u32 qid:u64 excess:addr signature:512 ^inner, inner = op:u32 qid:u64 receiver:addr
 */
import { type KeyObject, sign } from 'node:crypto';
import { type NanoTon, nanoTon } from '@bombyx/base';
import { type Address, beginCell, type Cell, type TupleReader } from '@ton/core';
import {
  beginRequest,
  type ContractState,
  keyBuffer,
  type ProxyParty,
  type Request,
  readAll,
  readUint256,
  stateNumber,
  stateOf,
} from './data.ts';
import { loadNanoTon, type ParamCodes, type Params, paramsCell, readParams } from './params.ts';

export interface ProxyAccount extends ProxyParty {
  readonly state: ContractState;
  /** What the owner has earned. */
  readonly balance: NanoTon;
  /** Backs forced refunds. */
  readonly stake: NanoTon;
  /** Unix seconds after which closing may be completed; 0 unless closing. */
  readonly unlockAtSec: number;
}

/** What the get method answers. */
export interface ProxyAnswer extends ProxyAccount {
  readonly pricePerToken: NanoTon;
  readonly workerFeePerToken: NanoTon;
  readonly minProxyStake: NanoTon;
  readonly minClientStake: NanoTon;
  readonly paramsVersion: number;
}

export interface ProxyData extends ProxyAccount {
  readonly params: Params & ParamCodes;
}

/** The parameters keep the codes of worker and client, by which the contract knows them; its own is left out. */
export function proxyBirthData(params: Params & ParamCodes, party: ProxyParty): Cell {
  return proxyDataCell({ ...party, state: 'normal', balance: nanoTon(0n), stake: nanoTon(0n), unlockAtSec: 0, params });
}

export function proxyDataCell(data: ProxyData): Cell {
  return beginCell()
    .storeAddress(data.owner)
    .storeBuffer(keyBuffer(data.publicKey))
    .storeAddress(data.rootAddress)
    .storeUint(stateNumber(data.state), 2)
    .storeCoins(data.balance)
    .storeCoins(data.stake)
    .storeUint(data.unlockAtSec, 32)
    .storeRef(paramsCell(data.params, { ...data.params, proxyCode: null }))
    .endCell();
}

/** @throws {ContractError} `CONTRACT_DATA` */
export function readProxyData(cell: Cell): ProxyData {
  return readAll('proxy data', cell, (slice) => ({
    owner: slice.loadAddress(),
    publicKey: slice.loadBuffer(32),
    rootAddress: slice.loadAddress(),
    state: stateOf(slice.loadUint(2)),
    balance: loadNanoTon(slice),
    stake: loadNanoTon(slice),
    unlockAtSec: slice.loadUint(32),
    params: readParams(slice.loadRef()),
  }));
}

/** What `get_cocoon_proxy_data` answers. */
export function readProxyAnswer(stack: TupleReader): ProxyAnswer {
  return {
    owner: stack.readAddress(),
    publicKey: readUint256(stack),
    rootAddress: stack.readAddress(),
    state: stateOf(stack.readNumber()),
    balance: nanoTon(stack.readBigNumber()),
    stake: nanoTon(stack.readBigNumber()),
    unlockAtSec: stack.readNumber(),
    pricePerToken: nanoTon(stack.readBigNumber()),
    workerFeePerToken: nanoTon(stack.readBigNumber()),
    minProxyStake: nanoTon(stack.readBigNumber()),
    minClientStake: nanoTon(stack.readBigNumber()),
    paramsVersion: stack.readNumber(),
  };
}

/** Signed by the proxy's key; whoever holds one may submit it. */
const Closing = { close: 0x636a4391, closeComplete: 0xe511abc7 } as const;

export interface SignedClosing extends Request {
  readonly kind: keyof typeof Closing;
  /** The proxy contract that this is for. */
  readonly contract: Address;
}

/** The whole body of a signed closing message. */
export function signClosing({ kind, queryId, contract, excess }: SignedClosing, key: KeyObject): Cell {
  const inner = beginRequest(Closing[kind], queryId).storeAddress(contract).endCell();
  return beginRequest(Closing[kind], queryId)
    .storeAddress(excess)
    .storeBuffer(sign(null, inner.hash(), key))
    .storeRef(inner)
    .endCell();
}

/** Bodies that the contract takes from outside; see also {@link signClosing}. */
export const proxyRequest = {
  /** Pays the balance to the owner, whoever asks. */
  payEarnings: ({ queryId, excess }: Request): Cell => beginRequest(0x7610e6eb, queryId).storeAddress(excess).endCell(),
  /** By the amount, which must be in the value. */
  raiseStake: ({ queryId, excess, amount }: Request & { readonly amount: NanoTon }): Cell =>
    beginRequest(0x9713f187, queryId).storeCoins(amount).storeAddress(excess).endCell(),
  /** From the owner. */
  close: ({ queryId, excess }: Request): Cell => beginRequest(0xb51d5a01, queryId).storeAddress(excess).endCell(),
  /** What an owner may type as a comment: close, or withdraw the balance. */
  text: (command: 'c' | 'w'): Cell => beginCell().storeUint(0, 32).storeStringTail(command).endCell(),
  /** State commit of a proxy node, ignored by the contract: sent with 1 nanoTON and read by other nodes. */
  saveState: (state: { readonly queryId: bigint; readonly seqno: number; readonly session: Uint8Array }): Cell =>
    beginRequest(0x9a1247c0, state.queryId)
      .storeUint(0x53109c0f, 32)
      .storeUint(state.seqno, 32)
      .storeBuffer(Buffer.from(state.session), 32)
      .endCell(),
} as const;
