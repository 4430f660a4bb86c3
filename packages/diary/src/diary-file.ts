/** The diary's SQLite file: one line a day, model and party. Sums are decimal text, because SQLite's own end at 64 bits. */
import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DiaryError } from './errors.ts';
import { type Group, MEASURES, sum, type Usage } from './usage.ts';

export type Line = Group & Usage;

const SCHEMA = `CREATE TABLE IF NOT EXISTS usage(day TEXT NOT NULL, model TEXT NOT NULL, party TEXT NOT NULL,
  ${MEASURES.map((name) => `${name} TEXT NOT NULL`).join(', ')}, PRIMARY KEY(day, model, party)) WITHOUT ROWID;`;
/** Other processes may read meanwhile. A commit need not survive a power cut: this is a report. */
const PRAGMAS = 'PRAGMA busy_timeout=1000; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;';
/** Layout of the file; a newer one is refused. */
const LAYOUT = 1;

/** Whoever keeps the diary: one process. */
export class DiaryFile implements Disposable {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;

  /** @throws {DiaryError} `DIARY_FILE` with a sentence that names the file */
  constructor(path: string) {
    this.#db = opened(path, () => {
      const db = new DatabaseSync(path);
      db.exec(PRAGMAS);
      checkLayout(db);
      db.exec(`${SCHEMA} PRAGMA user_version=${LAYOUT};`);
      return db;
    });
    this.#get = this.#db.prepare('SELECT * FROM usage WHERE day = ? AND model = ? AND party = ?');
    this.#put = this.#db.prepare(`INSERT OR REPLACE INTO usage VALUES (?,?,?${',?'.repeat(MEASURES.length)})`);
  }

  /** Adds all of `lines` or, when the disk refuses, none. @throws what SQLite says */
  add(lines: Iterable<Line>): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const line of lines) {
        const { day, model, party } = line;
        const known = this.#get.get(day, model, party);
        const now = known ? sum(readLine(known), line) : line;
        this.#put.run(day, model, party, ...MEASURES.map((name) => String(now[name])));
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  lines(): Iterable<Line> {
    return linesOf(this.#db);
  }

  /** Bounds the file to so many pages of 4 KiB: what is above is a full disk. */
  limitPages(pages: number): void {
    this.#db.exec(`PRAGMA max_page_count=${Math.max(1, Math.floor(pages))}`);
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** For another process than the one that keeps it. @returns nothing when there is no file yet @throws {DiaryError} `DIARY_FILE` */
export function readLines(path: string): Line[] {
  if (!existsSync(path)) return [];
  return opened(path, () => {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      db.exec('PRAGMA busy_timeout=1000');
      checkLayout(db);
      return [...linesOf(db)];
    } finally {
      db.close();
    }
  });
}

function* linesOf(db: DatabaseSync): Iterable<Line> {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'usage'").get()) return; // made, and nothing written yet
  for (const row of db.prepare('SELECT * FROM usage').iterate()) yield readLine(row);
}

function readLine(row: Readonly<Record<string, unknown>>): Line {
  const number = (name: (typeof MEASURES)[number]) => BigInt(String(row[name]));
  return {
    day: String(row['day']),
    model: String(row['model']),
    party: String(row['party']),
    requests: number('requests'),
    prompt: number('prompt'),
    cached: number('cached'),
    completion: number('completion'),
    reasoning: number('reasoning'),
    total: number('total'),
    nanoTon: number('nanoTon'),
  };
}

function checkLayout(db: DatabaseSync): void {
  const layout = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (layout > LAYOUT) throw new Error(`it was written by a newer version (layout ${layout})`);
}

function opened<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DiaryError('DIARY_FILE', `cannot open the diary ${path}: ${why}`, {}, { cause });
  }
}
