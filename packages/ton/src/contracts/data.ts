/** Reading and writing what all five contracts have in common. */
import {
  type Address,
  type Builder,
  beginCell,
  type Cell,
  contractAddress,
  type Slice,
  type TupleReader,
} from '@ton/core';
import { TonError } from '../errors.ts';
import { ContractError } from './errors.ts';

/** Who a proxy contract belongs to. */
export interface ProxyParty {
  readonly owner: Address;
  /** 32-byte Ed25519 key that signs payments. */
  readonly publicKey: Uint8Array;
  readonly rootAddress: Address;
}

/** Whose account is kept under which proxy contract. */
export interface AccountParty {
  /** For clients the operating wallet, for workers the configured owner. */
  readonly owner: Address;
  readonly proxy: Address;
  /** 32-byte Ed25519 key of the proxy. */
  readonly publicKey: Uint8Array;
}

/** Stage of life of a proxy, client or worker contract; a worker contract never closes slowly. */
export type ContractState = 'normal' | 'closing' | 'closed';

const STATES = ['normal', 'closing', 'closed'] as const satisfies ContractState[];

export function stateNumber(state: ContractState): number {
  return STATES.indexOf(state);
}

/** @throws {ContractError} `CONTRACT_DATA` for the one number without a meaning */
export function stateOf(number: number): ContractState {
  const state = STATES[number];
  if (!state) throw new ContractError('CONTRACT_DATA', `unknown state ${number}`, { state: number });
  return state;
}

/** Code and first data: what is sent to deploy a contract, and what its address is the hash of. */
export interface ContractInit {
  readonly code: Cell;
  readonly data: Cell;
}

/** Workchain 0. */
export function initAddress(init: ContractInit): Address {
  return contractAddress(0, init);
}

/**
 * Reads a cell to its last bit.
 * @param what names the thing in the error
 * @throws {ContractError} `CONTRACT_DATA`
 */
export function readAll<T>(what: string, cell: Cell, read: (slice: Slice) => T): T {
  try {
    const slice = cell.beginParse();
    const value = read(slice);
    slice.endParse();
    return value;
  } catch (cause) {
    if (cause instanceof ContractError) throw cause;
    throw new ContractError('CONTRACT_DATA', `not the ${what} of a contract`, {}, { cause });
  }
}

/** How every request begins. @throws {RangeError} for a query id outside 64 bits */
export function beginRequest(operation: number, queryId: bigint): Builder {
  if (queryId < 0n || queryId > 0xffff_ffff_ffff_ffffn) throw new RangeError(`query id out of range: ${queryId}`);
  return beginCell().storeUint(operation, 32).storeUint(queryId, 64);
}

/** A request of any caller, and where the coins go that are left of its value. */
export interface Request {
  /** Unsigned 64 bits; comes back with the excess. */
  readonly queryId: bigint;
  /** Workchain 0 only: the contracts refuse others. */
  readonly excess: Address;
}

/** @throws {TonError} `TON_KEY` for a key that has not 32 bytes */
export function keyBuffer(publicKey: Uint8Array): Buffer {
  if (publicKey.length !== 32) throw new TonError('TON_KEY', `a public key has 32 bytes, not ${publicKey.length}`);
  return Buffer.from(publicKey);
}

/** A hash or key from the answer of a get method, 32 bytes. */
export function readUint256(stack: TupleReader): Buffer {
  return Buffer.from(stack.readBigNumber().toString(16).padStart(64, '0'), 'hex');
}
