/** The file behind the installed command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../bin/bombyx.js', import.meta.url));
const cache = fileURLToPath(new URL('../../../node_modules/.cache/bombyx', import.meta.url));

it('keeps compiled sources beside the code, where this user alone may write', () => {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, [bin, '--version'], { encoding: 'utf8', env });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual([stderr, status], ['', 0]);
  const kept = globSync('**', { cwd: cache });
  assert.ok(kept.length > 5, kept.join(' '));
  if (process.platform === 'win32') return;
  for (const name of kept) assert.equal(statSync(join(cache, name)).mode & 0o077, 0, name);
});

it('starts without them where there is no place', () => {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(bin, 'a file has none below it') };
  const { stdout, stderr, status } = spawnSync(process.execPath, [bin, '--version'], { encoding: 'utf8', env });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual([stderr, status], ['', 0]);
});
