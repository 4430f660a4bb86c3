/**
 * Sees to it that one process alone keeps accounts in a file. The lock is SQLite's own, on a file beside it: the system
 * takes it back when the process dies, however it dies.
 */
import { DatabaseSync } from 'node:sqlite';
import { KeyError } from './key-errors.ts';

/** @throws {KeyError} `KEY_IN_USE` when another process has it, `KEY_FILE` */
export function lockFor(path: string): Disposable {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(`${path}.lock`);
    db.exec('PRAGMA busy_timeout=1000; BEGIN EXCLUSIVE'); // never committed: it ends with the connection
  } catch (cause) {
    db?.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    if (why.includes('locked')) {
      throw new KeyError('KEY_IN_USE', `another gateway uses ${path}: give each its own data_dir`, {}, { cause });
    }
    throw new KeyError('KEY_FILE', `cannot lock ${path}: ${why}`, {}, { cause });
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}
