/** A model's folder as the archive of it is made: every file and folder in it, and nothing that an archive could not say. */
import { createReadStream, type Dirent } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FolderEntry } from '@bombyx/attest';
import { CliError } from './usage.ts';

/** Far more than any model has. */
const MAX_ENTRIES = 100_000;
/** What `hf download` keeps there about itself; `build-model` of the reference removes it before it makes the archive. */
const DOWNLOAD_CACHE = '.cache';
const READ_BYTES = 1 << 20;

/**
 * @param signal ends reading, also of the files while they are hashed
 * @throws {CliError} `CLI_CONFIG` no folder; links, devices, names that are not UTF-8, and times before 1970 in it
 */
export async function listModel(folder: string, signal: AbortSignal): Promise<FolderEntry[]> {
  const top = await stat(folder).catch((cause: unknown) => {
    throw new CliError('CLI_CONFIG', `there is no folder ${folder}`, {}, { cause });
  });
  if (!top.isDirectory()) throw new CliError('CLI_CONFIG', `${folder} is not a folder`);
  const entries: FolderEntry[] = [{ kind: 'folder', path: '', mode: top.mode }];
  const inodes = new Set<string>();
  const waiting = [''];
  for (let above = waiting.pop(); above !== undefined; above = waiting.pop()) {
    for (const item of await readdir(join(folder, above), { withFileTypes: true, encoding: 'buffer' })) {
      signal.throwIfAborted();
      const name = nameOf(item, above);
      if (above === '' && name === DOWNLOAD_CACHE) continue;
      if (entries.length === MAX_ENTRIES) throw wrong(folder, `holds more than ${MAX_ENTRIES} files`);
      const path = above === '' ? name : `${above}/${name}`;
      const entry = await entryOf(join(folder, path), path, inodes, signal);
      entries.push(entry);
      if (entry.kind === 'folder') waiting.push(path);
    }
  }
  return entries;
}

function nameOf({ name }: Dirent<Buffer>, above: string): string {
  const text = name.toString();
  if (!Buffer.from(text).equals(name)) throw wrong(join(above, text), 'has a name that is not UTF-8');
  return text;
}

/** A link would be kept as a link, and point nowhere in the machine that opens the archive. */
const COPY = 'copy the model with "cp -rL" and hash the copy';

async function entryOf(at: string, path: string, inodes: Set<string>, signal: AbortSignal): Promise<FolderEntry> {
  const facts = await lstat(at, { bigint: true });
  const mode = Number(facts.mode);
  if (facts.mtimeNs < 0n) throw wrong(at, 'is dated before 1970, which the archive would keep', 'touch it');
  if (facts.isDirectory()) return { kind: 'folder', path, mode };
  if (facts.isSymbolicLink()) throw wrong(at, 'is a symbolic link', COPY);
  if (!facts.isFile()) throw wrong(at, 'is neither a file nor a folder', 'remove it');
  const inode = `${facts.dev}:${facts.ino}`;
  if (inodes.has(inode)) throw wrong(at, 'is a second name of another file here', COPY);
  if (facts.nlink > 1n) inodes.add(inode);
  const open = () => createReadStream(at, { highWaterMark: READ_BYTES, signal });
  return { kind: 'file', path, mode, size: Number(facts.size), open };
}

function wrong(at: string, what: string, fix?: string): CliError {
  return new CliError('CLI_CONFIG', `${at} ${what}${fix === undefined ? '' : `; ${fix}`}`);
}
