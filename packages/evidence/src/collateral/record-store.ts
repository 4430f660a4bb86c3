/**
 * Records of one kind: in memory, on disk, and from sources when neither has them. Judged on arrival, never replaced by
 * an older one, fetched again at half of their validity, and worth nothing once they have ended.
 * Source: attestation.md §7, "Store".
 */
import { type Clock, type Logger, type Random, Scope, Turns } from '@bombyx/base';
import { EvidenceError } from '../errors.ts';
import {
  FETCH_TOTAL_MS,
  FETCHES,
  MAX_ADDRESSES,
  MAX_RECORDS,
  NEW_NEEDS,
  NEW_NEEDS_EACH,
  WAITING_FETCHES,
} from '../limits.ts';
import { Rates } from '../rate.ts';
import { steadyClock } from '../steady-clock.ts';
import { until } from '../until.ts';
import { compareStanding, type RecordKind, type Source, type Standing } from './record.ts';
import { RecordFolder } from './record-folder.ts';
import { Refresher } from './refresher.ts';
import { Refusals } from './refusals.ts';
import { askInOrder, SourceOrder } from './source-order.ts';

export interface RecordStoreOptions<Need, Value> {
  /** The preferred one first; none: offline. The store closes them. */
  readonly sources: readonly Source<Need, Value>[];
  /** Of the files; undefined: memory only. */
  readonly folder?: string;
  /** Needs that anything is fetched for; default: all. */
  readonly allows?: (need: Need) => boolean;
  /** Default 256. */
  readonly maxRecords?: number;
  /** Default 30 s: for one record, over all sources. */
  readonly timeoutMs?: number;
}

export interface StoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A record as it is kept. */
export interface Kept<Need, Value> {
  readonly key: string;
  readonly need: Need;
  readonly value: Value;
  readonly standing: Standing;
}

