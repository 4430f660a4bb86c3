#!/usr/bin/env node
// Plain JavaScript for Node 20: the rest of Bombyx needs Node 22.19, which npm installs beside it. Started under an
// older Node (a global link, a shell outside npm), the same command runs again with the one that npm installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../src/main.ts', import.meta.url);

if (major > 22 || (major === 22 && minor >= 19)) {
  keepCompiled();
  await import(main.href);
} else {
  const node = installedNode(dirname(fileURLToPath(import.meta.url)));
  if (node === undefined) {
    console.error(
      `bombyx needs Node 22.19 or later and this is ${process.version}: run "npm ci" in the Bombyx folder, which brings one.`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => {}); // the terminal sends it to both
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/**
 * Compiled sources stay for the next start and for the processes that this one starts: beside the code itself, so that
 * nobody can change them who could not change the code. Where that folder cannot be written there are none.
 */
function keepCompiled() {
  process.umask(0o077);
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../../node_modules/.cache/bombyx', import.meta.url));
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

/** The `node` package of the nearest folder above that has one. */
function installedNode(folder) {
  const file = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(file)) return file;
  const above = dirname(folder);
  return above === folder ? undefined : installedNode(above);
}
