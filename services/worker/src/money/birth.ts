/**
 * What a worker contract is born from: code, and first data with the parameters of its time. Its hash is the address, so
 * a copy from disk proves itself; and it outlives the root configuration it was made from.
 */
import {
  type AccountParty,
  type Address,
  type ContractInit,
  initAddress,
  type Params,
  type RootConfig,
  readCell,
  readWorkerData,
  workerBirthData,
  writeCell,
} from '@bombyx/ton';
import { beginCell } from '@ton/core';

/** A code of a few kilobytes and a data cell. */
const MAX_BIRTH_BYTES = 65_536;

export function birthOf(root: RootConfig, party: AccountParty): ContractInit {
  return { code: root.workerCode, data: workerBirthData(root, party) };
}

/** Prices and delays by which the contract pays; they never change. */
export function termsOf(birth: ContractInit): Params {
  return readWorkerData(birth.data).params;
}

/** @returns base64 of a cell that refers to code and data */
export function writeBirth({ code, data }: ContractInit): string {
  return writeCell(beginCell().storeRef(code).storeRef(data).endCell()).toString('base64');
}

/** @returns undefined for what is not the birth of `contract` */
export function readBirth(text: string, contract: Address): ContractInit | undefined {
  if (text === '') return undefined;
  try {
    const slice = readCell(Buffer.from(text, 'base64'), MAX_BIRTH_BYTES).beginParse();
    const birth = { code: slice.loadRef(), data: slice.loadRef() };
    readWorkerData(birth.data);
    return initAddress(birth).equals(contract) ? birth : undefined;
  } catch {
    return undefined;
  }
}
