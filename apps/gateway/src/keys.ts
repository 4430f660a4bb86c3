/**
 * API keys at work: who may ask, and how much. What a request may cost is on disk before it is sent, and what it cost is
 * on disk before its answer ends, so that neither many requests at once nor a crash at any instant gets past a cap:
 * what was held when a process died counts as spent at the next start.
 * Writes that come up in one turn of the event loop share one commit.
 */
import { type Clock, formatTon, type Logger } from '@bombyx/base';
import { GatewayError } from './errors.ts';
import { afterCrash, type Books, type Caps, hold, onDay, type Shortage, settle, shortageOf } from './key-account.ts';
import { lockFor } from './key-lock.ts';
import { hashOf, type KeyRecord, KeyStore, PREFIX } from './key-store.ts';

/** A key in use. */
export interface Key {
  readonly id: number;
  readonly name: string;
}

/** What one request may cost at one proxy, set aside. */
export interface Hold {
  /** nanoTON. */
  readonly most: bigint;
  /**
   * The request is over there. Only the first call counts.
   * @param cost nanoTON; undefined: nobody will ever know, so that all that was held is spent. A bill outside of what
   *   was held is the proxy's mistake, and counts as all that was held
   * @returns when it is on disk @throws {GatewayError} `GATEWAY_KEYS_UNAVAILABLE` when it could not be written in time
   */
  settle(cost: bigint | undefined): Promise<void>;
}

export interface KeysOptions {
  /** The file; see {@link KeyStore}. */
  readonly path: string;
  /** Requests need a key even before there is one. */
  readonly required: boolean;
}

export interface KeysDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** How soon the first key is noticed by those who show none; a key that was revoked is refused at once. */
const LOOK_MS = 1_000;
/** Until a disk that refused is tried again. */
const RETRY_MS = 1_000;
const BEARER = /^Bearer +(bxk_[\w-]{43})$/i;

interface Account extends Key {
  caps: Caps;
  books: Books;
}

interface Waiter {
  resolve(): void;
  reject(error: GatewayError): void;
}

export class Keys implements Disposable {
  readonly #deps: KeysDeps;
  readonly #lock: Disposable;
  readonly #store: KeyStore;
  readonly #accounts = new Map<number, Account>();
  #byHash = new Map<string, Account>();
  #required: boolean;
  #version: number;
  /** Accounts whose books differ from the file. */
  readonly #dirty = new Set<Account>();
  #waiters: Waiter[] = [];
  #scheduled = false;
  #cancelLook: () => void;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  /** @throws {KeyError} `KEY_FILE`, `KEY_IN_USE` */
  constructor(options: KeysOptions, deps: KeysDeps) {
    this.#deps = deps;
    this.#required = options.required;
    this.#lock = lockFor(options.path);
    try {
      this.#store = new KeyStore(options.path);
      this.#version = this.#store.version;
      this.#load(true);
      this.#write();
    } catch (error) {
      this.#lock[Symbol.dispose]();
      throw error;
    }
    this.#cancelLook = deps.clock.after(LOOK_MS, () => this.#look());
  }

