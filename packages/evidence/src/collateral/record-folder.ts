/** Records on disk, one file each. A file is whole or not there; what cannot be read is as good as absent. */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { UNFINISHED, writeWhole } from '../files.ts';
import { MAX_RECORD_BYTES } from '../limits.ts';

/** A draft this old belongs to nobody who still writes. */
const ABANDONED_MS = 3_600_000;

export class RecordFolder {
  readonly #path: string;
  #ready: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns undefined when there is none. @throws what node:fs throws, and {RangeError} for a file that is too large */
  async read(key: string): Promise<string | undefined> {
    try {
      return await readBounded(this.#fileOf(key));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  /** @throws what node:fs throws; then what was there before still is */
  async write(key: string, text: string): Promise<void> {
    this.#ready ??= this.#prepare();
    try {
      await this.#ready;
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
    await writeWhole(this.#fileOf(key), text, 0o600);
  }

  #fileOf(key: string): string {
    if (!/^[a-z0-9][a-z0-9._-]{0,200}$/.test(key)) throw new RangeError(`no name for a file: ${key.slice(0, 64)}`);
    return join(this.#path, `${key}.json`);
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#path)) {
      if (!name.includes(UNFINISHED)) continue;
      const draft = join(this.#path, name);
      const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(draft, { force: true });
    }
  }
}

/** @throws what node:fs throws, and {RangeError} for a file that is too large */
export async function readBounded(path: string, most = MAX_RECORD_BYTES): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > most) throw new RangeError(`${path} has ${size} bytes, more than ${most}`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
