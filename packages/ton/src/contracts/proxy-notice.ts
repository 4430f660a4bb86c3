/**
 * What the proxy contract is told, as far as the proxy node reads along. Most of it is information: one nanoTON buys no
 * gas, so no code has judged these bodies, and anybody can send one. Who sent it, and what became of it, is the reader's
 * to check.
 *
 *   client  = 65448ff4 query_id:u64 owner:addr ^(state:u2 balance:coins stake:coins tokens:u64 secret:u256) payload:?^
 *   worker  = 4d725d2c query_id:u64 owner:addr state:u2 tokens:u64 payload:?^
 *   commit  = 9a1247c0 query_id:u64 53109c0f seqno:u32 session:u256
 *   pay out = 7610e6eb query_id:u64 …
 *   payload = a35cb580 nonce:u64                                     of a register; others need nothing
 *
 * Source: contracts.md §6 and proxy.md §8.4.
 */
import { MAX_LONG } from '@bombyx/base';
import type { Address, Cell, Slice } from '@ton/core';
import { type ContractState, stateOf } from './data.ts';

export interface ClientNotice {
  readonly kind: 'client';
  readonly owner: Address;
  readonly state: ContractState;
  /** NanoTON. Numbers above 2^63 − 1 count as that much: no node can read them, and nobody has so many coins. */
  readonly balance: bigint;
  readonly stake: bigint;
  readonly tokens: bigint;
  /** 32 bytes. */
  readonly secretHash: Buffer;
  /** Of a register, unsigned 64 bits. */
  readonly nonce?: bigint;
}

export interface WorkerNotice {
  readonly kind: 'worker';
  readonly owner: Address;
  readonly state: ContractState;
  readonly tokens: bigint;
}

export type ProxyNotice =
  | ClientNotice
  | WorkerNotice
  /** `session`: 32 bytes. */
  | { readonly kind: 'commit'; readonly seqno: number; readonly session: Buffer }
  | { readonly kind: 'earnings'; readonly queryId: bigint };

const Operation = { client: 0x65448ff4, worker: 0x4d725d2c, ignored: 0x9a1247c0, earnings: 0x7610e6eb } as const;
const REGISTER = 0xa35cb580;
const COMMIT = 0x53109c0f;

/** @returns undefined for every body that says nothing to a node, whatever its bits are */
export function readProxyNotice(body: Cell): ProxyNotice | undefined {
  try {
    return read(body.beginParse());
  } catch {
    return undefined;
  }
}

function read(slice: Slice): ProxyNotice | undefined {
  const operation = slice.loadUint(32);
  const queryId = slice.loadUintBig(64);
  switch (operation) {
    case Operation.client: {
      const owner = slice.loadAddress();
      const state = slice.loadRef().beginParse();
      const payload = slice.loadMaybeRef();
      return { kind: 'client', owner, ...readState(state), ...readNonce(payload) };
    }
    case Operation.worker:
      return {
        kind: 'worker',
        owner: slice.loadAddress(),
        state: stateOf(slice.loadUint(2)),
        tokens: atMostLong(slice.loadUintBig(64)),
      };
    case Operation.ignored:
      if (slice.loadUint(32) !== COMMIT) return undefined;
      return { kind: 'commit', seqno: slice.loadUint(32), session: slice.loadBuffer(32) };
    case Operation.earnings:
      return { kind: 'earnings', queryId };
    default:
      return undefined;
  }
}

function readState(slice: Slice): Omit<ClientNotice, 'kind' | 'owner' | 'nonce'> {
  return {
    state: stateOf(slice.loadUint(2)),
    balance: atMostLong(slice.loadCoins()),
    stake: atMostLong(slice.loadCoins()),
    tokens: atMostLong(slice.loadUintBig(64)),
    secretHash: slice.loadBuffer(32),
  };
}

/** One contract code known to us registers without a nonce: it registers nobody. */
function readNonce(payload: Cell | null): { readonly nonce?: bigint } {
  const slice = payload?.beginParse();
  if (slice === undefined || slice.remainingBits < 96 || slice.loadUint(32) !== REGISTER) return {};
  return { nonce: slice.loadUintBig(64) };
}

function atMostLong(value: bigint): bigint {
  return value < MAX_LONG ? value : MAX_LONG;
}
