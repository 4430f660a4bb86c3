/** Bags of cells from untrusted bytes. */
import { Cell } from '@ton/core';
import { TonError } from './errors.ts';

/** More than any contract code needs. Every cell costs a hash: the limit bounds what hostile bytes cost in time. */
const MAX_BOC_BYTES = 65_536;

/**
 * Reads a bag of cells with exactly one root; index and CRC are optional.
 * @throws {TonError} `TON_BOC` and nothing else, whatever the bytes are
 */
export function readCell(bytes: Uint8Array, maxBytes = MAX_BOC_BYTES): Cell {
  if (bytes.length > maxBytes) throw new TonError('TON_BOC', 'bag of cells too large', { size: bytes.length });
  let roots: Cell[];
  try {
    roots = Cell.fromBoc(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw new TonError('TON_BOC', 'not a bag of cells', { size: bytes.length }, { cause });
  }
  const root = roots[0];
  if (!root || roots.length !== 1) throw new TonError('TON_BOC', 'expected one root cell', { roots: roots.length });
  return root;
}

/** Writes as the C++ programs do: no index, no CRC. */
export function writeCell(cell: Cell): Buffer {
  return cell.toBoc({ idx: false, crc32: false });
}
