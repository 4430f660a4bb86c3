import { join } from 'node:path';
import type { Scope } from '@bombyx/base';
import { makeFolder } from '@bombyx/config';
import { type Diary, openDiary } from '@bombyx/diary';
import type { Deps } from './role-command.ts';

/** A report of what was used, if there is a folder for it. It is no reason to stand still when it cannot be written. */
export function diaryIn(folder: string, file: string, deps: Deps, scope: Scope): Diary | undefined {
  if (folder === '') return undefined;
  try {
    makeFolder(folder);
    return scope.use(openDiary({ path: join(folder, file) }, deps));
  } catch (error) {
    deps.log.warn('there is no diary', { cause: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}
