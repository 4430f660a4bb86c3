/**
 * The operating wallet of a node: reading its state, and signing what it is told from outside.
 *
 *   data     = seqno:u32 subwallet:u32 key:u256 status:u32 owner:addr             status bit 0 = blocked
 *   external = signature:512 then signed
 *   signed   = subwallet:u32 valid_until:u32 seqno:u32 (mode:u8 ^message){0..4}   Ed25519 over the hash of this cell
 */
import { type KeyObject, sign } from 'node:crypto';
import {
  type Address,
  beginCell,
  type Cell,
  external,
  type MessageRelaxed,
  type StateInit,
  storeMessage,
  storeMessageRelaxed,
} from '@ton/core';
import { WalletError } from './wallet-sender-errors.ts';

/** Messages one external can carry: a cell has four references. */
export const MAX_WALLET_MESSAGES = 4;

/** The wallet refuses externals while it has less, in nanoTON. Source: contracts.md §9, error 1035. */
export const MIN_WALLET_BALANCE = 2_000_000_000n;

export interface WalletState {
  /** Number the next external must carry. */
  readonly seqno: number;
  readonly subwallet: number;
  /** 32 bytes, Ed25519. */
  readonly publicKey: Buffer;
  /** Blocked by its owner: takes no external. */
  readonly blocked: boolean;
  readonly owner: Address;
}

/** One message to send, and how: see the send modes of TON. */
export interface WalletMessage {
  readonly mode: number;
  readonly message: MessageRelaxed;
}

export interface WalletOrder {
  readonly subwallet: number;
  /** Unix seconds; accepted in blocks before it. */
  readonly validUntilSec: number;
  readonly seqno: number;
  /** Up to {@link MAX_WALLET_MESSAGES}. */
  readonly messages: readonly WalletMessage[];
}

/** @throws {WalletError} `WALLET_FOREIGN` when the cell is not the data of such a wallet, to the last bit */
export function readWalletState(data: Cell): WalletState {
  try {
    const slice = data.beginParse();
    const seqno = slice.loadUint(32);
    const subwallet = slice.loadUint(32);
    const publicKey = slice.loadBuffer(32);
    const status = slice.loadUint(32);
    const owner = slice.loadAddress();
    slice.endParse();
    return { seqno, subwallet, publicKey, blocked: (status & 1) === 1, owner };
  } catch (cause) {
    throw new WalletError('WALLET_FOREIGN', 'the data cell is not that of an operating wallet', {}, { cause });
  }
}

/**
 * The body of an external message.
 * @throws {RangeError} for more messages than fit, or a number outside its bits
 */
export function signWalletOrder({ subwallet, validUntilSec, seqno, messages }: WalletOrder, key: KeyObject): Cell {
  if (messages.length > MAX_WALLET_MESSAGES) throw new RangeError(`${messages.length} messages in one external`);
  const signed = beginCell().storeUint(subwallet, 32).storeUint(validUntilSec, 32).storeUint(seqno, 32);
  for (const { mode, message } of messages) {
    signed.storeUint(mode, 8).storeRef(beginCell().store(storeMessageRelaxed(message)).endCell());
  }
  const cell = signed.endCell();
  return beginCell()
    .storeBuffer(sign(null, cell.hash(), key))
    .storeSlice(cell.beginParse())
    .endCell();
}

/** The whole external message, as a chain takes it. @param init deploys the wallet with its first external */
export function walletExternal(wallet: Address, body: Cell, init?: StateInit): Cell {
  const message = external({ to: wallet, body, ...(init ? { init } : {}) });
  return beginCell().store(storeMessage(message)).endCell();
}