export class RecordStore<Need, Value> implements AsyncDisposable {
  readonly #kind: RecordKind<Need, Value>;
  readonly #options: RecordStoreOptions<Need, Value>;
  readonly #deps: StoreDeps;
  readonly #scope = new Scope();
  readonly #folder: RecordFolder | undefined;
  readonly #order: SourceOrder<Need, Value>;
  readonly #kept = new Map<string, Kept<Need, Value>>();
  readonly #coming = new Map<string, Promise<Kept<Need, Value>>>();
  readonly #refusals: Refusals;
  readonly #newNeeds: Rates;
  readonly #newNeedsOf: Rates;
  readonly #refresher: Refresher<Need, Value>;
  readonly #turns = new Turns({ places: FETCHES, maxWaiting: WAITING_FETCHES }, () => {
    return new EvidenceError('COLLATERAL_LIMIT', 'too many records are being fetched', { limit: WAITING_FETCHES });
  });
  #version = 0;

  constructor(kind: RecordKind<Need, Value>, options: RecordStoreOptions<Need, Value>, deps: StoreDeps) {
    this.#kind = kind;
    this.#options = options;
    this.#deps = { ...deps, clock: steadyClock(deps.clock), log: deps.log.child({ kind: kind.name }) };
    this.#folder = options.folder === undefined ? undefined : new RecordFolder(options.folder);
    this.#order = new SourceOrder(options.sources, this.#deps);
    this.#refusals = new Refusals(deps.clock);
    this.#newNeeds = new Rates(NEW_NEEDS, 1, deps.clock);
    this.#newNeedsOf = new Rates(NEW_NEEDS_EACH, MAX_ADDRESSES, deps.clock);
    for (const source of options.sources) this.#scope.use(source);
    const again = (kept: Kept<Need, Value>) => this.#join(kept.key, kept.need);
    this.#refresher = this.#scope.use(new Refresher(() => this.#kept.values(), again, this.#deps));
    if (options.sources.length > 0) this.#refresher.start();
  }

  /** Goes up whenever a record is replaced: what was concluded from it has to be thought over. */
  get version(): number {
    return this.#version;
  }

  /** Everything in memory, for status pages. */
  get kept(): readonly Kept<Need, Value>[] {
    return [...this.#kept.values()];
  }

  /** What is here and good at this moment; nothing is fetched, nothing waited for. */
  peek(need: Need): Value | undefined {
    const kept = this.#kept.get(this.#kind.keyOf(need));
    return kept && this.#isGood(kept) ? kept.value : undefined;
  }

  /**
   * @param from who brought the need, as `rateNameOf` counts him; undefined: we ourselves
   * @throws {EvidenceError} `COLLATERAL_…`; the reason of `signal`, while the fetching goes on for others
   */
  async get(need: Need, signal: AbortSignal, from?: string): Promise<Value> {
    signal.throwIfAborted();
    const key = this.#kind.keyOf(need);
    const here = this.#kept.get(key);
    if (here && this.#isGood(here)) return here.value;
    if (this.#scope.signal.aborted) throw new EvidenceError('COLLATERAL_CLOSED', 'the store was closed');
    if (this.#options.allows?.(need) === false) {
      throw new EvidenceError('COLLATERAL_UNKNOWN', `${key} is not on the list`, { key });
    }
    return (await until(this.#join(key, need, from), signal)).value;
  }

  /** Takes in a record from elsewhere, such as a bundle, under the same rules. @throws {EvidenceError} `COLLATERAL_…` */
  async add(value: Value): Promise<Kept<Need, Value>> {
    const need = this.#kind.needOf(value);
    const key = this.#kind.keyOf(need);
    await this.#load(key, need);
    return await this.#accept(key, need, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await Promise.allSettled(this.#coming.values());
  }

  #isGood({ standing }: Kept<Need, Value>): boolean {
    return this.#deps.clock.nowMs() <= standing.expiresAtMs;
  }

  #join(key: string, need: Need, from?: string): Promise<Kept<Need, Value>> {
    const coming = this.#coming.get(key);
    if (coming) return coming;
    const begun = this.#bring(key, need, from).finally(() => this.#coming.delete(key));
    begun.catch(() => {}); // whoever asked may have left
    this.#coming.set(key, begun);
    return begun;
  }

  async #bring(key: string, need: Need, from?: string): Promise<Kept<Need, Value>> {
    const before = this.#kept.get(key);
    const loaded = await this.#load(key, need);
    if (loaded && loaded !== before && this.#isGood(loaded)) return loaded;
    this.#refusals.check(key);
    if (loaded === undefined) this.#checkRoom(key, from);
    try {
      return await this.#fetch(key, need);
    } catch (error) {
      if (error instanceof EvidenceError) this.#refusals.keep(key, error);
      throw error;
    }
  }

  async #fetch(key: string, need: Need): Promise<Kept<Need, Value>> {
    const { timeoutMs = FETCH_TOTAL_MS } = this.#options;
    const limit = new AbortController();
    const cancel = this.#deps.clock.after(timeoutMs, () => {
      limit.abort(new EvidenceError('COLLATERAL_UNREACHABLE', `${key} not had within ${timeoutMs} ms`, { timeoutMs }));
    });
    const signal = AbortSignal.any([this.#scope.signal, limit.signal]);
    try {
      const giveBack = await this.#turns.take(signal);
      try {
        return await askInOrder(this.#order, async (source) => {
          return await this.#accept(key, need, await source.fetch(need, signal));
        });
      } finally {
        giveBack();
      }
    } catch (error) {
      if (this.#scope.signal.aborted) throw new EvidenceError('COLLATERAL_CLOSED', 'the store was closed');
      throw error;
    } finally {
      cancel();
    }
  }

  /** Judges, compares, keeps. @throws {EvidenceError} `COLLATERAL_OLDER`, and what the kind throws */
  async #accept(key: string, need: Need, value: Value): Promise<Kept<Need, Value>> {
    const standing = this.#kind.judge(value, need, this.#deps.clock.nowMs());
    const before = this.#kept.get(key);
    const order = before === undefined ? 'newer' : compareStanding(standing, before.standing);
    if (before && order === 'older') {
      throw new EvidenceError('COLLATERAL_OLDER', `a record of ${key} that is older than the one kept`, { key });
    }
    if (before && order === 'same') return before;
    const kept = { key, need, value, standing };
    this.#keep(kept);
    await this.#save(kept);
    return kept;
  }

  #keep(kept: Kept<Need, Value>): void {
    this.#kept.set(kept.key, kept);
    this.#refusals.forget(kept.key);
    this.#refresher.plan(kept);
    this.#version += 1;
  }

  /** What is on disk, if it is newer: another process may share it. Expired too, since nothing older may replace it. */
  async #load(key: string, need: Need): Promise<Kept<Need, Value> | undefined> {
    try {
      const text = await this.#folder?.read(key);
      if (text === undefined) return this.#kept.get(key);
      const value = this.#kind.decode(text);
      const standing = this.#kind.judge(value, need, undefined);
      const here = this.#kept.get(key);
      const isNews = here ? compareStanding(standing, here.standing) === 'newer' : this.#kept.size < this.#maxRecords;
      if (isNews) this.#keep({ key, need, value, standing });
    } catch (error) {
      this.#deps.log.warn('a kept record is of no use and will be replaced', { key, reason: reasonOf(error) });
    }
    return this.#kept.get(key);
  }

  async #save({ key, value }: Kept<Need, Value>): Promise<void> {
    try {
      await this.#folder?.write(key, this.#kind.encode(value));
    } catch (error) {
      this.#deps.log.warn('a record cannot be written and is kept in memory only', { key, reason: reasonOf(error) });
    }
  }

  /** @throws {EvidenceError} `COLLATERAL_LIMIT` */
  #checkRoom(key: string, from?: string): void {
    if (this.#kept.size >= this.#maxRecords) {
      const message = `${this.#kept.size} records are known already: no place for ${key}`;
      throw new EvidenceError('COLLATERAL_LIMIT', message, { limit: this.#maxRecords });
    }
    if (this.#options.sources.length === 0) return;
    // his own part first: who has used that up takes nothing from the part of all
    if (from !== undefined && !this.#newNeedsOf.take(from)) {
      throw new EvidenceError('COLLATERAL_LIMIT', `too many unknown platforms of ${from}`, NEW_NEEDS_EACH);
    }
    if (!this.#newNeeds.take('')) {
      throw new EvidenceError('COLLATERAL_LIMIT', 'too many unknown platforms at once', NEW_NEEDS);
    }
  }

  get #maxRecords(): number {
    return this.#options.maxRecords ?? MAX_RECORDS;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
