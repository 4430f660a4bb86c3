/**
 * Addresses of the contracts behind a connection. An address is the hash of code and first data, so both sides
 * compute it and compare; nothing is looked up. All live in workchain 0.
 */
import { createHash } from 'node:crypto';
import { Address, type Cell } from '@ton/core';
import { clientBirthData } from './contracts/client.ts';
import type { AccountParty, ProxyParty } from './contracts/data.ts';
import { proxyBirthData } from './contracts/proxy.ts';
import { walletBirthData } from './contracts/wallet.ts';
import { workerBirthData } from './contracts/worker.ts';
import type { RootConfig } from './root-config.ts';

export type { AccountParty, ProxyParty };

/** The wallet code of the C++ programs is fixed; an address needs no more of it than hash and depth of its root cell. */
const WALLET_CODE = {
  hash: Buffer.from('7a48f05ceef40f06cabbaa39c1c5a67b24e8bb59d8cf8a74e49988a5f44cf66a', 'hex'),
  depth: 6,
};

/** Parameters inside: with worker and client code, without its own. */
export function proxyContractAddress(root: RootConfig, party: ProxyParty): Address {
  return birthAddress(codePart(root.proxyCode), proxyBirthData(root, party));
}

/** The first stake is the smallest one allowed; parameters inside: without codes. */
export function clientContractAddress(root: RootConfig, party: AccountParty): Address {
  return birthAddress(codePart(root.clientCode), clientBirthData(root, party));
}

/** Parameters inside: without codes. */
export function workerContractAddress(root: RootConfig, party: AccountParty): Address {
  return birthAddress(codePart(root.workerCode), workerBirthData(root, party));
}

/** The wallet of the C++ programs, from the public half of `node_wallet_key` and the configured owner. */
export function walletAddress(party: { readonly publicKey: Uint8Array; readonly owner: Address }): Address {
  return birthAddress(WALLET_CODE, walletBirthData(party));
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
