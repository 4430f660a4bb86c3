/**
 * What is there before the first block: one account that owns every coin, with a contract that pays out what the owner
 * of its key signs. Its state is the zero state of the network, so the network's id follows from the seed.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { privateKeyFromSeed, publicKeyBytes } from '@bombyx/ton';
import {
  type Address,
  beginCell,
  type Cell,
  contractAddress,
  external,
  internal,
  storeMessage,
  storeMessageRelaxed,
  storeShardAccount,
} from '@ton/core';

/** Five billion TON, in nanoTON: all there ever is. */
export const SUPPLY = 5_000_000_000_000_000_000n;

/** Pay the fees from the balance, not from the amount. */
const SEND_MODE = 1;

/**
 * The contract, as instructions of the machine. Data: seqno u32, public key u256. An internal message is kept. An
 * external one is: signature 512 bits over the hash of the rest; rest: seqno u32, send mode u8, message.
 */
const CODE = [
  'FF00', // SETCP 0
  '20DD', // DUP IFNOTRET: an internal message
  'A4F260', // INC, THROWIF 32: a get method, there are none
  '8308D718', // 9 PUSHPOW2, LDSLICEX: sig rest
  '20F90158', // DUP HASHSU ROT: rest hash sig
  'ED44D0D31FD70BFF', // PUSH c4, CTOS, LDU 32, PLDU 256: rest hash sig seqno key
  '0104', // XCHG s1, XCHG s4: seqno hash sig key rest
  'D31F05', // LDU 32, XCHG s5: rest hash sig key given seqno
  '66BAF2A1', // TUCK EQUAL, THROWIFNOT 33: rest hash sig key seqno
  '232323F910F2A2', // PUSH s3 three times, CHKSIGNU, THROWIFNOT 34
  'F800', // ACCEPT
  'A4C8CB1FCBFFC9ED54', // INC, NEWC, STU 32, STU 256, ENDC, POP c4: rest hash sig
  '5BD307D43001FB00', // 2DROP, LDU 8, LDREF, DROP, SWAP, SENDRAWMSG
].join('');

export interface Genesis {
  readonly address: Address;
  readonly key: KeyObject;
  /** Bag of cells of the account that owns everything. */
  readonly state: Buffer;
  /** Hash of its cell: the id of the network. */
  readonly rootHash: Buffer;
  /** SHA-256 of {@link state}. */
  readonly fileHash: Buffer;
}

/** @param seed 32 bytes @param utime unix seconds of the zero state */
export function genesisOf(seed: Uint8Array, utime: number): Genesis {
  const key = privateKeyFromSeed(seed);
  const code = beginCell().storeBuffer(Buffer.from(CODE, 'hex')).endCell();
  const data = beginCell().storeUint(0, 32).storeBuffer(publicKeyBytes(key)).endCell();
  const address = contractAddress(0, { code, data });
  const shard = storeShardAccount({
    account: {
      addr: address,
      storageStats: { used: { cells: 0n, bits: 0n }, storageExtra: null, lastPaid: utime },
      storage: { lastTransLt: 0n, balance: { coins: SUPPLY }, state: { type: 'active', state: { code, data } } },
    },
    lastTransactionHash: 0n,
    lastTransactionLt: 0n,
  });
  const cell = beginCell().store(shard).endCell();
  const state = cell.toBoc();
  return { address, key, state, rootHash: cell.hash(), fileHash: createHash('sha256').update(state).digest() };
}

/** The counter in the data of the genesis account. */
export function genesisSeqno(data: Cell): number {
  return data.beginParse().loadUint(32);
}

/** An external message to the genesis account that pays `amount` nanoTON; it does not bounce. */
export function genesisTransfer(genesis: Genesis, seqno: number, to: Address, amount: bigint): Cell {
  const transfer = beginCell().store(storeMessageRelaxed(internal({ to, value: amount, bounce: false })));
  const order = beginCell().storeUint(seqno, 32).storeUint(SEND_MODE, 8).storeRef(transfer.endCell()).endCell();
  const body = beginCell()
    .storeBuffer(sign(null, order.hash(), genesis.key))
    .storeSlice(order.beginParse())
    .endCell();
  return beginCell()
    .store(storeMessage(external({ to: genesis.address, body })))
    .endCell();
}
