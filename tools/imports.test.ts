/** The rule of imports: apps → services → packages, rows inside packages, and no service knows another. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { it } from 'node:test';

const root = new URL('..', import.meta.url).pathname;

/** A workspace imports only from a lower row. Row numbers as in ARCHITECTURE.md. */
const rows: Readonly<Record<string, number>> = {
  'packages/base': 0,
  'packages/wire': 1,
  'packages/attest': 1,
  'packages/json': 1,
  'packages/ledger': 1,
  'packages/page': 1,
  'packages/ton': 2,
  'packages/diary': 2,
  'packages/evidence': 2,
  'packages/transport': 2,
  'packages/config': 3,
  'services/client': 4,
  'services/proxy': 4,
  'services/worker': 4,
  'services/router': 4,
  'services/engine': 4,
  'services/devnet': 4,
  'apps/gateway': 5,
  'apps/cli': 6,
};
/** Private helpers of tests: nothing that ships may import them. */
const testOnly = new Set(['packages/testkit', 'e2e']);
const pure = new Set([
  'packages/base',
  'packages/wire',
  'packages/attest',
  'packages/json',
  'packages/ledger',
  'packages/page',
]);
const forbiddenInPure = /^node:(fs|net|tls|http|https|child_process|worker_threads|dgram|sqlite)/;

const isTest = (file: string) => /\.(test|bench)\.ts$/.test(file) || file.includes('/testing/');
const workspaceOf = (file: string) => file.split('/').slice(0, 2).join('/');
const manifest = (workspace: string) =>
  JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')) as {
    name: string;
    exports?: Record<string, string>;
    dependencies?: Record<string, string>;
  };
const workspaces = globSync('{packages,services,apps}/*', { cwd: root }).sort();
/** By each door that a workspace has: its name, and its name with a path that its `exports` list. */
const folderOf = new Map(
  workspaces.flatMap((folder) => {
    const { name, exports } = manifest(folder);
    return Object.keys(exports ?? { '.': '' }).map((door) => [`${name}${door.slice(1)}`, folder] as const);
  }),
);

const sources = globSync('{packages,services,apps}/*/src/**/*.ts', { cwd: root }).filter((file) => !isTest(file));
const imports = sources.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)'([^']+)'/g)].map(([, target]) => ({
    file,
    target: target!,
  }));
});

it('finds the sources it judges', () => {
  assert.ok(sources.length > 30, `${sources.length} files`);
  assert.deepEqual(
    [...new Set(sources.map(workspaceOf))].filter((w) => !(w in rows) && !testOnly.has(w)),
    [],
  );
});

it('imports go from a higher row to a lower one', () => {
  const wrong = imports.filter(({ file, target }) => {
    const to = folderOf.get(target);
    if (to === undefined || testOnly.has(workspaceOf(file))) return false;
    return testOnly.has(to) || (rows[to] ?? 99) >= (rows[workspaceOf(file)] ?? -1);
  });
  assert.deepEqual(wrong, []);
});

it('a workspace is entered by its doors, never by a file of another workspace', () => {
  const wrong = imports.filter(({ file, target }) => {
    if (target.startsWith('@bombyx/')) return !folderOf.has(target);
    if (!target.startsWith('.')) return false;
    return workspaceOf(relative(root, join(root, dirname(file), target))) !== workspaceOf(file);
  });
  assert.deepEqual(wrong, []);
});

it('every package imported is declared where it is imported', () => {
  const wrong = imports.filter(({ file, target }) => {
    if (target.startsWith('.') || target.startsWith('node:')) return false;
    const name = target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/');
    return !(name in (manifest(workspaceOf(file)).dependencies ?? {}));
  });
  assert.deepEqual(wrong, []);
});

it('pure packages touch no file, socket or process', () => {
  assert.deepEqual(
    imports.filter(({ file, target }) => pure.has(workspaceOf(file)) && forbiddenInPure.test(target)),
    [],
  );
});

it('only the command reads the environment', () => {
  const wrong = sources.filter(
    (file) => workspaceOf(file) !== 'apps/cli' && /process\.(env|argv)/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});

it('dependencies are pinned exactly', () => {
  const loose = ['', ...workspaces].flatMap((folder) => {
    const { dependencies = {} } = manifest(folder);
    return Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
  });
  assert.deepEqual(loose, []);
});
