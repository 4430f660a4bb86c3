/** Codes of the contracts as they were built: what nodes deploy. No compiler is needed to read them. */
import { readFileSync } from 'node:fs';
import type { Cell } from '@ton/core';
import { readCell } from '../boc.ts';
import { ContractError } from './errors.ts';

export const CONTRACT_NAMES = ['root', 'proxy', 'client', 'worker', 'wallet'] as const;

export type ContractName = (typeof CONTRACT_NAMES)[number];

/** `<name>.boc` and `hashes.json`: name to hash of the code cell, hex. */
export const BUILD_FOLDER = new URL('../../contracts/build/', import.meta.url);

export const HASHES_FILE = 'hashes.json';

/**
 * The code of a contract, checked against its recorded hash.
 * @throws {ContractError} `CONTRACT_CODE`
 */
export function readContractCode(name: ContractName): Cell {
  let code: Cell;
  let hash: unknown;
  try {
    code = readCell(readFileSync(new URL(`${name}.boc`, BUILD_FOLDER)));
    hash = (JSON.parse(readFileSync(new URL(HASHES_FILE, BUILD_FOLDER), 'utf8')) as Record<string, unknown>)[name];
  } catch (cause) {
    throw new ContractError('CONTRACT_CODE', `no built code of the ${name} contract`, {}, { cause });
  }
  if (code.hash().toString('hex') !== hash) {
    throw new ContractError('CONTRACT_CODE', `the built code of the ${name} contract is not the recorded one`);
  }
  return code;
}
