/** The configfs-tsm of a machine that is not there: the rules of the kernel, in memory, and its moods. */
import { basename, dirname } from 'node:path';
import type { TsmFiles } from '../src/providers/tsm-files.ts';
import { evidenceAbout } from './vectors.ts';

interface Slot {
  generation: number;
  inblob: Uint8Array | undefined;
}

/** What a test changes; each is asked for every operation of its kind. */
export interface Moods {
  /** A write is dropped and looks like success. */
  drop?: () => boolean;
  /** Somebody else writes between our write and our read. */
  intrude?: () => boolean;
  /** Waited for before a quote is there. */
  quoting?: () => Promise<void>;
  /** What the quoting service gives; default: evidence about what was asked. */
  answer?: (reportData: Uint8Array) => Uint8Array;
  /** `errno` of an operation, undefined: it works. */
  fails?: (operation: string, path: string) => string | undefined;
  provider?: string;
}

export class MemoryTsm implements TsmFiles {
  readonly moods: Moods = {};
  readonly slots = new Map<string, Slot>();
  /** Operations in order, such as `write inblob`. */
  readonly log: string[] = [];
  /** Quotes being made at this moment, and the most there ever were. */
  quoting = 0;
  mostQuoting = 0;
  readonly #tee: 'tdx' | 'sev-snp';
  readonly #root: string;

  constructor(tee: 'tdx' | 'sev-snp', root: string) {
    this.#tee = tee;
    this.#root = root;
  }

  async list(folder: string): Promise<string[]> {
    this.#begin('list', folder);
    return [...this.slots.keys()].map((path) => basename(path));
  }

  async mkdir(folder: string): Promise<void> {
    this.#begin('mkdir', folder);
    if (dirname(folder) !== this.#root) throw errno('ENOENT');
    if (this.slots.has(folder)) throw errno('EEXIST');
    this.slots.set(folder, { generation: 0, inblob: undefined });
  }

  async rmdir(folder: string): Promise<void> {
    this.#begin('rmdir', folder);
    if (!this.slots.delete(folder)) throw errno('ENOENT');
  }

  async write(file: string, bytes: Uint8Array): Promise<void> {
    this.#begin('write', file);
    const slot = this.#slotOf(file);
    if (basename(file) === 'inblob') {
      if (this.moods.drop?.() || bytes.length === 0 || bytes.length > 64) return; // the result of close() is nobody's
      slot.inblob = Uint8Array.from(bytes);
    }
    slot.generation += 1;
  }

  async read(file: string, most: number): Promise<Uint8Array> {
    this.#begin('read', file);
    const slot = this.#slotOf(file);
    const bytes = await this.#content(basename(file), slot);
    if (bytes.length > most) throw errno('E2BIG');
    return Uint8Array.from(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #content(attribute: string, slot: Slot): Promise<Uint8Array> {
    switch (attribute) {
      case 'provider':
        return Buffer.from(`${this.moods.provider ?? (this.#tee === 'tdx' ? 'tdx_guest' : 'sev_guest')}\n`);
      case 'generation':
        return Buffer.from(`${slot.generation}\n`);
      case 'outblob':
        return this.#outblob(slot);
      case 'auxblob':
        return Buffer.from(this.#tee === 'sev-snp' ? 'certificates' : '');
      default:
        throw errno('ENOENT');
    }
  }

  async #outblob(slot: Slot): Promise<Uint8Array> {
    const { inblob } = slot;
    if (inblob === undefined) throw errno('EINVAL');
    this.quoting += 1;
    this.mostQuoting = Math.max(this.mostQuoting, this.quoting);
    try {
      await this.moods.quoting?.();
    } finally {
      this.quoting -= 1;
    }
    if (this.moods.intrude?.()) slot.generation += 1;
    return this.moods.answer?.(inblob) ?? evidenceAbout(this.#tee, inblob);
  }

  #begin(operation: string, path: string): void {
    this.log.push(`${operation} ${basename(path)}`);
    const code = this.moods.fails?.(operation, path);
    if (code !== undefined) throw errno(code);
  }

  #slotOf(file: string): Slot {
    const slot = this.slots.get(dirname(file));
    if (slot === undefined) throw errno('ENOENT');
    return slot;
  }
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}
