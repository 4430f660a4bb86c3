/** What of the chain is on disk, and the only place that says so in SQL: blocks, transactions, accounts, messages. */
import { readCell } from '@bombyx/ton';
import type { Address } from '@ton/core';
import { accountKey, accountOf, NO_ACCOUNT, readAccount } from './account.ts';
import type { Draft, Head, Waiting } from './draft.ts';
import { type Genesis, genesisOf, SUPPLY } from './genesis.ts';
import { blob, integer, type Row, type Store } from './store.ts';

/** A block as it is kept. */
export interface Block extends Head {
  readonly startLt: bigint;
  /** Transactions in it. */
  readonly size: number;
}

export interface StoredTransaction {
  readonly address: Address;
  readonly lt: bigint;
  readonly hash: Buffer;
  /** Bag of cells of the transaction. */
  readonly cell: Buffer;
}

export interface Audit {
  /** All nanoTON there ever were. */
  readonly supply: bigint;
  /** Sum over every account's state, decoded anew. */
  readonly balances: bigint;
  /** Storage, gas and forwarding fees of every transaction. */
  readonly fees: bigint;
  /** Value and fees in messages that are not delivered yet. */
  readonly inTransit: bigint;
  /** `supply - balances - fees - inTransit`: 0 unless coins were lost (above) or made (below). */
  readonly difference: bigint;
}

/** Blocks without transactions are forgotten once they are so old; checked as often. */
const KEPT_EMPTY_BLOCKS = 20_000;
/** A message of the public networks has 64 KiB at most; one that contracts send each other may be larger. */
const MAX_CELL_BYTES = 1 << 20;
/** Largest logical time of the database. */
const MAX_LONG = 0x7fff_ffff_ffff_ffffn;

export class Records {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The zero state on disk, or a new one. @param seed 32 random bytes @param utime unix seconds, for a new one */
  openGenesis(seed: () => Uint8Array, utime: number): Genesis {
    const kept = this.#store.meta('seed');
    if (kept) return genesisOf(kept, Number(this.#store.sum('SELECT utime FROM blocks WHERE seqno = 0')));
    const fresh = seed();
    const genesis = genesisOf(fresh, utime);
    this.#store.transaction(() => {
      this.#store.setMeta('seed', fresh);
      this.#store.run('INSERT INTO accounts VALUES (?, ?)', accountKey(genesis.address), genesis.state);
      this.#writeBlock({ seqno: 0, utime, startLt: 0n, endLt: 0n, size: 0, rootHash: genesis.rootHash });
    });
    return genesis;
  }

