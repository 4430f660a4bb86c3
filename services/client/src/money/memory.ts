/**
 * What the client's money must remember over a crash: `money.sqlite` in its data folder. A coin leaves the wallet only
 * after a row here says so; everything else is read from the chain.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type NanoTon, nanoTon } from '@bombyx/base';
import { makeFolder } from '@bombyx/config';
import { Address, type TransactionId } from '@bombyx/ton';
import { ClientError } from '../errors.ts';

/** Name of the file inside the client's data folder. */
export const MONEY_FILE = 'money.sqlite';
/** Proxy contracts met, closed accounts not counted. */
const MAX_ACCOUNTS = 1_024;
/** Days whose top-ups are remembered. */
const KEPT_DAYS = 32;
const LAYOUT = 1;
const PRAGMAS = 'PRAGMA busy_timeout=1000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS secrets(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS accounts(
    contract TEXT PRIMARY KEY, proxy TEXT NOT NULL, key BLOB NOT NULL, params_version INTEGER NOT NULL,
    outdated_since INTEGER NOT NULL DEFAULT 0, explained TEXT, fault TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS orders(
    contract TEXT PRIMARY KEY, query_id TEXT NOT NULL, amount TEXT NOT NULL, day TEXT NOT NULL,
    after_lt TEXT, after_hash BLOB) STRICT;
  CREATE TABLE IF NOT EXISTS days(day TEXT PRIMARY KEY, topped_up TEXT NOT NULL) STRICT;
