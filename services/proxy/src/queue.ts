/**
 * Requests that wait for a place at a worker of one model. Clients take turns, so that one client's thousand requests
 * do not stand before another's single one. Bounded; deadlines are the business of whoever holds the items.
 */
export class FairQueue<T> {
  readonly #lines = new Map<string, T[]>();
  readonly #limit: number;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns false when the queue is full and the item was not taken */
  push(client: string, item: T): boolean {
    if (this.#size >= this.#limit) return false;
    const line = this.#lines.get(client);
    if (line) line.push(item);
    else this.#lines.set(client, [item]);
    this.#size += 1;
    return true;
  }

  /** @returns whether the item was there */
  remove(client: string, item: T): boolean {
    const line = this.#lines.get(client);
    const index = line?.indexOf(item) ?? -1;
    if (!line || index < 0) return false;
    this.#cut(client, line, index);
    return true;
  }

  /** Takes the next item that `fits`, in turn among clients and in order within one. */
  take(fits: (item: T) => boolean): T | undefined {
    for (const [client, line] of this.#lines) {
      const index = line.findIndex(fits);
      if (index < 0) continue;
      const item = line[index]!;
      this.#cut(client, line, index);
      // To the end of the round: a Map iterates in the order of insertion.
      if (this.#lines.delete(client)) this.#lines.set(client, line);
      return item;
    }
    return undefined;
  }

  /** Empties the queue. @returns what was in it */
  clear(): T[] {
    const all = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#size = 0;
    return all;
  }

  #cut(client: string, line: T[], index: number): void {
    line.splice(index, 1);
    this.#size -= 1;
    if (line.length === 0) this.#lines.delete(client);
  }
}
