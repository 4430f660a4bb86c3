/**
 * Blocks as the public API shows them. A block here is a pair with one number: the masterchain's and the only shard's of
 * the basechain; hashes of the second follow from those of the first.
 */
import { createHash } from 'node:crypto';
import type { Head } from './draft.ts';
import type { Ledger } from './ledger.ts';

/** The shard that is a whole workchain: 2^63 as a signed number. */
export const WHOLE_SHARD = '-9223372036854775808';

export interface BlockId {
  readonly '@type': 'ton.blockIdExt';
  readonly workchain: number;
  readonly shard: string;
  readonly seqno: number;
  /** Base64 of 32 bytes, both. */
  readonly root_hash: string;
  readonly file_hash: string;
}

export function blockId({ seqno, rootHash }: Head, workchain: number): BlockId {
  const root = workchain === -1 ? rootHash : sha256(rootHash, Buffer.of(workchain));
  return idOf(workchain, seqno, root, sha256(root));
}

/** Block 0 of the masterchain, by which a client knows the network. */
export function zeroState({ genesis }: Ledger): BlockId {
  return { ...idOf(-1, 0, genesis.rootHash, genesis.fileHash), shard: '0' };
}

function idOf(workchain: number, seqno: number, root: Buffer, file: Buffer): BlockId {
  return {
    '@type': 'ton.blockIdExt',
    workchain,
    shard: WHOLE_SHARD,
    seqno,
    root_hash: root.toString('base64'),
    file_hash: file.toString('base64'),
  };
}

function sha256(...parts: Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
