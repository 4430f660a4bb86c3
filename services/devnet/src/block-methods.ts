/** Methods of the API that read blocks and the configuration of the network. */
import { int } from '@bombyx/config';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { blockId, WHOLE_SHARD, zeroState } from './block-id.ts';
import type { Ledger } from './ledger.ts';
import { type Method, method } from './method.ts';
import { configParameter, GLOBAL_ID } from './network-config.ts';
import { long, seqno, workchain } from './parameters.ts';
import type { Block } from './records.ts';

const MAX_LISTED = 1_000;
const none = z.unknown();
const which = z.object({ workchain, seqno, shard: z.union([z.string(), z.number()]).transform(String) });

export const blockMethods: Readonly<Record<string, Method>> = {
  getMasterchainInfo: method(none, (_, ledger) => ({
    '@type': 'blocks.masterchainInfo',
    last: blockId(ledger.head, -1),
    state_root_hash: ledger.head.rootHash.toString('base64'),
    init: zeroState(ledger),
  })),
  getConsensusBlock: method(none, (_, { head }) => ({ consensus_block: head.seqno, timestamp: head.utime })),
  shards: method(z.object({ seqno }), shards),
  getShards: method(z.object({ seqno }), shards),
  getBlockHeader: method(which, (asked, ledger) => {
    const block = find(ledger, asked);
    const before = block.seqno === 0 ? undefined : ledger.records.block(block.seqno - 1);
    return {
      '@type': 'blocks.header',
      id: blockId(block, asked.workchain),
      global_id: GLOBAL_ID,
      version: 0,
      after_merge: false,
      after_split: false,
      before_split: false,
      want_merge: false,
      want_split: false,
      is_key_block: false,
      min_ref_mc_seqno: Math.max(0, block.seqno - 1),
      start_lt: String(block.startLt),
      end_lt: String(block.endLt),
      gen_utime: block.utime,
      prev_blocks: before ? [blockId(before, asked.workchain)] : [],
    };
  }),
  getBlockTransactions: method(
    which.extend({ count: int(1, MAX_LISTED).default(MAX_LISTED), after_lt: long.default(0n) }),
    (asked, ledger) => {
      const block = find(ledger, asked);
      const all = ledger.records.blockTransactions(block, asked.after_lt, MAX_LISTED);
      const listed = all.filter(({ address }) => address.workChain === asked.workchain);
      return {
        '@type': 'blocks.transactions',
        id: blockId(block, asked.workchain),
        req_count: asked.count,
        incomplete: listed.length > asked.count,
        transactions: listed.slice(0, asked.count).map(({ address, lt, hash }) => ({
          '@type': 'blocks.shortTxId',
          mode: 135,
          account: address.toRawString(),
          lt: String(lt),
          hash: hash.toString('base64'),
        })),
      };
    },
  ),
  getConfigParam: method(z.object({ config_id: int(-0x8000_0000, 0x7fff_ffff) }), ({ config_id }, { machine }) => {
    const cell = configParameter(machine.config.cell, config_id);
    if (!cell) throw new ApiError(500, `LITE_SERVER_UNKNOWN: there is no configuration parameter ${config_id}`);
    return configInfo(cell.toBoc());
  }),
  getConfigAll: method(none, (_, { machine }) => configInfo(Buffer.from(machine.config.full, 'base64'))),
};

function shards({ seqno }: { readonly seqno: number }, ledger: Ledger): object {
  const block = find(ledger, { seqno, shard: WHOLE_SHARD });
  return { '@type': 'blocks.shards', shards: [blockId(block, 0)] };
}

/** @throws {ApiError} for a block that is not, is no more, or is of another shard */
function find(ledger: Ledger, { seqno, shard }: { readonly seqno: number; readonly shard: string }): Block {
  const whole = Number(shard) === Number(WHOLE_SHARD); // as numbers: some clients round it
  const block = whole ? ledger.records.block(seqno) : undefined;
  if (block) return block;
  throw new ApiError(500, `LITE_SERVER_NOTREADY: there is no block ${seqno} of this shard`);
}

function configInfo(bytes: Buffer): object {
  return { '@type': 'configInfo', config: { '@type': 'tvm.cell', bytes: bytes.toString('base64') } };
}
