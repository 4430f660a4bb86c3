/** An account as the chain keeps it: one bag of cells, which is what the executor takes and gives. */
import { Address, beginCell, Cell, loadShardAccount } from '@ton/core';

/** Bag of cells of an account that does not exist. */
export const NO_ACCOUNT: Uint8Array = beginCell()
  .storeRef(beginCell().storeBit(0).endCell())
  .storeUint(0, 256)
  .storeUint(0, 64)
  .endCell()
  .toBoc();

export interface AccountState {
  readonly kind: 'absent' | 'uninit' | 'active' | 'frozen';
  /** NanoTON. */
  readonly balance: bigint;
  /** Both only while `active`. */
  readonly code?: Cell;
  readonly data?: Cell;
  /** Hash of the state, only while `frozen`. */
  readonly frozenHash?: Buffer;
  /** Undefined without a transaction. */
  readonly last?: { readonly lt: bigint; readonly hash: Buffer };
}

export function readAccount(state: Uint8Array): AccountState {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.byteLength);
  const { account, lastTransactionLt, lastTransactionHash } = loadShardAccount(Cell.fromBoc(bytes)[0]!.beginParse());
  const hash = Buffer.from(lastTransactionHash.toString(16).padStart(64, '0'), 'hex');
  const last = lastTransactionLt === 0n ? {} : { last: { lt: lastTransactionLt, hash } };
  if (!account) return { kind: 'absent', balance: 0n, ...last };
  const { balance, state: inner } = account.storage;
  const common = { balance: balance.coins, ...last };
  switch (inner.type) {
    case 'uninit':
      return { kind: 'uninit', ...common };
    case 'frozen':
      return {
        kind: 'frozen',
        frozenHash: Buffer.from(inner.stateHash.toString(16).padStart(64, '0'), 'hex'),
        ...common,
      };
    case 'active': {
      const { code, data } = inner.state;
      return { kind: 'active', ...(code ? { code } : {}), ...(data ? { data } : {}), ...common };
    }
  }
}

/** Key of an account in the database: workchain (i8) and hash, 33 bytes. */
export function accountKey(address: Address): Buffer {
  const key = Buffer.alloc(33);
  key.writeInt8(address.workChain);
  address.hash.copy(key, 1);
  return key;
}

/** Inverse of {@link accountKey}. */
export function accountOf(key: Uint8Array): Address {
  const bytes = Buffer.from(key);
  return new Address(bytes.readInt8(), bytes.subarray(1));
}
