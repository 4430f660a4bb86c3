/** Folders in memory, and the same on the disk for the programs that tests compare with. */
import { execFileSync } from 'node:child_process';
import { chmodSync, createReadStream, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FolderEntry } from '../src/measure/tar.ts';

export function folder(path = '', mode = 0o755): FolderEntry {
  return { kind: 'folder', path, mode };
}

export function file(path: string, content: Uint8Array | string, mode = 0o644): FolderEntry {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    kind: 'file',
    path,
    mode,
    size: bytes.length,
    async *open() {
      for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
    },
  };
}

/** Zeros, as many as one likes. */
export function zeros(path: string, size: number): FolderEntry {
  return {
    kind: 'file',
    path,
    mode: 0o644,
    size,
    async *open() {
      const part = new Uint8Array(65_536);
      for (let left = size; left > 0; left -= part.length) yield part.subarray(0, left);
    },
  };
}

export async function bytesOf(parts: AsyncIterable<Uint8Array>, most = Infinity): Promise<Buffer> {
  const seen: Uint8Array[] = [];
  let length = 0;
  for await (const part of parts) {
    seen.push(part.slice());
    length += part.length;
    if (length >= most) break;
  }
  return Buffer.concat(seen).subarray(0, most);
}

/** Hands `work` a folder on the disk with these entries, and removes it afterwards. */
export async function onDisk<T>(entries: readonly FolderEntry[], work: (path: string) => Promise<T> | T): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'bombyx-folder-'));
  try {
    for (const entry of entries) {
      const path = join(root, entry.path);
      if (entry.kind === 'folder') {
        if (entry.path !== '') mkdirSync(path);
      } else if (entry.size > 1 << 30) {
        writeFileSync(path, '');
        truncateSync(path, entry.size);
      } else writeFileSync(path, await bytesOf(entry.open()));
    }
    for (const { path, mode } of [...entries].reverse()) chmodSync(join(root, path), mode);
    return await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The command line of the reference's `build-model`. */
export const TAR_ARGUMENTS = [
  '--sort=name',
  '--format=posix',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f',
  '--pax-option=delete=atime,delete=ctime',
  '--clamp-mtime',
  '--mtime=@0',
  '--numeric-owner',
  '--owner=0',
  '--group=0',
  '--mode=go+u,go-w',
] as const;

const inC = { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 1 << 28 };

export function gnuTar(path: string): Buffer {
  return execFileSync('tar', ['-cf', '-', '-C', path, '.', ...TAR_ARGUMENTS], inC);
}

/** The first bytes of an archive too large to make whole. */
export function gnuTarStart(path: string, bytes: number): Buffer {
  const line = `tar -cf - -C "$0" . ${TAR_ARGUMENTS.map((word) => `'${word}'`).join(' ')} | head -c ${bytes}`;
  return execFileSync('sh', ['-c', line, path], inC);
}

export const readFile = (path: string): AsyncIterable<Uint8Array> => createReadStream(path);
