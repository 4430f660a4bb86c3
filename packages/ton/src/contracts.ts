/**
 * Addresses of the contracts behind a connection. An address is the hash of code and first data, so both sides
 * compute it and compare; nothing is looked up. All live in workchain 0.
 */
import { createHash } from 'node:crypto';
import { Address, beginCell, type Cell } from '@ton/core';
import { TonError } from './errors.ts';
import type { RootConfig } from './root-config.ts';

/** The code of the operating wallet is fixed; an address needs no more of it than hash and depth of its root cell. */
const WALLET_CODE = {
  hash: Buffer.from('7a48f05ceef40f06cabbaa39c1c5a67b24e8bb59d8cf8a74e49988a5f44cf66a', 'hex'),
  depth: 6,
};

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

/** Parameters inside: with worker and client code, without its own. */
export function proxyContractAddress(root: RootConfig, party: ProxyParty): Address {
  const data = beginCell()
    .storeAddress(party.owner)
    .storeBuffer(key(party.publicKey))
    .storeAddress(party.rootAddress)
    .storeUint(0, 2) // state: normal
    .storeCoins(0) // balance
    .storeCoins(0) // stake
    .storeUint(0, 32) // unlock
    .storeRef(paramsCell(root, { worker: root.workerCode, client: root.clientCode }))
    .endCell();
  return birthAddress(codePart(root.proxyCode), data);
}

/** The first stake is the smallest one allowed; parameters inside: without codes. */
export function clientContractAddress(root: RootConfig, party: AccountParty): Address {
  const parties = beginCell()
    .storeAddress(party.owner)
    .storeAddress(party.proxy)
    .storeBuffer(key(party.publicKey))
    .endCell();
  const data = beginCell()
    .storeUint(0, 2) // state: normal
    .storeCoins(0) // balance
    .storeCoins(root.minClientStake)
    .storeUint(0, 64) // tokens charged
    .storeUint(0, 32) // unlock
    .storeUint(0, 256) // secret hash
    .storeRef(parties)
    .storeRef(paramsCell(root, {}))
    .endCell();
  return birthAddress(codePart(root.clientCode), data);
}

/** Parameters inside: without codes. */
export function workerContractAddress(root: RootConfig, party: AccountParty): Address {
  const data = beginCell()
    .storeAddress(party.owner)
    .storeAddress(party.proxy)
    .storeBuffer(key(party.publicKey))
    .storeUint(0, 2) // state: normal
    .storeUint(0, 64) // tokens paid out
    .storeRef(paramsCell(root, {}))
    .endCell();
  return birthAddress(codePart(root.workerCode), data);
}

/** The operating wallet of a node, from the public half of `node_wallet_key` and the configured owner. */
export function walletAddress(party: { readonly publicKey: Uint8Array; readonly owner: Address }): Address {
  const data = beginCell()
    .storeUint(0, 32) // seqno
    .storeUint(0, 32) // subwallet
    .storeBuffer(key(party.publicKey))
    .storeUint(0, 32) // status
    .storeAddress(party.owner)
    .endCell();
  return birthAddress(WALLET_CODE, data);
}

/** The parameter cell in the layout the root contract has, with the codes that the holder keeps. */
function paramsCell(root: RootConfig, codes: { readonly worker?: Cell; readonly client?: Cell }): Cell {
  const { structVersion: layout, multipliers } = root;
  const cell = beginCell()
    .storeUint(layout, 8)
    .storeUint(root.paramsVersion, 32)
    .storeUint(root.uniqueId, 32)
    .storeBit(root.isTest)
    .storeCoins(root.pricePerToken)
    .storeCoins(root.workerFeePerToken);
  if (layout >= 3) cell.storeUint(multipliers.prompt, 32);
  if (layout >= 2) cell.storeUint(multipliers.cached, 32);
  if (layout >= 3) cell.storeUint(multipliers.completion, 32);
  if (layout >= 2) cell.storeUint(multipliers.reasoning, 32);
  cell.storeUint(root.proxyDelayBeforeCloseSec, 32).storeUint(root.clientDelayBeforeCloseSec, 32);
  if (layout >= 1) cell.storeCoins(root.minProxyStake).storeCoins(root.minClientStake);
  return cell.storeMaybeRef(null).storeMaybeRef(codes.worker).storeMaybeRef(codes.client).endCell();
}

interface CellPart {
  readonly hash: Buffer;
  readonly depth: number;
}

const codePart = (code: Cell): CellPart => ({ hash: code.hash(), depth: code.depth() });

/** Representation hash of the state-init cell: five bits `00110`, references code and data. */
function birthAddress(code: CellPart, data: Cell): Address {
  const representation = Buffer.alloc(3 + 2 + 2 + 32 + 32);
  representation.set([2, 1, 0b0011_0100]); // two references; one byte, not full; the bits and the end mark
  representation.writeUInt16BE(code.depth, 3);
  representation.writeUInt16BE(data.depth(), 5);
  representation.set(code.hash, 7);
  representation.set(data.hash(), 39);
  return new Address(0, createHash('sha256').update(representation).digest());
}

function key(publicKey: Uint8Array): Buffer {
  if (publicKey.length !== 32) throw new TonError('TON_KEY', `a public key has 32 bytes, not ${publicKey.length}`);
  return Buffer.from(publicKey);
}
