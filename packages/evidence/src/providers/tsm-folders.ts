/** Our request folders: `<name>-<process>-<number>`, so that those of processes that died can be told and removed. */
import { join } from 'node:path';
import { EvidenceError, errnoOf } from '../errors.ts';
import { failed } from './tsm-failures.ts';
import type { TsmFiles } from './tsm-files.ts';

/** Names tried before giving up; each one taken is a request under way, or one that a predecessor of our number left. */
const MAX_TRIES = 1_024;
/** For the process: several providers may share a root. */
let made = 0;
const ours = new Set<string>();

/** @returns the path of a new folder. @throws {EvidenceError} `TSM_UNAVAILABLE`, `TSM_BUSY`, `TSM_FAILED` */
export async function makeFolder(files: TsmFiles, root: string, name: string): Promise<string> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    made += 1;
    const folder = join(root, `${name}-${process.pid}-${made}`);
    try {
      await files.mkdir(folder);
      ours.add(folder);
      return folder;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') failed('mkdir', folder, error);
    }
  }
  throw new EvidenceError('TSM_BUSY', `no free name for a request in ${root}`);
}

/** What is left over goes when the next process begins. */
export async function removeFolder(files: TsmFiles, folder: string): Promise<void> {
  await files.rmdir(folder).catch(() => {});
  ours.delete(folder);
}

/** Removes what dead processes left, those that had our own number in a container included. Only tidying: what fails here shows again where it matters. */
export async function sweep(files: TsmFiles, root: string, name: string): Promise<void> {
  const entries = await files.list(root).catch(() => []);
  for (const entry of entries) {
    if (!entry.startsWith(`${name}-`)) continue;
    const [, owner] = /^(\d{1,10})-\d+$/.exec(entry.slice(name.length + 1)) ?? [];
    const folder = join(root, entry);
    const isLeft = Number(owner) === process.pid ? !ours.has(folder) : owner !== undefined && !isAlive(Number(owner));
    if (isLeft) await files.rmdir(folder).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'; // EPERM: it lives, and is somebody else's
  }
}
