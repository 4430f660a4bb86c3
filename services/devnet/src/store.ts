/**
 * The chain on disk: one SQLite file (WAL, `synchronous=FULL`, one process). Whatever a block changes is written in one
 * transaction, so after a kill at any instant the file holds whole blocks and every message that was acknowledged.
 */
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { makeFolder } from '@bombyx/config';
import { DevnetError } from './errors.ts';

const PRAGMAS = `PRAGMA page_size=4096; PRAGMA busy_timeout=2000; PRAGMA locking_mode=EXCLUSIVE;
  PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;`;

/**
 * Logical times are unique on the whole chain, so a transaction is known by its own and the transactions of a block are
 * a range of them. `fees`: what left circulation with it, nanoTON. `created_lt`: of the internal message it received.
 * `inbox`: external messages that were acknowledged and have not run. `transit`: internal messages sent and not
 * delivered; `stuck` once the executor refused one.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS accounts(address BLOB PRIMARY KEY, state BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS transactions(
    lt INTEGER PRIMARY KEY, account BLOB NOT NULL, hash BLOB NOT NULL, fees INTEGER NOT NULL, created_lt INTEGER,
    cell BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS by_account ON transactions(account);
  CREATE INDEX IF NOT EXISTS by_message ON transactions(created_lt) WHERE created_lt IS NOT NULL;
  CREATE TABLE IF NOT EXISTS blocks(
    seqno INTEGER PRIMARY KEY, utime INTEGER NOT NULL, start_lt INTEGER NOT NULL, end_lt INTEGER NOT NULL,
    size INTEGER NOT NULL, root_hash BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS inbox(
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, message BLOB NOT NULL, given INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS transit(
    id INTEGER PRIMARY KEY AUTOINCREMENT, message BLOB NOT NULL, worth INTEGER NOT NULL, stuck INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS grants(
    id INTEGER PRIMARY KEY AUTOINCREMENT, address BLOB NOT NULL, amount INTEGER NOT NULL, utime INTEGER NOT NULL);
`;
/** Layout of the file; a newer one is refused. */
const LAYOUT = 1;

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** Prepared statements over one file; every integer is read as a bigint. */
export class Store implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #closed = false;

  /** @param path `:memory:` keeps nothing @throws {DevnetError} `DEVNET_STORE` with a sentence that names the file */
  constructor(path: string) {
    try {
      if (path !== ':memory:') makeFolder(dirname(path));
      this.#db = new DatabaseSync(path);
      this.#db.exec(PRAGMAS);
      const layout = Number(this.#db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
      if (layout > LAYOUT) throw new Error(`it was written by a newer version (layout ${layout})`);
      this.#db.exec(`${SCHEMA} PRAGMA user_version=${LAYOUT};`);
    } catch (cause) {
      throw refusal(`cannot open the database ${path}`, cause);
    }
  }

  /** All of `work` or nothing of it. @throws {DevnetError} `DEVNET_STORE`, `DEVNET_CLOSED`; what `work` throws on purpose */
  transaction<T>(work: () => T): T {
    this.run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.run('COMMIT');
      return result;
    } catch (error) {
      try {
        this.run('ROLLBACK');
      } catch {} // SQLite has rolled back by itself: a full disk, a failed commit
      throw error;
    }
  }

  run(sql: string, ...values: SQLInputValue[]): number | bigint {
    return this.#guarded(sql, (statement) => statement.run(...values).changes);
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guarded(sql, (statement) => statement.get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#guarded(sql, (statement) => statement.all(...values));
  }

  /** Rows one after the other, for tables of any size. Nothing else may be written meanwhile. */
  each(sql: string): Iterable<Row> {
    return this.#guarded(sql, (statement) => statement.iterate());
  }

  /** The one integer of a row, 0 when there is none. */
  sum(sql: string, ...values: SQLInputValue[]): bigint {
    const value = Object.values(this.get(sql, ...values) ?? {})[0];
    return typeof value === 'bigint' ? value : 0n;
  }

  meta(name: string): Buffer | undefined {
    const row = this.get('SELECT value FROM meta WHERE name = ?', name);
    return row && blob(row['value']);
  }

  setMeta(name: string, value: Uint8Array): void {
    this.run('INSERT INTO meta VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2', name, value);
  }

  /** Bounds the file to so many pages of 4 KiB: what is above is a full disk. SQLite keeps at least what is there. */
  limitPages(pages: number): void {
    this.#db.exec(`PRAGMA max_page_count=${Math.max(1, Math.floor(pages))}`);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    this.#db.close();
  }

  #guarded<T>(sql: string, work: (statement: StatementSync) => T): T {
    if (this.#closed) throw new DevnetError('DEVNET_CLOSED', 'the chain is closed');
    try {
      let statement = this.#statements.get(sql);
      if (!statement) {
        statement = this.#db.prepare(sql);
        statement.setReadBigInts(true);
        this.#statements.set(sql, statement);
      }
      return work(statement);
    } catch (cause) {
      throw refusal('the database refused', cause);
    }
  }
}

/** A column that holds bytes. */
export function blob(value: SQLOutputValue | undefined): Buffer {
  if (!(value instanceof Uint8Array)) throw new TypeError('a column that should hold bytes does not');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** A column that holds an integer. */
export function integer(value: SQLOutputValue | undefined): bigint {
  if (typeof value !== 'bigint') throw new TypeError('a column that should hold an integer does not');
  return value;
}

function refusal(what: string, cause: unknown): DevnetError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DevnetError('DEVNET_STORE', `${what}: ${why}`, {}, { cause });
}
