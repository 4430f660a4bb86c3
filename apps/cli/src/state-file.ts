/** `running.json` in the data folder: what `bombyx up` runs, for `status` and `chat`. Removed at a clean end. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ChildStatus } from './supervisor.ts';

export interface RunningState {
  readonly pid: number;
  readonly baseUrl: string;
  readonly model: string;
  readonly startedAtMs: number;
  readonly processes: readonly ChildStatus[];
}

/** `--data-dir`, or `.bombyx` in the home folder. */
export function dataDir(given: string | undefined): string {
  return resolve(given ?? join(homedir(), '.bombyx'));
}

const fileIn = (folder: string) => join(folder, 'running.json');

export function writeState(folder: string, state: RunningState): void {
  const temporary = `${fileIn(folder)}.new`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, fileIn(folder));
}

export function removeState(folder: string): void {
  rmSync(fileIn(folder), { force: true });
}

/** @returns undefined when nothing runs there: no file, a torn file, or a process that is gone */
export function readState(folder: string): RunningState | undefined {
  let state: RunningState;
  try {
    state = JSON.parse(readFileSync(fileIn(folder), 'utf8')) as RunningState;
    process.kill(state.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return state!; // alive, and another user's
    return undefined;
  }
  return state;
}