`;

/** Why an account is not trusted any more; JSON-safe, no prompt and no answer in it. */
export interface Fault {
  /** Unix ms. */
  readonly atMs: number;
  readonly failures: readonly string[];
  /** Hex; empty where it is about a running total. */
  readonly requestId: string;
  /** Tokens the proxy claims, and the most that our requests explain; decimal. */
  readonly claimed: string;
  readonly explained: string;
  /** SHA-256 of the newest signed payment, hex; empty before the first. */
  readonly payment: string;
}

export interface AccountRecord {
  readonly contract: Address;
  readonly proxy: Address;
  /** 32 bytes. */
  readonly proxyPublicKey: Buffer;
  readonly paramsVersion: number;
  /** Unix seconds since when the root has newer parameters; 0: it has not. */
  readonly outdatedSinceSec: number;
  /** Running total that our requests explain at most; undefined before the proxy named its first. */
  readonly explained: bigint | undefined;
  readonly fault: Fault | undefined;
}

/** Coins on their way into a client contract. */
export interface TopUpOrder {
  readonly contract: Address;
  readonly queryId: bigint;
  readonly amount: NanoTon;
  /** UTC, `YYYY-MM-DD`: whose limit it counts against. */
  readonly day: string;
  /** Newest transaction of the contract before. */
  readonly after: TransactionId | undefined;
}

type Row = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

export class MoneyMemory implements Disposable {
  readonly #db: DatabaseSync;
  readonly #ceiling;

  /** @param folder made if need be; empty: nothing outlives the process @throws {ClientError} `CLIENT_CONFIG` */
  constructor(folder: string) {
    try {
      if (folder !== '') makeFolder(folder);
      this.#db = new DatabaseSync(folder === '' ? ':memory:' : join(folder, MONEY_FILE));
      this.#db.exec(PRAGMAS);
      const layout = Number(this.#db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
      if (layout > LAYOUT) throw new Error(`it was written by a newer version (layout ${layout})`);
      this.#db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version=${LAYOUT}; COMMIT;`);
      this.#ceiling = this.#db.prepare('UPDATE accounts SET explained = ? WHERE contract = ?');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ClientError('CLIENT_CONFIG', `cannot open ${MONEY_FILE} in "${folder}": ${reason}`, { cause });
    }
  }

  /** Drawn at the first call, and the same ever after. */
  secret(draw: () => Uint8Array): Buffer {
    this.#db.prepare("INSERT OR IGNORE INTO secrets VALUES('connection', ?)").run(draw());
    return Buffer.from(this.#db.prepare('SELECT value FROM secrets').get()?.['value'] as Uint8Array);
  }

  accounts(): AccountRecord[] {
    return (this.#db.prepare('SELECT * FROM accounts ORDER BY rowid').all() as Row[]).map(accountOf);
  }

  /** Keeps an account that is new. @throws {ClientError} `CLIENT_MONEY` when there are too many */
  keep({ contract, proxy, proxyPublicKey, paramsVersion }: AccountRecord): void {
    const count = Number(this.#db.prepare('SELECT count(*) AS n FROM accounts').get()?.['n']);
    if (count >= MAX_ACCOUNTS) throw new ClientError('CLIENT_MONEY', `${count} accounts at proxies are open already`);
    this.#together(() =>
      this.#db
        .prepare('INSERT OR IGNORE INTO accounts(contract, proxy, key, params_version) VALUES(?, ?, ?, ?)')
        .run(contract.toRawString(), proxy.toRawString(), proxyPublicKey, paramsVersion),
    );
  }

  forget(contract: Address): void {
    this.#together(() => this.#db.prepare('DELETE FROM accounts WHERE contract = ?').run(contract.toRawString()));
  }

  outdated(contract: Address, sinceSec: number): void {
    const write = this.#db.prepare('UPDATE accounts SET outdated_since = ? WHERE contract = ?');
    this.#together(() => write.run(sinceSec, contract.toRawString()));
  }

  explain(contract: Address, tokens: bigint): void {
    this.#together(() => this.#ceiling.run(tokens.toString(), contract.toRawString()));
  }

  /** @param fault undefined: the owner trusts the proxy again */
  blame(contract: Address, fault: Fault | undefined): void {
    const text = fault === undefined ? null : JSON.stringify(fault);
    const write = this.#db.prepare('UPDATE accounts SET fault = ? WHERE contract = ?');
    this.#together(() => write.run(text, contract.toRawString()));
  }

  orders(): TopUpOrder[] {
    return (this.#db.prepare('SELECT * FROM orders').all() as Row[]).map(orderOf);
  }

  /** NanoTON that were topped up, or may have been. */
  toppedUp(day: string): bigint {
    const row = this.#db.prepare('SELECT topped_up FROM days WHERE day = ?').get(day) as Row | undefined;
    return BigInt((row?.['topped_up'] as string | undefined) ?? '0');
  }

  /**
   * Counts a top-up against its day and remembers it until {@link finish}, both at once.
   * @returns false when the day's limit does not allow it: it must not be sent
   */
  begin(order: TopUpOrder, dayLimit: bigint): boolean {
    return this.#together(() => {
      const toppedUp = this.toppedUp(order.day) + order.amount;
      if (toppedUp > dayLimit) return false;
      this.#db
        .prepare('INSERT INTO orders VALUES(?, ?, ?, ?, ?, ?)')
        .run(
          order.contract.toRawString(),
          order.queryId.toString(),
          order.amount.toString(),
          order.day,
          order.after === undefined ? null : order.after.lt.toString(),
          order.after === undefined ? null : order.after.hash,
        );
      this.#writeDay(order.day, toppedUp);
      this.#db
        .prepare('DELETE FROM days WHERE day NOT IN (SELECT day FROM days ORDER BY day DESC LIMIT ?)')
        .run(KEPT_DAYS);
      return true;
    });
  }

  /** @param landed false: it has not arrived and never will, so that it counts against no day */
  finish({ contract, day, amount }: TopUpOrder, landed: boolean): void {
    this.#together(() => {
      const { changes } = this.#db.prepare('DELETE FROM orders WHERE contract = ?').run(contract.toRawString());
      if (!landed && changes === 1) this.#writeDay(day, this.toppedUp(day) - amount);
    });
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #writeDay(day: string, amount: bigint): void {
    this.#db
      .prepare('INSERT INTO days VALUES(?, ?) ON CONFLICT(day) DO UPDATE SET topped_up = excluded.topped_up')
      .run(day, (amount > 0n ? amount : 0n).toString());
  }

  /** All or nothing, and durable when it returns. @throws {ClientError} `CLIENT_MONEY` */
  #together<T>(work: () => T): T {
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#db.exec('COMMIT');
        return result;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ClientError('CLIENT_MONEY', `the memory of payments cannot be written: ${reason}`, { cause });
    }
  }
}

function accountOf(row: Row): AccountRecord {
  const explained = row['explained'] as string | null;
  const fault = row['fault'] as string | null;
  return {
    contract: Address.parseRaw(row['contract'] as string),
    proxy: Address.parseRaw(row['proxy'] as string),
    proxyPublicKey: Buffer.from(row['key'] as Uint8Array),
    paramsVersion: Number(row['params_version']),
    outdatedSinceSec: Number(row['outdated_since']),
    explained: explained === null ? undefined : BigInt(explained),
    fault: fault === null ? undefined : (JSON.parse(fault) as Fault),
  };
}

function orderOf(row: Row): TopUpOrder {
  const lt = row['after_lt'] as string | null;
  return {
    contract: Address.parseRaw(row['contract'] as string),
    queryId: BigInt(row['query_id'] as string),
    amount: nanoTon(BigInt(row['amount'] as string)),
    day: row['day'] as string,
    after: lt === null ? undefined : { lt: BigInt(lt), hash: Buffer.from(row['after_hash'] as Uint8Array) },
  };
}
