/**
 * A diary of what was used and what it cost, for the people who pay and are paid. It is a report and not the books: what
 * was added in the last second before a crash is lost. What is owed stands in the proxy's books and in signed payments.
 */
import type { Clock, Logger } from '@bombyx/base';
import { DiaryFile, type Line, readLines } from './diary-file.ts';
import { type DiaryEntry, dayOf, type Query, type Row, report, sum, usageOf } from './usage.ts';

export interface Diary extends AsyncDisposable {
  /** Counts one request today. Never throws, and touches the disk only later. */
  add(entry: DiaryEntry): void;
  /** What is on disk and what waits for it. @throws {DiaryError} `DIARY_DAY`, `DIARY_FILE` */
  rows(query: Query): Row[];
}

export interface DiaryOptions {
  /** The SQLite file, in a folder that exists. */
  readonly path: string;
  /** Bounds the file to so many pages of 4 KiB, as a full disk would. */
  readonly maxPages?: number;
}

export interface DiaryDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Lines that wait for the disk. The disk takes them each second, so it is a broken one that lets them become so many. */
export const MAX_WAITING = 4_096;
/** Where models and parties go that find no place any more: sums stay right, and only what was whose is lost. */
export const OTHERS = '(others)';
const FLUSH_MS = 1_000;
const RETRY_MS = 10_000;

/** Opens or creates a diary that this process keeps. @throws {DiaryError} `DIARY_FILE` */
export function openDiary(options: DiaryOptions, deps: DiaryDeps): Diary {
  const file = new DiaryFile(options.path);
  if (options.maxPages !== undefined) file.limitPages(options.maxPages);
  return new BufferedDiary(file, deps);
}

/** Reads the diary that another process keeps. @returns nothing for a file that does not exist @throws {DiaryError} */
export function readDiary(path: string, query: Query): Row[] {
  return report(readLines(path), query);
}

class BufferedDiary implements Diary {
  readonly #file: DiaryFile;
  readonly #deps: DiaryDeps;
  #waiting = new Map<string, Line>();
  #cancelFlush: (() => void) | undefined;
  #failing = false;
  #closed = false;

  constructor(file: DiaryFile, deps: DiaryDeps) {
    this.#file = file;
    this.#deps = deps;
  }

  add(entry: DiaryEntry): void {
    if (this.#closed) return;
    const day = dayOf(this.#deps.clock.nowMs());
    const { model, party } = entry;
    const known = this.#waiting.has(keyOf(day, model, party)) || this.#waiting.size < MAX_WAITING;
    this.#count({ day, model: known ? model : OTHERS, party: known ? party : OTHERS, ...usageOf(entry) });
    this.#cancelFlush ??= this.#deps.clock.after(this.#failing ? RETRY_MS : FLUSH_MS, () => this.#flush());
  }

  rows(query: Query): Row[] {
    return report([...this.#file.lines(), ...this.#waiting.values()], query);
  }

  /** Writes what waits, then closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush();
    this.#cancelFlush?.();
    this.#file[Symbol.dispose]();
  }

  #count(line: Line): void {
    const key = keyOf(line.day, line.model, line.party);
    const known = this.#waiting.get(key);
    this.#waiting.set(key, known ? { ...line, ...sum(known, line) } : line);
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#waiting.size === 0) return;
    const { clock, log } = this.#deps;
    try {
      this.#file.add(this.#waiting.values());
    } catch (error) {
      if (!this.#failing) log.warn('the diary cannot be written; it is kept in memory', { cause: String(error) });
      this.#failing = true;
      if (!this.#closed) this.#cancelFlush = clock.after(RETRY_MS, () => this.#flush());
      return;
    }
    if (this.#failing) log.info('the diary is written again');
    this.#failing = false;
    this.#waiting.clear();
  }
}

function keyOf(day: string, model: string, party: string): string {
  return JSON.stringify([day, model, party]);
}
