/**
 * The levels of a running total: counted, and committed to the blockchain. Signed payments state only the second, so
 * that a disk put back to an older state can never leave a promise above the books. What is counted is on disk already.
 */
import { type Tokens, tokens } from '@bombyx/base';
import { LedgerError } from './errors.ts';

/** Each level only rises; `max` ≥ `db` ≥ `chain`. The names are those of the wire. */
export interface Levels {
  /** Counted. */
  readonly max: Tokens;
  /** Safe on disk. Here nothing is counted before. */
  readonly db: Tokens;
  /** Covered by a commit that was seen on chain. */
  readonly chain: Tokens;
}

/** A total that a {@link CommitLog} follows. */
export class Total implements Levels {
  max: Tokens;
  chain: Tokens;

  /** @param counted what the books hold @param chain what of it is committed; all of it by default */
  constructor(counted: Tokens = tokens(0n), chain: Tokens = counted) {
    if (chain > counted) throw new LedgerError('LEDGER_ROLLBACK', 'committed above counted', { chain, counted });
    this.max = counted;
    this.chain = chain;
  }

  get db(): Tokens {
    return this.max;
  }
}

interface Commit {
  readonly seq: number;
  readonly values: ReadonlyMap<Total, Tokens>;
}

/** Commits that wait to be seen; older ones are merged into the next, which only delays a level. */
const MAX_WAITING = 256;

/** Remembers which totals a commit covers, and raises their level when it is seen. */
export class CommitLog {
  readonly #changed = new Set<Total>();
  readonly #waiting: Commit[] = [];

  /** Raises a total; the next commit covers it. */
  raise(total: Total, to: Tokens): void {
    if (to <= total.max) return;
    total.max = to;
    this.#changed.add(total);
  }

  /** Lets the next commit cover a total though it did not change: one from a restart that is not committed yet. */
  include(total: Total): void {
    this.#changed.add(total);
  }

  /** Commit `seq` covers all that was counted until now. @throws {LedgerError} `LEDGER_SEQUENCE` unless `seq` rises */
  begin(seq: number): void {
    const last = this.#waiting.at(-1)?.seq ?? -1;
    if (!Number.isSafeInteger(seq) || seq <= last) {
      throw new LedgerError('LEDGER_SEQUENCE', `commit ${seq} after commit ${last}`, { seq });
    }
    this.#waiting.push({ seq, values: new Map(Array.from(this.#changed, (total) => [total, total.max])) });
    this.#changed.clear();
    if (this.#waiting.length > MAX_WAITING) this.#mergeOldest();
  }

  /** Commit `seq` was seen; all before it count as committed too. */
  seen(seq: number): void {
    for (let commit = this.#waiting[0]; commit && commit.seq <= seq; commit = this.#waiting[0]) {
      this.#waiting.shift();
      for (const [total, value] of commit.values) if (value > total.chain) total.chain = value;
    }
  }

  /** Counts all as committed, where there is no chain to commit to. */
  settle(): void {
    for (const total of this.#changed) total.chain = total.max;
    this.#changed.clear();
  }

  #mergeOldest(): void {
    const [oldest, next] = this.#waiting.splice(0, 2);
    this.#waiting.unshift({ seq: next!.seq, values: new Map([...oldest!.values, ...next!.values]) });
  }
}
