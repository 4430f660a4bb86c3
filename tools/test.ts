/** What `npm test` does: lint, type-check, lockfile check, every test; prints one closing line with the counts. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
/** Compiled sources, shared by the some hundred processes of the tests: most of what a start costs is compiling. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/bombyx-tests') };

function step(name: string, command: string, args: readonly string[]): void {
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (status !== 0) process.exit(status ?? 1);
}

const only = process.argv.slice(2);
if (only.length === 0) {
  step('lint and format', 'npx', ['--no-install', 'biome', 'check', '.']);
  step('promises', 'npx', ['--no-install', 'oxlint']);
  step('types', 'npx', ['--no-install', 'tsc', '-b']);
  step('lockfile', process.execPath, ['tools/complete-lock.ts', '--check']);
}
const patterns = only.length > 0 ? only : ['{packages,services,apps,tools}/**/*.test.ts', 'e2e/**/*.test.ts'];
const files = globSync(patterns, { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' }).sort();
if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`);
  process.exit(1);
}
step('tests', process.execPath, [
  '--test',
  `--test-concurrency=${Math.max(2, availableParallelism())}`,
  '--test-timeout=120000',
  ...files,
]);
