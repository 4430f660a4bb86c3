/**
 * The file of API keys: `keys.sqlite` in the client's data folder. The gateway keeps the accounts in it, and
 * `bombyx keys` makes and revokes keys, at the same time if need be; each writes columns of its own.
 * Of a key only its SHA-256 is kept: 32 random bytes cannot be guessed from it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type NanoTon, nanoTon } from '@bombyx/base';
import type { Books, Caps } from './key-account.ts';
import { KeyError } from './key-errors.ts';

/** Name of the file inside the client's data folder. */
export const KEYS_FILE = 'keys.sqlite';
/** Revoked ones among them, because of what they spent. */
const MAX_KEYS = 10_000;
/** Of every key. */
export const PREFIX = 'bxk_';
const SECRET_BYTES = 32;
/** How much of a key may be shown: enough to tell keys apart, 208 bits short of knowing one. */
const SHOWN_CHARACTERS = 8;
const NAME = /^(?=\S)[^\p{C}\p{Zl}\p{Zp}]{1,64}(?<=\S)$/u;

export interface KeyRecord {
  readonly id: number;
  readonly name: string;
  /** The first 8 characters behind `bxk_`. */
  readonly prefix: string;
  /** SHA-256 of the whole key, in hex. */
  readonly hash: string;
  readonly caps: Caps;
  /** Unix ms. */
  readonly createdMs: number;
  readonly revokedMs: number | undefined;
  readonly books: Books;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS keys(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, prefix TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, cap_total TEXT, cap_day TEXT,
    created_ms INTEGER NOT NULL, revoked_ms INTEGER,
    spent_total TEXT NOT NULL DEFAULT '0', day TEXT NOT NULL DEFAULT '', spent_day TEXT NOT NULL DEFAULT '0',
    held TEXT NOT NULL DEFAULT '0');
  CREATE UNIQUE INDEX IF NOT EXISTS keys_in_use ON keys(name) WHERE revoked_ms IS NULL;
`;
/** Amounts are decimal text: the most that a request may cost can be above 64 bits. */
const PRAGMAS = 'PRAGMA busy_timeout=1000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;';
/** Layout of the file; a newer one is refused. */
const LAYOUT = 1;

export function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export class KeyStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #version: StatementSync;
  readonly #writeBooks: StatementSync;

  /** @param path in a folder that exists @throws {KeyError} `KEY_FILE` with a sentence that names the file */
  constructor(path: string) {
    try {
      this.#db = new DatabaseSync(path);
      this.#db.exec(PRAGMAS);
      const layout = Number(this.#db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
      if (layout > LAYOUT) throw new Error(`it was written by a newer version (layout ${layout})`);
      this.#db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version=${LAYOUT}; COMMIT;`);
    } catch (cause) {
      throw fileError(`cannot open the API keys ${path}`, cause);
    }
    this.#version = this.#db.prepare('PRAGMA data_version');
    this.#writeBooks = this.#db.prepare(
      'UPDATE keys SET spent_total = ?, day = ?, spent_day = ?, held = ? WHERE id = ?',
    );
  }

  /**
   * @returns the record, and the key itself, which is nowhere else
   * @throws {KeyError} `KEY_NAME`, `KEY_LIMIT`, `KEY_FILE`
   */
  create(name: string, caps: Caps, nowMs: number): { readonly record: KeyRecord; readonly key: string } {
    if (!NAME.test(name)) throw new KeyError('KEY_NAME', 'a name has 1 to 64 visible characters');
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const key = PREFIX + secret;
    return this.#change(() => {
      const count = Number(this.#db.prepare('SELECT count(*) AS count FROM keys').get()?.['count']);
      if (count >= MAX_KEYS) throw new KeyError('KEY_LIMIT', `there are ${count} keys, and no more are kept`);
      if (this.#db.prepare('SELECT 1 FROM keys WHERE name = ? AND revoked_ms IS NULL').get(name)) {
        throw new KeyError('KEY_NAME', `there is a key "${name}" already: revoke it first, or choose another name`);
      }
      const { lastInsertRowid } = this.#db
        .prepare('INSERT INTO keys(name, prefix, hash, cap_total, cap_day, created_ms) VALUES (?,?,?,?,?,?)')
        .run(name, secret.slice(0, SHOWN_CHARACTERS), hashOf(key), textOf(caps.total), textOf(caps.day), nowMs);
      return { record: this.#record(Number(lastInsertRowid)), key };
    });
  }

  /**
   * @param which the name of a key in use, or its prefix with or without `bxk_`, or the key itself
   * @throws {KeyError} `KEY_UNKNOWN`, `KEY_FILE`
   */
  revoke(which: string, nowMs: number): KeyRecord {
    const prefix = which.startsWith(PREFIX) ? which.slice(PREFIX.length) : which;
    return this.#change(() => {
      const found = this.#db
        .prepare(
          'SELECT id FROM keys WHERE revoked_ms IS NULL AND (name = ?1 OR prefix = ?2 OR hash = ?3) ORDER BY name = ?1 DESC',
        )
        .get(which, prefix, hashOf(which));
      if (!found) throw new KeyError('KEY_UNKNOWN', 'no key in use has this name or prefix'); // it may be a key: not shown
      this.#db.prepare('UPDATE keys SET revoked_ms = ? WHERE id = ?').run(nowMs, found['id']!);
      return this.#record(Number(found['id']));
    });
  }

  /** All keys, revoked ones too, oldest first. @throws {KeyError} `KEY_FILE` */
  list(): KeyRecord[] {
    try {
      return this.#db.prepare('SELECT * FROM keys ORDER BY id').all().map(readRecord);
    } catch (cause) {
      throw fileError('cannot read the API keys', cause);
    }
  }

  /** A number that changes when another connection has changed the file. Costs microseconds. */
  get version(): number {
    return Number(this.#version.get()?.['data_version']);
  }

  /** Makes accounts durable, all or none. @throws what SQLite says */
  write(accounts: Iterable<{ readonly id: number; readonly books: Books }>): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const { id, books } of accounts) {
        const { spentTotal, day, spentDay, held } = books;
        this.#writeBooks.run(spentTotal.toString(), day, spentDay.toString(), held.toString(), id);
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #record(id: number): KeyRecord {
    return readRecord(this.#db.prepare('SELECT * FROM keys WHERE id = ?').get(id)!); // written in this transaction
  }

  #change<T>(work: () => T): T {
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw cause instanceof KeyError ? cause : fileError('cannot change the API keys', cause);
    }
  }
}

function readRecord(row: Readonly<Record<string, unknown>>): KeyRecord {
  const amount = (name: string) => BigInt(String(row[name]));
  const cap = (name: string): NanoTon | undefined => (row[name] === null ? undefined : nanoTon(amount(name)));
  return {
    id: Number(row['id']),
    name: String(row['name']),
    prefix: String(row['prefix']),
    hash: String(row['hash']),
    caps: { total: cap('cap_total'), day: cap('cap_day') },
    createdMs: Number(row['created_ms']),
    revokedMs: row['revoked_ms'] === null ? undefined : Number(row['revoked_ms']),
    books: {
      spentTotal: amount('spent_total'),
      day: String(row['day']),
      spentDay: amount('spent_day'),
      held: amount('held'),
    },
  };
}

function textOf(cap: NanoTon | undefined): string | null {
  return cap === undefined ? null : cap.toString();
}

function fileError(what: string, cause: unknown): KeyError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KeyError('KEY_FILE', `${what}: ${why}`, {}, { cause });
}