  /** The newest block. */
  head(): Block {
    return readBlock(this.#store.get('SELECT * FROM blocks ORDER BY seqno DESC LIMIT 1')!); // there is block 0
  }

  /** Seconds that the chain is ahead of the clock. */
  ahead(): number {
    return Number(this.#store.meta('ahead')?.toString() ?? 0);
  }

  setAhead(seconds: number): void {
    this.#store.setMeta('ahead', Buffer.from(String(seconds)));
  }

  /** Bag of cells of an account. @param key see {@link accountKey} */
  stateOf(key: Buffer): Uint8Array {
    const row = this.#store.get('SELECT state FROM accounts WHERE address = ?', key);
    return row ? blob(row['state']) : NO_ACCOUNT;
  }

  /** A block, undefined for one that never was or is forgotten. */
  block(seqno: number): Block | undefined {
    const row = this.#store.get('SELECT * FROM blocks WHERE seqno = ?', seqno);
    return row && readBlock(row);
  }

  /** @returns transactions of one account with `above < lt <= upTo`, the newest first or the oldest first */
  history(
    address: Address,
    range: { readonly above?: bigint; readonly upTo?: bigint; readonly limit: number; readonly oldestFirst?: boolean },
  ): readonly StoredTransaction[] {
    const order = range.oldestFirst ? 'ASC' : 'DESC';
    const sql = `SELECT * FROM transactions WHERE account = ? AND lt > ? AND lt <= ? ORDER BY lt ${order} LIMIT ?`;
    const upTo = range.upTo ?? MAX_LONG;
    return this.#store.all(sql, accountKey(address), range.above ?? 0n, upTo, range.limit).map(readStored);
  }

  /** Transactions of a block in the order they ran, from `above` (logical time) on. */
  blockTransactions(block: Block, above: bigint, limit: number): readonly StoredTransaction[] {
    const least = above < block.startLt ? block.startLt - 1n : above;
    const sql = 'SELECT * FROM transactions WHERE lt > ? AND lt < ? ORDER BY lt LIMIT ?';
    return this.#store.all(sql, least, block.endLt, limit).map(readStored);
  }

  /** The transaction that received the internal message sent at `createdLt`. */
  receiverOf(createdLt: bigint): StoredTransaction | undefined {
    const row = this.#store.get('SELECT * FROM transactions WHERE created_lt = ?', createdLt);
    return row && readStored(row);
  }

  /** Internal messages that were sent and not delivered, oldest first; without those that cannot be. */
  transit(limit: number): readonly Waiting[] {
    const rows = this.#store.all('SELECT id, message FROM transit WHERE stuck = 0 ORDER BY id LIMIT ?', limit);
    return rows.map(readWaiting);
  }

  /** External messages that were acknowledged and have not run, oldest first. */
  inbox(limit: number): readonly Waiting[] {
    return this.#store.all('SELECT id, message FROM inbox ORDER BY id LIMIT ?', limit).map(readWaiting);
  }

  /** Notes a payment of the faucet, inside the transaction that takes its message. */
  addGrant(to: Address, amount: bigint, utime: number): void {
    const sql = 'INSERT INTO grants(address, amount, utime) VALUES (?, ?, ?)';
    this.#store.run(sql, accountKey(to), amount, utime);
  }

  /** Everything the genesis account has promised to pay, nanoTON, and in how many payments. */
  given(): { readonly sum: bigint; readonly count: number } {
    return {
      sum: this.#store.sum('SELECT sum(amount) FROM grants'),
      count: Number(this.#store.sum('SELECT count(*) FROM grants')),
    };
  }

  /** Counts every coin. Takes time with every account; nothing is written meanwhile. */
  audit(): Audit {
    let balances = 0n;
    for (const row of this.#store.each('SELECT state FROM accounts'))
      balances += readAccount(blob(row['state'])).balance;
    const fees = this.#store.sum('SELECT sum(fees) FROM transactions');
    const inTransit = this.#store.sum('SELECT sum(worth) FROM transit');
    return { supply: SUPPLY, balances, fees, inTransit, difference: SUPPLY - balances - fees - inTransit };
  }

  /** All that a block changes, in one transaction. @throws {DevnetError} `DEVNET_STORE`, and nothing is changed */
  write(draft: Draft): void {
    this.#store.transaction(() => this.#write(draft));
  }

  #write({ head, startLt, ...draft }: Draft): void {
    const store = this.#store;
    for (const [key, state] of draft.states) {
      const sql = 'INSERT INTO accounts VALUES (?1, ?2) ON CONFLICT(address) DO UPDATE SET state = ?2';
      store.run(sql, Buffer.from(key, 'hex'), state);
    }
    for (const { account, transaction, fees, createdLt } of draft.transactions) {
      const { lt, raw } = transaction;
      store.run('INSERT INTO transactions VALUES (?,?,?,?,?,?)', lt, account, raw.hash(), fees, createdLt, raw.toBoc());
    }
    for (const id of draft.taken) store.run('DELETE FROM inbox WHERE id = ?', id);
    for (const id of draft.delivered) store.run('DELETE FROM transit WHERE id = ?', id);
    for (const id of draft.stuck) store.run('UPDATE transit SET stuck = 1 WHERE id = ?', id);
    for (const { message, worth } of draft.sent) {
      store.run('INSERT INTO transit(message, worth) VALUES (?, ?)', message.toBoc(), worth);
    }
    this.#writeBlock({ ...head, startLt, size: draft.transactions.length });
    if (head.seqno % KEPT_EMPTY_BLOCKS === 0) {
      store.run('DELETE FROM blocks WHERE size = 0 AND seqno > 0 AND seqno < ?', head.seqno - KEPT_EMPTY_BLOCKS);
    }
  }

  #writeBlock({ seqno, utime, startLt, endLt, size, rootHash }: Block): void {
    this.#store.run('INSERT INTO blocks VALUES (?,?,?,?,?,?)', seqno, utime, startLt, endLt, size, rootHash);
  }
}

function readWaiting(row: Row): Waiting {
  return { id: integer(row['id']), message: readCell(blob(row['message']), MAX_CELL_BYTES) };
}

function readBlock(row: Row): Block {
  return {
    seqno: Number(integer(row['seqno'])),
    utime: Number(integer(row['utime'])),
    startLt: integer(row['start_lt']),
    endLt: integer(row['end_lt']),
    size: Number(integer(row['size'])),
    rootHash: blob(row['root_hash']),
  };
}

function readStored(row: Row): StoredTransaction {
  return {
    address: accountOf(blob(row['account'])),
    lt: integer(row['lt']),
    hash: blob(row['hash']),
    cell: blob(row['cell']),
  };
}