  /**
   * Whether a request needs a key: always so once there was one, also when all of them are revoked.
   * @param authorization the header of that name: who shows a key has one, though it may be too new to be known
   */
  asks(authorization: string | undefined): boolean {
    if (this.#required || authorization?.includes(PREFIX) !== true) return this.#required;
    this.#refresh();
    return this.#required;
  }

  /**
   * @param authorization the header of that name
   * @throws {GatewayError} `GATEWAY_INVALID_API_KEY`
   */
  authenticate(authorization: string | undefined): Key {
    this.#refresh();
    const [, key] = BEARER.exec(authorization ?? '') ?? [];
    const account = key === undefined ? undefined : this.#byHash.get(hashOf(key));
    if (account) return account;
    throw new GatewayError(
      'GATEWAY_INVALID_API_KEY',
      key === undefined
        ? 'this gateway needs an API key: send "Authorization: Bearer bxk_…"; "bombyx keys create" makes one'
        : 'this API key is wrong or was revoked',
    );
  }

  /**
   * Sets `most` nanoTON aside; when this resolves that is on disk.
   * @throws {GatewayError} `GATEWAY_INSUFFICIENT_QUOTA`, `GATEWAY_KEYS_UNAVAILABLE`
   */
  async hold(key: Key, most: bigint): Promise<Hold> {
    const held = this.#hold(key, most);
    try {
      await this.#written();
    } catch (error) {
      held.settle(0n).catch(ignore);
      throw error;
    }
    return held;
  }

  /** As {@link hold} for whoever cannot wait: writes at once. */
  holdNow(key: Key, most: bigint): Hold {
    const held = this.#hold(key, most);
    try {
      this.#write();
    } catch (error) {
      held.settle(0n).catch(ignore);
      throw unavailable(error);
    }
    return held;
  }

  /** Writes what waits. Requests that are still running count as spent at the next start. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#cancelLook();
    this.#cancelRetry?.();
    this.#store[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }

  #hold(key: Key, most: bigint): Hold {
    const account = this.#accounts.get(key.id)!; // accounts are never taken out
    const { clock } = this.#deps;
    const today = () => new Date(clock.nowMs()).toISOString().slice(0, 10);
    const books = onDay(account.books, today());
    const shortage = shortageOf(books, account.caps, most);
    if (shortage) throw quotaError(shortage, most, books.day);
    this.#change(account, hold(books, most));
    let settled: Promise<void> | undefined;
    return {
      most,
      settle: (cost = most) => {
        if (settled) return settled;
        const charged = cost < most && cost >= 0n ? cost : most;
        this.#change(account, settle(onDay(account.books, today()), most, charged));
        settled = this.#written();
        settled.catch(ignore); // whoever needs to know awaits it
        return settled;
      },
    };
  }

  #change(account: Account, books: Books): void {
    account.books = books;
    this.#dirty.add(account);
  }

  /** Resolves when all that was changed so far is on disk. */
  #written(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(unavailable(new Error('the gateway is closing')));
      this.#waiters.push({ resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    try {
      this.#write();
    } catch (error) {
      this.#deps.log.error('the spending of API keys cannot be written', { cause: reasonOf(error) });
      this.#cancelRetry ??= this.#deps.clock.after(RETRY_MS, () => {
        this.#cancelRetry = undefined;
        this.#flush();
      });
      for (const waiter of waiters) waiter.reject(unavailable(error));
      return;
    }
    for (const waiter of waiters) waiter.resolve();
  }

  /** @throws what SQLite says; what it did not take stays to be written */
  #write(): void {
    if (this.#dirty.size === 0) return;
    this.#store.write(this.#dirty);
    this.#dirty.clear();
  }

  #look(): void {
    this.#cancelLook = this.#deps.clock.after(LOOK_MS, () => this.#look());
    this.#refresh();
  }

  /** Takes over what `bombyx keys` changed. While the file cannot be read, what was known holds. */
  #refresh(): void {
    try {
      const { version } = this.#store;
      if (version === this.#version) return;
      this.#load(false);
      this.#version = version;
    } catch (error) {
      this.#deps.log.error('the API keys cannot be read', { cause: reasonOf(error) });
    }
  }

  /** @param first the file may be what a crash left */
  #load(first: boolean): void {
    const records = this.#store.list();
    const today = new Date(this.#deps.clock.nowMs()).toISOString().slice(0, 10);
    this.#byHash = new Map();
    for (const record of records) {
      const account = this.#accountOf(record);
      if (first && account.books.held > 0n) this.#change(account, afterCrash(account.books, today));
      if (record.revokedMs === undefined) this.#byHash.set(record.hash, account);
    }
    if (records.length > 0) this.#required = true;
  }

  /** This process alone changes books, so those in memory are the newest. */
  #accountOf({ id, name, caps, books }: KeyRecord): Account {
    const known = this.#accounts.get(id);
    if (known) return known;
    const account: Account = { id, name, caps, books };
    this.#accounts.set(id, account);
    return account;
  }
}

/** Which cap, how much of it is left, and when there will be more. */
function quotaError({ cap, limit, left, held }: Shortage, most: bigint, day: string): GatewayError {
  const which = cap === 'day' ? `${formatTon(limit)} TON a day` : `${formatTon(limit)} TON in total`;
  const running = held > 0n ? ` (${formatTon(held)} TON are held for running requests)` : '';
  const resets =
    cap === 'day'
      ? `it resets at ${new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`
      : 'it does not reset: use another key';
  return new GatewayError(
    'GATEWAY_INSUFFICIENT_QUOTA',
    `this API key may spend ${which} and has ${formatTon(left)} TON left${running}, but the request may cost up to ` +
      `${formatTon(most)} TON; ${resets}. A smaller max_tokens or max_coefficient makes a request cheaper`,
  );
}

function unavailable(cause: unknown): GatewayError {
  return new GatewayError('GATEWAY_KEYS_UNAVAILABLE', 'the spending of this API key cannot be recorded now', {
    retryAfterMs: RETRY_MS,
    cause,
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function ignore(): void {}
