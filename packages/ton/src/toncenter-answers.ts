/**
 * Answers of the HTTP API, made into what they must be. Nothing is taken on trust that can be computed: cells come from
 * their bags, hashes from the cells. Source: the published OpenAPI description of toncenter, version 2.
 */
import type { Address, Cell } from '@ton/core';
import { z } from 'zod';
import { readCell } from './boc.ts';
import type { ChainAccount, ChainTransaction, TransactionId } from './chain.ts';
import { ChainError } from './chain-errors.ts';
import { readChainTransaction } from './chain-transaction.ts';

/** A contract's data, or a transaction with its messages, may be large; a message alone has up to 64 kB. */
const MAX_CELL_BYTES = 1_048_576;

const hash32 = z.base64().length(44);
const long = z.union([z.string().regex(/^\d{1,20}$/), z.int().nonnegative()]).transform((value) => BigInt(value));
/** The API has said −1 for an account without a state. */
const amount = z.union([z.string().regex(/^(?:\d{1,40}|-1)$/), z.int().min(-1)]).transform((value) => {
  const nano = BigInt(value);
  return nano < 0n ? 0n : nano;
});
const blockId = z.object({ workchain: z.int(), shard: z.string(), seqno: z.int().nonnegative() });
const transactionId = z.object({ lt: long, hash: hash32 });

const MasterchainInfo = z.object({ last: blockId, init: z.object({ root_hash: hash32 }) });
const BlockHeader = z.object({ id: blockId, global_id: z.int(), gen_utime: z.int().positive() });
const AddressInformation = z.object({
  balance: amount,
  state: z.enum(['active', 'uninitialized', 'frozen']),
  code: z.string().optional(),
  data: z.string().optional(),
  last_transaction_id: transactionId,
  block_id: blockId,
  sync_utime: z.int().positive(),
});
const Transactions = z.array(z.object({ data: z.base64(), transaction_id: transactionId }));

export type BlockRef = z.infer<typeof blockId>;

export interface MasterchainHead {
  readonly last: BlockRef;
  /** Base64. */
  readonly zerostate: string;
}

export interface BlockTime {
  readonly globalId: number;
  readonly atSec: number;
}

/** What an account was at a block. */
export interface AccountSight {
  readonly account: ChainAccount;
  readonly seqno: number;
  readonly atSec: number;
}

export function readMasterchainInfo(result: unknown, host: string): MasterchainHead {
  const { last, init } = shaped(MasterchainInfo, result, host, 'getMasterchainInfo');
  if (last.workchain !== -1) throw fault(host, `getMasterchainInfo speaks of workchain ${last.workchain}`);
  return { last, zerostate: init.root_hash };
}

/** @param block the one that was asked for */
export function readBlockHeader(result: unknown, host: string, block: BlockRef): BlockTime {
  const { id, global_id: globalId, gen_utime: atSec } = shaped(BlockHeader, result, host, 'getBlockHeader');
  if (id.seqno !== block.seqno || id.workchain !== block.workchain || id.shard !== block.shard) {
    throw fault(host, `getBlockHeader shows block ${id.seqno} instead of ${block.seqno}`);
  }
  return { globalId, atSec };
}

export function readAccount(result: unknown, host: string, address: Address): AccountSight {
  const shape = shaped(AddressInformation, result, host, 'getAddressInformation');
  const { lt, hash } = shape.last_transaction_id;
  const base = {
    address,
    balance: shape.balance,
    ...(lt === 0n ? {} : { last: { lt, hash: Buffer.from(hash, 'base64') } }),
  };
  const at = { seqno: shape.block_id.seqno, atSec: shape.sync_utime };
  if (shape.state !== 'active') {
    return { account: { ...base, status: shape.state === 'frozen' ? 'frozen' : 'absent' }, ...at };
  }
  const code = cellOf(shape.code, host, 'code');
  return { account: { ...base, status: 'active', code, data: cellOf(shape.data, host, 'data') }, ...at };
}

/**
 * A page of history, newest first.
 * @param from the transaction asked for: the page must begin with it and go on without a gap
 * @throws {ChainError} `CHAIN_RESPONSE` when a hash, a link or the account is not the right one
 */
export function readTransactions(
  result: unknown,
  host: string,
  address: Address,
  from: TransactionId,
): readonly ChainTransaction[] {
  const page: ChainTransaction[] = [];
  let expected: TransactionId | undefined = from;
  for (const { data } of shaped(Transactions, result, host, 'getTransactions')) {
    if (expected === undefined) throw fault(host, 'a transaction older than the first one of the account');
    const seen = transactionOf(data, host);
    if (!seen.hash.equals(expected.hash) || seen.lt !== expected.lt) {
      throw fault(host, `transaction ${seen.lt} is not the one linked to, ${expected.lt}: a gap, or a forgery`);
    }
    if (seen.transaction.address !== BigInt(`0x${address.hash.toString('hex')}`)) {
      throw fault(host, `transaction ${seen.lt} belongs to another account`);
    }
    page.push(seen);
    expected = previousOf(seen);
  }
  if (page.length === 0) throw fault(host, `no transaction ${from.lt}, though the account has it`);
  return page;
}

/** The transaction before, undefined for the first one of an account. */
export function previousOf({ transaction }: ChainTransaction): TransactionId | undefined {
  if (transaction.prevTransactionLt === 0n) return undefined;
  const hash = Buffer.from(transaction.prevTransactionHash.toString(16).padStart(64, '0'), 'hex');
  return { lt: transaction.prevTransactionLt, hash };
}

export function cellOf(base64: string | undefined, host: string, what: string): Cell {
  try {
    return readCell(Buffer.from(base64 ?? '', 'base64'), MAX_CELL_BYTES);
  } catch (cause) {
    throw fault(host, `the ${what} is not a bag of cells`, cause);
  }
}

export function shaped<T>(schema: z.ZodType<T>, result: unknown, host: string, method: string): T {
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw fault(host, `${method} has a wrong ${issue?.path.join('.') || 'shape'}: ${issue?.message}`);
}

export function fault(host: string, message: string, cause?: unknown): ChainError {
  return new ChainError('CHAIN_RESPONSE', `${host}: ${message}`, { host }, { cause });
}

function transactionOf(base64: string, host: string): ChainTransaction {
  const cell = cellOf(base64, host, 'transaction');
  try {
    return readChainTransaction(cell);
  } catch (cause) {
    throw fault(host, 'a cell that is no transaction', cause);
  }
}
