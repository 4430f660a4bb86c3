/**
 * Builds the contracts from their Tolk sources. A compiler version is part of every address, so it is pinned, and what it
 * builds is committed: `contracts/build`. The compiler (4 MB of WebAssembly) is loaded when it is asked for.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cell } from '@ton/core';
import { readCell, writeCell } from './boc.ts';
import { CONTRACT_NAMES, type ContractName, HASHES_FILE } from './contracts/code.ts';
import { ContractError } from './contracts/errors.ts';

const SOURCES = fileURLToPath(new URL('../contracts/', import.meta.url));

/** @throws {ContractError} `CONTRACT_COMPILE` with the words of the compiler */
export async function compileContract(name: ContractName): Promise<Cell> {
  const { runTolkCompiler } = await import('@ton/tolk-js');
  const result = await runTolkCompiler({
    entrypointFileName: `${name}.tolk`,
    fsReadCallback: (path) => readFileSync(join(SOURCES, path), 'utf8'),
  });
  if (result.status === 'error') throw new ContractError('CONTRACT_COMPILE', result.message, { contract: name });
  return readCell(Buffer.from(result.codeBoc64, 'base64'));
}

/**
 * Compiles all contracts into a folder that is there: a bag of cells each, and their hashes.
 * @returns the hash of every code cell, hex
 * @throws {ContractError} `CONTRACT_COMPILE`; whatever the file system throws
 */
export async function buildContracts(folder: string): Promise<Readonly<Record<ContractName, string>>> {
  const hashes: Record<string, string> = {};
  for (const name of CONTRACT_NAMES) {
    const code = await compileContract(name);
    writeFileSync(join(folder, `${name}.boc`), writeCell(code));
    hashes[name] = code.hash().toString('hex');
  }
  writeFileSync(join(folder, HASHES_FILE), `${JSON.stringify(hashes, null, 2)}\n`);
  return hashes as Record<ContractName, string>; // one entry was made for each name
}
