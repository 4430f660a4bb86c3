/**
 * Client contract: one payer under one proxy.
 *
 *   data = state:u2 balance:coins stake:coins tokens:u64 unlock:u32 secret:u256
 *          ^(owner:addr proxy:addr key:u256) ^params debt:coins?
 *
 * `debt` is absent unless more was charged than the balance.
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

/** What the contract knows of its owner; also what its get method answers. */
export interface ClientAccount extends AccountParty {
  readonly state: ContractState;
  /** Paid and not yet charged; the coins lie in the proxy contract. */
  readonly balance: NanoTon;
  /** Part of the balance that cannot be withdrawn at once. */
  readonly stake: NanoTon;
  /** Charged so far. */
  readonly tokens: Tokens;
  /** Unix seconds after which an asked refund may be taken; 0 before. */
  readonly unlockAtSec: number;
  /** SHA-256 of the connection secret, 32 bytes. */
  readonly secretHash: Buffer;
}

export interface ClientData extends ClientAccount {
  /** Charged above the balance, settled by the next top-ups. */
  readonly debt: NanoTon;
  readonly params: Params;
}

/** Data at birth. The first stake is the smallest one allowed. */
export function clientBirthData(params: Params, party: AccountParty): Cell {
  return clientDataCell({
    ...party,
    state: 'normal',
    balance: nanoTon(0n),
    stake: params.minClientStake,
    tokens: tokens(0n),
    unlockAtSec: 0,
    secretHash: Buffer.alloc(32),
    debt: nanoTon(0n),
    params,
  });
}

export function clientDataCell(data: ClientData): Cell {
  const parties = beginCell()
    .storeAddress(data.owner)
    .storeAddress(data.proxy)
    .storeBuffer(keyBuffer(data.publicKey))
    .endCell();
  const cell = beginCell()
    .storeUint(stateNumber(data.state), 2)
    .storeCoins(data.balance)
    .storeCoins(data.stake)
    .storeUint(data.tokens, 64)
    .storeUint(data.unlockAtSec, 32)
    .storeBuffer(data.secretHash, 32)
    .storeRef(parties)
    .storeRef(paramsCell(data.params, {}));
  return (data.debt > 0n ? cell.storeCoins(data.debt) : cell).endCell();
}

/** @throws {ContractError} `CONTRACT_DATA` */
export function readClientData(cell: Cell): ClientData {
  return readAll('client data', cell, (slice) => ({
    state: stateOf(slice.loadUint(2)),
    balance: loadNanoTon(slice),
    stake: loadNanoTon(slice),
    tokens: tokens(slice.loadUintBig(64)),
    unlockAtSec: slice.loadUint(32),
    secretHash: slice.loadBuffer(32),
    ...readAll('parties', slice.loadRef(), (parties) => ({
      owner: parties.loadAddress(),
      proxy: parties.loadAddress(),
      publicKey: parties.loadBuffer(32),
    })),
    params: readParams(slice.loadRef()),
    debt: slice.remainingBits > 0 ? loadNanoTon(slice) : nanoTon(0n),
  }));
}

/** What `get_cocoon_client_data` answers. */
export function readClientAnswer(stack: TupleReader): ClientAccount {
  return {
    owner: stack.readAddress(),
    proxy: stack.readAddress(),
    publicKey: readUint256(stack),
    state: stateOf(stack.readNumber()),
    balance: nanoTon(stack.readBigNumber()),
    stake: nanoTon(stack.readBigNumber()),
    tokens: tokens(stack.readBigNumber()),
    unlockAtSec: stack.readNumber(),
    secretHash: readUint256(stack),
  };
}

/** Bodies that the contract takes; charge and refund are signed payments (`signPayment`). */
export const clientRequest = {
  /** Anybody may pay; needs the amount and 0.1 TON, and an account that is not closing. */
  topUp: ({ queryId, excess, amount }: Request & { readonly amount: NanoTon }): Cell =>
    beginRequest(0xf172e6c2, queryId).storeCoins(amount).storeAddress(excess).endCell(),
  topUpWithSecret: (request: Request & { readonly amount: NanoTon; readonly secretHash: Uint8Array }): Cell =>
    beginRequest(0x8473b408, request.queryId)
      .storeCoins(request.amount)
      .storeBuffer(Buffer.from(request.secretHash), 32)
      .storeAddress(request.excess)
      .endCell(),
  /** `nonce` as the proxy gave it on the wire. */
  register: ({ queryId, excess, nonce }: Request & { readonly nonce: bigint }): Cell =>
    beginRequest(0xc45f9f3b, queryId).storeUint(nonce, 64).storeAddress(excess).endCell(),
  changeSecret: ({ queryId, excess, secretHash }: Request & { readonly secretHash: Uint8Array }): Cell =>
    beginRequest(0xa9357034, queryId).storeBuffer(Buffer.from(secretHash), 32).storeAddress(excess).endCell(),
  /** To more than the present stake. */
  raiseStake: ({ queryId, excess, stake }: Request & { readonly stake: NanoTon }): Cell =>
    beginRequest(0x6a1f6a60, queryId).storeCoins(stake).storeAddress(excess).endCell(),
  /** All above the stake, to the owner. */
  withdraw: ({ queryId, excess }: Request): Cell => beginRequest(0xda068e78, queryId).storeAddress(excess).endCell(),
  /** First starts closing; again, after the delay, takes what the proxy did not refund. */
  askRefund: ({ queryId, excess }: Request): Cell => beginRequest(0xfafa6cc1, queryId).storeAddress(excess).endCell(),
} as const;
