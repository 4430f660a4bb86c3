/** Operating wallet of a node: its first data, and what its owner may send. Signed orders: `external-wallet.ts`. */
import { type Address, beginCell, type Cell, type MessageRelaxed, storeMessageRelaxed } from '@ton/core';
import { beginRequest, keyBuffer } from './data.ts';

/** seqno:u32 subwallet:u32 key:u256 status:u32 owner:addr */
export function walletBirthData(party: { readonly publicKey: Uint8Array; readonly owner: Address }): Cell {
  return beginCell()
    .storeUint(0, 32)
    .storeUint(0, 32)
    .storeBuffer(keyBuffer(party.publicKey))
    .storeUint(0, 32)
    .storeAddress(party.owner)
    .endCell();
}

/** From the owner only. */
export const walletRequest = {
  /** Sends a message for him, also while the key is blocked. */
  send: (order: { readonly queryId: bigint; readonly mode: number; readonly message: MessageRelaxed }): Cell =>
    beginRequest(0x9c69f376, order.queryId)
      .storeUint(order.mode, 8)
      .storeRef(beginCell().store(storeMessageRelaxed(order.message)).endCell())
      .endCell(),
  /** Withdraw all but 0.01 TON; block or unblock the key. */
  text: (command: 'w' | 'b' | 'u'): Cell => beginCell().storeUint(0, 32).storeStringTail(command).endCell(),
} as const;
