/**
 * Three levels of a running total: counted, safe in the database, committed to the blockchain. Signed payments state
 * only the last one, so that a crash can never leave a promise above the books.
 */
import { type Tokens, tokens } from '@bombyx/base';
import { LedgerError } from './errors.ts';

/** Each level only rises; `max` ≥ `db` ≥ `chain`. */
export interface Levels {
  /** Raised at once, after each request. */
  readonly max: Tokens;
  /** Raised when the write that holds it is on disk. */
  readonly db: Tokens;
  /** Raised when the commit of a write was seen on chain. */
  readonly chain: Tokens;
}

/** A total that a {@link WriteLog} follows. */
export class Total implements Levels {
  max: Tokens;
  db: Tokens;
  chain: Tokens;

  /** @param stored what the database holds @param chain what of it is committed; a stored total is by default */
  constructor(stored: Tokens = tokens(0n), chain: Tokens = stored) {
    if (chain > stored) throw new LedgerError('LEDGER_ROLLBACK', 'committed above stored', { chain, stored });
    this.max = stored;
    this.db = stored;
    this.chain = chain;
  }
}

interface Write {
  readonly seq: number;
  readonly values: Map<Total, Tokens>;
}

/** Writes that wait for their commit; older ones are merged into the next, which only delays a level. */
const MAX_WAITING = 256;

/** Remembers which write carried which totals, and raises their levels as writes and commits are confirmed. */
export class WriteLog {
  readonly #changed = new Set<Total>();
  readonly #flushing: Write[] = [];
  readonly #durable: Write[] = [];
  #lastSeq = -1;

  /** Raises a total and marks it for the next write. */
  raise(total: Total, to: Tokens): void {
    if (to <= total.max) return;
    total.max = to;
    this.#changed.add(total);
  }

  /** Puts a total into the next write though it did not change: one from a restart that is not committed yet. */
  include(total: Total): void {
    this.#changed.add(total);
  }

  /**
   * Takes everything that changed since the last call into write `seq`.
   * @returns the totals to write, with their values at this moment
   * @throws {LedgerError} `LEDGER_SEQUENCE` unless `seq` is above all before
   */
  begin(seq: number): ReadonlyMap<Total, Tokens> {
    if (!Number.isSafeInteger(seq) || seq <= this.#lastSeq) {
      throw new LedgerError('LEDGER_SEQUENCE', `write ${seq} after write ${this.#lastSeq}`, { seq });
    }
    this.#lastSeq = seq;
    const values = new Map<Total, Tokens>();
    for (const total of this.#changed) values.set(total, total.max);
    this.#changed.clear();
    this.#flushing.push({ seq, values });
    return values;
  }

  /** Write `seq` and all before it are on disk. */
  markDurable(seq: number): void {
    for (let write = this.#flushing[0]; write && write.seq <= seq; write = this.#flushing[0]) {
      this.#flushing.shift();
      for (const [total, value] of write.values) if (value > total.db) total.db = value;
      if (write.values.size === 0) continue;
      this.#durable.push(write);
      if (this.#durable.length > MAX_WAITING) this.#mergeOldest();
    }
  }

  /** Write `seq` did not reach the disk: its totals go into the next one. */
  markFailed(seq: number): void {
    const at = this.#flushing.findIndex((write) => write.seq === seq);
    if (at < 0) return;
    const [write] = this.#flushing.splice(at, 1);
    for (const total of write!.values.keys()) this.#changed.add(total);
  }

  /** The commit of write `seq` was seen on chain; all writes before it count as committed too. */
  markCommitted(seq: number): void {
    for (let write = this.#durable[0]; write && write.seq <= seq; write = this.#durable[0]) {
      this.#durable.shift();
      for (const [total, value] of write.values) if (value > total.chain) total.chain = value;
    }
  }

  #mergeOldest(): void {
    const [oldest, next] = this.#durable;
    for (const [total, value] of oldest!.values) if (!next!.values.has(total)) next!.values.set(total, value);
    this.#durable.shift();
  }
}
