/**
 * External messages between their acknowledgement and the block that runs them. A message is on disk before its sender
 * hears of it; those that arrive in one turn of the event loop share one commit.
 */
import type { Cell } from '@ton/core';
import { DevnetError } from './errors.ts';
import type { Store } from './store.ts';

/** Makes the message at the moment it is written, inside the same database transaction. */
export type MakeMessage = () => Cell;

interface Pending {
  readonly make: MakeMessage;
  /** A payment of the faucet. */
  readonly given: boolean;
  resolve(hash: Buffer): void;
  reject(error: unknown): void;
}

export class Inbox {
  readonly #store: Store;
  readonly #capacity: number;
  #group: Pending[] = [];
  #size: number;

  constructor(options: { readonly capacity: number }, deps: { readonly store: Store }) {
    this.#store = deps.store;
    this.#capacity = options.capacity;
    this.#size = Number(this.#store.sum('SELECT count(*) FROM inbox'));
  }

  /** Messages on disk that have not run. */
  get size(): number {
    return this.#size;
  }

  /**
   * Resolves with the message's hash when it is on disk. One that waits already is not kept twice.
   * @throws {DevnetError} `DEVNET_FULL`, `DEVNET_STORE`, `DEVNET_CLOSED`; what `make` throws
   */
  add(make: MakeMessage, given = false): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#size + this.#group.length >= this.#capacity) {
        reject(
          new DevnetError('DEVNET_FULL', `${this.#size} messages wait for the next block`, { waiting: this.#size }),
        );
        return;
      }
      this.#group.push({ make, given, resolve, reject });
      if (this.#group.length === 1) setImmediate(() => this.flush());
    });
  }

  /** Payments of the faucet that wait. */
  givenCount(): number {
    return Number(this.#store.sum('SELECT count(*) FROM inbox WHERE given = 1'));
  }

  /** A block has taken so many. */
  settled(count: number): void {
    this.#size -= count;
  }

  /** Writes what has gathered. */
  flush(): void {
    const group = this.#group;
    if (group.length === 0) return;
    this.#group = [];
    const answers: (() => void)[] = [];
    let added = 0;
    try {
      this.#store.transaction(() => {
        for (const pending of group) added += this.#write(pending, answers);
      });
    } catch (error) {
      for (const pending of group) pending.reject(error);
      return;
    }
    this.#size += added;
    for (const answer of answers) answer();
  }

  /** @returns rows added: a message that cannot be made, or waits already, adds none */
  #write({ make, given, resolve, reject }: Pending, answers: (() => void)[]): number {
    let message: Cell;
    try {
      message = make();
    } catch (error) {
      answers.push(() => reject(error));
      return 0;
    }
    const hash = message.hash();
    const sql = 'INSERT OR IGNORE INTO inbox(hash, message, given) VALUES (?, ?, ?)';
    const changes = this.#store.run(sql, hash, message.toBoc(), given ? 1 : 0);
    answers.push(() => resolve(hash));
    return Number(changes);
  }
}
