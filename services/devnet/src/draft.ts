/**
 * A block in the making: messages run one after the other on accounts in memory; nothing is kept until the whole block is
 * written. What a message sends to other accounts runs in the same block, while the block has room.
 */
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { type Address, type Cell, Dictionary, loadMessage, type Message, type Transaction } from '@ton/core';
import { accountKey } from './account.ts';
import type { Machine } from './machine.ts';

/** Logical time of a block starts at a multiple of it, as on the public networks. */
const LT_STEP = 1_000_000n;
/** After so many transactions whoever else waits for this thread has a turn. */
const TURN = 8;

/** The newest block, or the zero state. */
export interface Head {
  readonly seqno: number;
  /** Unix seconds. */
  readonly utime: number;
  readonly endLt: bigint;
  /** 32 bytes; covers all blocks before. */
  readonly rootHash: Buffer;
}

/** A message that waits in the database. */
export interface Waiting {
  readonly id: bigint;
  readonly message: Cell;
}

export interface DraftTransaction {
  readonly account: Buffer;
  readonly transaction: Transaction;
  /** NanoTON that left circulation. */
  readonly fees: bigint;
  /** Of the internal message received. */
  readonly createdLt: bigint | null;
}

/** A message between accounts, with the nanoTON that travel in it: value and the forwarding fee not yet taken. */
export interface Sent {
  readonly message: Cell;
  readonly worth: bigint;
}

export interface Draft {
  readonly head: Head;
  readonly startLt: bigint;
  readonly transactions: readonly DraftTransaction[];
  /** Bags of cells by hex of the account's key. */
  readonly states: ReadonlyMap<string, Buffer>;
  /** Rows of the inbox that ran or were refused: gone either way. */
  readonly taken: readonly bigint[];
  readonly refused: readonly { readonly id: bigint; readonly reason: string }[];
  /** Rows of messages in transit that were delivered. */
  readonly delivered: readonly bigint[];
  /** Rows of messages in transit that the executor cannot run: they stay, set aside. */
  readonly stuck: readonly bigint[];
  /** Sent in this block, for the next one. */
  readonly sent: readonly Sent[];
}

export interface DraftInput {
  readonly before: Head;
  /** Unix seconds, not below the head's. */
  readonly utime: number;
  /** Oldest first; they run before the inbox. */
  readonly transit: readonly Waiting[];
  readonly inbox: readonly Waiting[];
  readonly maxTransactions: number;
}

interface Item extends Sent {
  readonly transitId?: bigint;
}

export async function draftBlock(
  input: DraftInput,
  deps: { readonly machine: Machine; readonly stateOf: (key: Buffer) => Uint8Array },
): Promise<Draft> {
  const { before, utime, maxTransactions } = input;
  const startLt = (before.endLt / LT_STEP + 1n) * LT_STEP;
  const number = Buffer.alloc(8);
  number.writeUInt32BE(before.seqno + 1, 0);
  number.writeUInt32BE(utime, 4);
  const randomSeed = createHash('sha256').update(before.rootHash).update(number).digest();
  const states = new Map<string, Buffer>();
  const transactions: DraftTransaction[] = [];
  const taken: bigint[] = [];
  const refused: { id: bigint; reason: string }[] = [];
  const delivered: bigint[] = [];
  const stuck: bigint[] = [];
  const unsent: Sent[] = [];
  const moving: Item[] = input.transit.map(({ id, message }) => ({ transitId: id, message, worth: 0n }));
  let lt = startLt;

  /** @returns why it did not run, undefined when it did */
  const deliver = async (message: Cell): Promise<string | undefined> => {
    const { to, createdLt, forwardFee } = envelope(message);
    const account = accountKey(to);
    const key = account.toString('hex');
    const execution = await deps.machine.execute(states.get(key) ?? deps.stateOf(account), message, {
      utime,
      lt,
      randomSeed,
    });
    if (!execution.ok) return execution.reason;
    const { transaction, state } = execution;
    states.set(key, state);
    transactions.push({ account, transaction, createdLt, fees: transaction.totalFees.coins + forwardFee });
    lt = transaction.lt + BigInt(transaction.outMessagesCount) + 1n;
    moving.push(...sentBy(transaction, deps.machine.config.version));
    if (transactions.length % TURN === 0) await turn();
    return undefined;
  };

  const inbox = input.inbox[Symbol.iterator]();
  while (transactions.length < maxTransactions) {
    const item = moving.shift();
    if (item) {
      const failed = (await deliver(item.message)) !== undefined;
      if (failed && item.transitId === undefined) unsent.push(item);
      else if (item.transitId !== undefined) (failed ? stuck : delivered).push(item.transitId);
      continue;
    }
    const next = inbox.next();
    if (next.done) break;
    taken.push(next.value.id);
    const reason = await deliver(next.value.message);
    if (reason !== undefined) refused.push({ id: next.value.id, reason });
  }
  const hash = createHash('sha256').update(randomSeed);
  for (const { transaction } of transactions) hash.update(transaction.hash());
  return {
    head: { seqno: before.seqno + 1, utime, endLt: lt, rootHash: hash.digest() },
    startLt,
    transactions,
    states,
    taken,
    refused,
    delivered,
    stuck,
    sent: [...unsent, ...moving.filter(({ transitId }) => transitId === undefined)],
  };
}

function envelope(message: Cell): { to: Address; createdLt: bigint | null; forwardFee: bigint } {
  const { info } = loadMessage(message.beginParse());
  if (info.type === 'internal') return { to: info.dest, createdLt: info.createdLt, forwardFee: info.forwardFee };
  if (info.type === 'external-in') return { to: info.dest, createdLt: null, forwardFee: 0n };
  throw new TypeError('a message to the outside has no account to run on');
}

/** Internal messages of a transaction, as the cells it holds: written anew, one could get another hash. */
function sentBy(transaction: Transaction, version: number): Sent[] {
  if (transaction.outMessagesCount === 0) return [];
  const inside = transaction.raw.refs[0]!.beginParse();
  inside.loadMaybeRef(); // the message received
  const cells = inside.loadDict(Dictionary.Keys.Uint(15), Dictionary.Values.Cell());
  return [...cells.values()].flatMap((message) => {
    const { info } = loadMessage(message.beginParse());
    return info.type === 'internal' ? [{ message, worth: worthOf(info, version) }] : [];
  });
}

/** Before version 12 the receiver was credited the routing fee too; since then the field holds flags. */
function worthOf(info: Message['info'] & { type: 'internal' }, version: number): bigint {
  return info.value.coins + info.forwardFee + (version < 12 ? info.ihrFee : 0n);
}
