/** What `npm test` does: every check of the sources, then every test; prints one line a check, and the tests' counts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
/** What tests write goes to memory where there is a folder for that with room enough. */
const TEMPORARY = '/dev/shm';
const TEMPORARY_BYTES = 4 * 2 ** 30;
/** Compiled sources, shared by the some hundred processes of the tests: most of what a start costs is compiling. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/bombyx-tests'),
  ...(hasRoom(TEMPORARY) ? { TMPDIR: TEMPORARY } : {}),
};

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= TEMPORARY_BYTES;
  } catch {
    return false;
  }
}

/** Names, commands. They need nothing of each other, and none keeps all cores busy: they run together. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['lint and format', 'npx', '--no-install', 'biome', 'check', '.'],
  ['promises', 'npx', '--no-install', 'oxlint'],
  ['types', 'npx', '--no-install', 'tsc', '-b'],
  ['nothing unused', 'npx', '--no-install', 'knip'],
  ['lockfile', process.execPath, 'tools/complete-lock.ts', '--check'],
];

/** Runs a command and tells how it went, below what it said: as it says it, or by `pipe` when it has ended. */
async function passes(
  output: 'inherit' | 'pipe',
  name: string,
  command: string,
  ...args: readonly string[]
): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', output, output] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => said.push(bytes));
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(Buffer.concat(said));
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  return code === 0;
}

const only = process.argv.slice(2);
if (only.length === 0) {
  const passed = await Promise.all(CHECKS.map((check) => passes('pipe', ...check)));
  if (passed.includes(false)) process.exit(1);
}
const patterns = only.length > 0 ? only : ['{packages,services,apps,tools}/**/*.test.ts', 'e2e/**/*.test.ts'];
const files = globSync(patterns, { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' }).sort();
if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`);
  process.exit(1);
}
// One file more at a time than there are cores: some wait for time to pass.
const succeeded = await passes(
  'inherit',
  'tests',
  process.execPath,
  '--test',
  `--test-concurrency=${Math.max(2, availableParallelism()) + 1}`,
  '--test-timeout=300000',
  ...files,
);
process.exitCode = succeeded ? 0 : 1;
