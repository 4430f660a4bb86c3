/** Programs that some tests compare with. Where one is missing, the test says so and is skipped. */
import { spawnSync } from 'node:child_process';

/** @returns what `it` takes as `skip` */
export function missing(program: string, says: RegExp): string | false {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return says.test(stdout ?? '') ? false : `not compared: ${program} is not installed here`;
}

export const withoutGnuTar = missing('tar', /GNU tar/);
export const withoutVeritysetup = missing('veritysetup', /veritysetup/);
