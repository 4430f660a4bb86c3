/**
 * The file of the books: sealed records in order, and now and then a snapshot that stands for all before it.
 *
 * Each record is encrypted and bound to its number and to the record before it (AES-256-GCM; key by HKDF from the
 * machine key), so that whoever has the disk can neither read, swap, change nor take out one. What he can do is put
 * back an older file as a whole: that is what commits on the chain are for.
 *
 * One SQLite file (WAL, `synchronous=FULL`), one row and one flush an append. Commits run on the main thread on purpose:
 * through a worker thread they took twice as long, and while one runs the next group gathers in the socket buffers.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RandomPool } from '@bombyx/base';
import { makeFolder } from '@bombyx/config';
import { diskReason, ProxyError } from './errors.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS snapshot(id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, body BLOB NOT NULL);
`;
/** One process owns the file: a second proxy on it is refused, and an append needs no lock calls. */
const PRAGMAS = `PRAGMA page_size=1024; PRAGMA busy_timeout=2000; PRAGMA locking_mode=EXCLUSIVE;
  PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;`;
/** Layout of the file; a newer one is refused. */
const LAYOUT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What the first record follows. */
const GENESIS_TAG = Buffer.alloc(TAG_BYTES);

export interface JournalOptions {
  /** File name; `:memory:` is for tests that need no disk. */
  readonly path: string;
  /** 32 bytes that only this proxy has. */
  readonly key: Uint8Array;
  /** Records that stay after a snapshot has made them unnecessary, for whoever audits. */
  readonly keepRecords: number;
}

export interface JournalRecord {
  /** 1, 2, 3, … without a gap. */
  readonly seq: number;
  readonly text: string;
}

export class Journal implements Disposable {
  readonly #db: DatabaseSync;
  readonly #key: KeyObject;
  readonly #random = new RandomPool({ bytes: randomBytes });
  readonly #keep: number;
  readonly #insert: StatementSync;
  #seq = 0;
  #tag: Buffer = GENESIS_TAG;

  /** @throws {ProxyError} `PROXY_STORE` with a sentence that names the file */
  constructor({ path, key, keepRecords }: JournalOptions) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', key, 'bombyx', 'proxy journal 1', 32)));
    this.#keep = keepRecords;
    try {
      if (path !== ':memory:') makeFolder(dirname(path));
      this.#db = new DatabaseSync(path);
      this.#db.exec(PRAGMAS);
      const layout = Number(this.#db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
      if (layout > LAYOUT) throw new Error(`it was written by a newer version (layout ${layout})`);
      this.#db.exec(`${SCHEMA} PRAGMA user_version=${LAYOUT};`);
      this.#insert = this.#db.prepare('INSERT INTO records VALUES (?,?)');
    } catch (cause) {
      throw new ProxyError('PROXY_STORE', `cannot open the database ${path}: ${diskReason(cause)}`, {}, { cause });
    }
  }

  /** Number of the newest record. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * Reads everything that counts: before the first append, and again by whoever audits.
   * @throws {ProxyError} `PROXY_STORE_DAMAGED`: the file was changed by somebody, belongs to another key, or lost parts
   */
  read(): { readonly snapshot: string | undefined; readonly records: readonly JournalRecord[] } {
    const kept = this.#db.prepare('SELECT seq, body FROM snapshot').get() as Row | undefined;
    let snapshot: string | undefined;
    this.#seq = 0;
    this.#tag = GENESIS_TAG;
    if (kept) {
      const { text, tag } = JSON.parse(this.#unseal('snapshot', kept, GENESIS_TAG)) as { text: string; tag: string };
      snapshot = text;
      this.#seq = kept.seq;
      this.#tag = Buffer.from(tag, 'hex');
    }
    const records: JournalRecord[] = [];
    const rows = this.#db.prepare('SELECT seq, body FROM records WHERE seq > ? ORDER BY seq').iterate(this.#seq);
    for (const row of rows as Iterable<Row>) {
      if (row.seq !== this.#seq + 1) throw damaged(`record ${this.#seq + 1} is missing`, row.seq);
      records.push({ seq: row.seq, text: this.#unseal('record', row, this.#tag) });
      this.#seq = row.seq;
      this.#tag = tagOf(row.body);
    }
    return { snapshot, records };
  }

  /**
   * Writes one record; when this returns it is on disk.
   * @returns its number
   * @throws {ProxyError} `PROXY_STORE` when the disk refused: nothing of it is kept
   */
  append(text: string): number {
    const seq = this.#seq + 1;
    const body = this.#seal('record', seq, this.#tag, text);
    try {
      this.#insert.run(seq, body);
    } catch (cause) {
      throw new ProxyError('PROXY_STORE', `the books could not be written: ${diskReason(cause)}`, {}, { cause });
    }
    this.#seq = seq;
    this.#tag = tagOf(body);
    return seq;
  }

  /** Lets `text` stand for all records so far, and drops those nobody needs. @throws {ProxyError} `PROXY_STORE` */
  replace(text: string): void {
    const sealed = JSON.stringify({ text, tag: this.#tag.toString('hex') });
    const body = this.#seal('snapshot', this.#seq, GENESIS_TAG, sealed);
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      this.#db.prepare('INSERT OR REPLACE INTO snapshot VALUES (1,?,?)').run(this.#seq, body);
      this.#db.prepare('DELETE FROM records WHERE seq <= ?').run(this.#seq - this.#keep);
      this.#db.exec('COMMIT');
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw new ProxyError('PROXY_STORE', `the books could not be condensed: ${diskReason(cause)}`, {}, { cause });
    }
  }

  /** Bounds the file to so many pages of 1 KiB: what is above is a full disk. SQLite keeps at least what is there. */
  limitPages(pages: number): void {
    this.#db.exec(`PRAGMA max_page_count=${Math.max(1, Math.floor(pages))}`);
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #seal(kind: Kind, seq: number, before: Buffer, text: string): Buffer {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(bindingOf(kind, seq, before));
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  #unseal(kind: Kind, { seq, body }: Row, before: Buffer): string {
    // SQLite columns hold whatever somebody puts there.
    if (!(body instanceof Uint8Array) || body.length < NONCE_BYTES + TAG_BYTES)
      throw damaged(`${kind} ${seq} is cut short`, seq);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, body.subarray(0, NONCE_BYTES))
      .setAAD(bindingOf(kind, seq, before))
      .setAuthTag(tagOf(body));
    try {
      const sealed = body.subarray(NONCE_BYTES, body.length - TAG_BYTES);
      return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw damaged(`${kind} ${seq} is not what this proxy wrote there`, seq, cause);
    }
  }
}

type Kind = 'record' | 'snapshot';

interface Row {
  readonly seq: number;
  readonly body: Uint8Array;
}

function bindingOf(kind: Kind, seq: number, before: Buffer): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(seq));
  return Buffer.concat([Buffer.from(kind), number, before]);
}

function tagOf(body: Uint8Array): Buffer {
  return Buffer.from(body.subarray(body.length - TAG_BYTES));
}

function damaged(what: string, seq: number, cause?: unknown): ProxyError {
  return new ProxyError(
    'PROXY_STORE_DAMAGED',
    `the books are damaged: ${what}. Restore the newest copy of the data folder; do not start from an empty one`,
    { seq },
    { cause },
  );
}
