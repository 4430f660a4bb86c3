/** `running.json` in the data folder: what `bombyx up` runs, for `status` and `chat`. Removed at a clean end. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { processStart } from './process-start.ts';
import type { ChildStatus } from './supervisor.ts';

export interface RunningState {
  readonly pid: number;
  /** When that process began: {@link processStart}. Absent where the system does not tell. */
  readonly pidStart?: string | undefined;
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

export function writeState(folder: string, state: Omit<RunningState, 'pidStart'>): void {
  const temporary = `${fileIn(folder)}.new`;
  const whole: RunningState = { ...state, pidStart: processStart(state.pid) };
  writeFileSync(temporary, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, fileIn(folder));
}

export function removeState(folder: string): void {
  rmSync(fileIn(folder), { force: true });
}

/** @returns undefined when nothing runs there: no file, a torn file, a process that is gone, or another with its number */
export function readState(folder: string): RunningState | undefined {
  try {
    const state = JSON.parse(readFileSync(fileIn(folder), 'utf8')) as RunningState;
    return runs(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

function runs({ pid, pidStart }: RunningState): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false; // else alive, and another user's
  }
  return pidStart === undefined || processStart(pid) === pidStart;
}
