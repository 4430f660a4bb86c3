/**
 * Writes facts down, and only then lets them count. Facts that come while a flush is prepared share it (group commit):
 * alone a charge does not wait, under load one flush carries many.
 */
import type { Clock } from '@bombyx/base';
import { Books, type BooksState, type LedgerEvent, readEvents, writeEvents } from '@bombyx/ledger';
import { ProxyError } from './errors.ts';
import { Journal } from './journal.ts';

export interface BookkeeperOptions {
  /** File name; `:memory:` is for tests that need no disk. */
  readonly path: string;
  /** 32 bytes that only this proxy has: the seed of its machine key. */
  readonly key: Uint8Array;
  /** There is no chain to commit to: what is on disk counts as committed. */
  readonly withoutChain?: boolean;
  /**
   * How long a group may gather, asked each time one starts: undefined = not at all, 0 = until the end of this turn of
   * the event loop.
   */
  readonly gatherMs?: () => number | undefined;
  /** Records after which a snapshot is taken. */
  readonly snapshotEvery?: number;
  /** Records kept behind a snapshot, for audits. */
  readonly keepRecords?: number;
}

const SNAPSHOT_EVERY = 10_000;
const KEEP_RECORDS = 100_000;

interface Pending {
  readonly events: readonly LedgerEvent[];
  resolve(): void;
  reject(error: unknown): void;
}

export class Bookkeeper implements Disposable {
  readonly #journal: Journal;
  readonly #books: Books;
  readonly #clock: Clock;
  readonly #gatherMs: () => number | undefined;
  readonly #snapshotEvery: number;
  readonly #withoutChain: boolean;
  #sinceSnapshot: number;
  #group: Pending[] = [];
  #scheduled = false;
  #closed = false;

  /**
   * Opens the file and reads the books from it.
   * @throws {ProxyError} `PROXY_STORE`, `PROXY_STORE_DAMAGED` @throws {LedgerError} for records that contradict each other
   */
  constructor(options: BookkeeperOptions, deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
    this.#gatherMs = options.gatherMs ?? (() => 0);
    this.#snapshotEvery = options.snapshotEvery ?? SNAPSHOT_EVERY;
    this.#journal = new Journal({
      path: options.path,
      key: options.key,
      keepRecords: options.keepRecords ?? KEEP_RECORDS,
    });
    try {
      this.#withoutChain = options.withoutChain ?? false;
      const { books, records } = this.#read();
      this.#books = books;
      this.#sinceSnapshot = records;
    } catch (error) {
      this.#journal[Symbol.dispose]();
      throw error;
    }
  }

  /** Changes only through {@link record}. */
  get books(): Books {
    return this.#books;
  }

  /**
   * Resolves when the facts are on disk and in the books, all of them or none.
   * @throws {ProxyError} `PROXY_STORE` when the disk refused: nothing of it is kept; `PROXY_STORE_CLOSED`
   */
  record(...events: readonly LedgerEvent[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new ProxyError('PROXY_STORE_CLOSED', 'the database is closed'));
      this.#group.push({ events, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      const gatherMs = this.#gatherMs();
      if (gatherMs === undefined) this.#flush();
      else if (gatherMs > 0) this.#clock.after(gatherMs, () => this.#flush());
      else setImmediate(() => this.#flush());
    });
  }

  /** As {@link record}, and waits for nothing: for facts that nobody may overtake. Throws what it would reject with. */
  recordNow(...events: readonly LedgerEvent[]): void {
    if (this.#closed) throw new ProxyError('PROXY_STORE_CLOSED', 'the database is closed');
    this.#flush();
    this.#write(events);
  }

  /** Number of the newest record. */
  get seq(): number {
    return this.#journal.seq;
  }

  /**
   * Writes what waits, then reads the books anew from the file, every seal checked.
   * @throws {ProxyError} `PROXY_STORE_DAMAGED` @throws {LedgerError} for records that contradict each other
   */
  reread(): Books {
    this.#flush();
    return this.#read().books;
  }

  /** Bounds the file to so many pages: what is above is a full disk. */
  limitPages(pages: number): void {
    this.#journal.limitPages(pages);
  }

  /** Writes what waits, then closes the file. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#journal[Symbol.dispose]();
  }

  #read(): { readonly books: Books; readonly records: number } {
    const { snapshot, records } = this.#journal.read();
    const options = { withoutChain: this.#withoutChain };
    const books =
      snapshot === undefined ? new Books(options) : Books.restore(readEvents<BooksState>(snapshot)[0]!, options);
    for (const { seq, text } of records) books.apply(seq, readEvents(text));
    return { books, records: records.length };
  }

  #flush(): void {
    this.#scheduled = false;
    const group = this.#group;
    if (group.length === 0) return;
    this.#group = [];
    try {
      this.#write(group.flatMap(({ events }) => events));
    } catch (error) {
      for (const pending of group) pending.reject(error);
      return;
    }
    for (const pending of group) pending.resolve();
  }

  #write(events: readonly LedgerEvent[]): void {
    this.#books.check(events);
    const seq = this.#journal.append(writeEvents(events));
    this.#books.apply(seq, events);
    if (++this.#sinceSnapshot < this.#snapshotEvery) return;
    this.#sinceSnapshot = 0;
    try {
      this.#journal.replace(writeEvents([this.#books.snapshot()]));
    } catch {
      // A full disk: the records are all there, the next snapshot will stand for them.
    }
  }
}
