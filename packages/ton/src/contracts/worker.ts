/**
 * Worker contract: one earner under one proxy.
 *
 *   data = owner:addr proxy:addr key:u256 state:u2 tokens:u64 ^params (worker_arrears:coins proxy_arrears:coins)?
 *
 * The arrears are absent unless a payout failed in the proxy contract; the next signed total claims them.
 */
import { type NanoTon, nanoTon, type Tokens, tokens } from '@bombyx/base';
import { beginCell, type Cell, type TupleReader } from '@ton/core';
import {
  type AccountParty,
  beginRequest,
  type ContractState,
  keyBuffer,
  type Request,
  readAll,
  readUint256,
  stateNumber,
  stateOf,
} from './data.ts';
import { loadNanoTon, type Params, paramsCell, readParams } from './params.ts';

/** What the get method answers. */
export interface WorkerAccount extends AccountParty {
  readonly state: ContractState;
  /** Paid for so far. */
  readonly tokens: Tokens;
}

export interface WorkerData extends WorkerAccount {
  readonly params: Params;
  /** Shares of the worker and of the proxy that were refused. */
  readonly arrears: { readonly worker: NanoTon; readonly proxy: NanoTon };
}

const NO_ARREARS = { worker: nanoTon(0n), proxy: nanoTon(0n) } as const;

export function workerBirthData(params: Params, party: AccountParty): Cell {
  return workerDataCell({ ...party, state: 'normal', tokens: tokens(0n), params, arrears: NO_ARREARS });
}

export function workerDataCell(data: WorkerData): Cell {
  const cell = beginCell()
    .storeAddress(data.owner)
    .storeAddress(data.proxy)
    .storeBuffer(keyBuffer(data.publicKey))
    .storeUint(stateNumber(data.state), 2)
    .storeUint(data.tokens, 64)
    .storeRef(paramsCell(data.params, {}));
  const { worker, proxy } = data.arrears;
  return (worker + proxy > 0n ? cell.storeCoins(worker).storeCoins(proxy) : cell).endCell();
}

/** @throws {ContractError} `CONTRACT_DATA` */
export function readWorkerData(cell: Cell): WorkerData {
  return readAll('worker data', cell, (slice) => ({
    owner: slice.loadAddress(),
    proxy: slice.loadAddress(),
    publicKey: slice.loadBuffer(32),
    state: stateOf(slice.loadUint(2)),
    tokens: tokens(slice.loadUintBig(64)),
    params: readParams(slice.loadRef()),
    arrears: slice.remainingBits > 0 ? { worker: loadNanoTon(slice), proxy: loadNanoTon(slice) } : NO_ARREARS,
  }));
}

/** What `get_cocoon_worker_data` answers. */
export function readWorkerAnswer(stack: TupleReader): WorkerAccount {
  return {
    owner: stack.readAddress(),
    proxy: stack.readAddress(),
    publicKey: readUint256(stack),
    state: stateOf(stack.readNumber()),
    tokens: tokens(stack.readBigNumber()),
  };
}

/** Bodies that the contract takes; both payouts are signed payments (`signPayment`). */
export const workerRequest = {
  register: ({ queryId, excess }: Request): Cell => beginRequest(0x26ed7f65, queryId).storeAddress(excess).endCell(),
} as const;
