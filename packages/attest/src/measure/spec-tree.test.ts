import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { type SpecFile, specLine, specTreeId } from './spec-tree.ts';

const file = (path: string, content: string | Uint8Array = 'x', executable = false): SpecFile => ({
  path,
  executable,
  content: typeof content === 'string' ? utf8(content) : content,
});
const idOf = (files: readonly SpecFile[]) => {
  const verdict = specTreeId(files, crypto);
  return verdict.ok ? toHex(verdict.id) : assert.fail(verdict.failures.map(({ message }) => message).join());
};
const codes = (files: readonly SpecFile[]) => {
  const verdict = specTreeId(files, crypto);
  return verdict.ok ? [] : verdict.failures.map(({ code }) => code);
};
const small = [file('a.json', '{}\n'), file('init', '#!/bin/sh\n', true), file('sub/b')];
const SMALL = 'c01ed4abf29f038e6f417540baf51582612b76ca4548e3b2645f823cc13f70f0';

it('gives the tree id of git for a small specification, in any order of files', () => {
  assert.equal(idOf(small), SMALL);
  assert.equal(idOf(small.toReversed()), SMALL);
  assert.equal(specLine(fromHex(SMALL)), `cocoon:spec.tree=${SMALL}`);
});

it('sorts folders as if their names ended in a slash, as git does', () => {
  const files = ['a/x', 'a-b', 'a.c', 'a0', 'a.d/y'].map((path) => file(path)); // git 2.39: git write-tree
  assert.equal(idOf(files), '6d059461ad843a223b2c715513242d352fc042f9854320af6b0e9e15a3f20305');
});

it('leaves out what the hash leaves out, at the top only', () => {
  const left = [
    file('runtime/runtime.vars'),
    file('runtime/a/b'),
    file('spec.meta'),
    file('.gitignore'),
    file('sub/.gitignore'),
  ];
  assert.equal(idOf([...small, ...left, file('ignored-only/.gitignore')]), SMALL);
  assert.equal(idOf([...small, file('spec.tree', `${SMALL}\n`)]), SMALL);
  for (const counted of ['sub/runtime/x', 'sub/spec.tree', 'sub/spec.meta', 'runtime']) {
    assert.notEqual(idOf([...small, file(counted)]), SMALL, counted);
  }
});

it('notices a byte, a name, a mode', () => {
  const changed = [
    small.with(0, file('a.json', '{}')),
    small.with(0, file('A.json', '{}\n')),
    small.with(1, file('init', '#!/bin/sh\n')),
    small.slice(1),
    small.with(2, file('sub.b')),
  ];
  assert.equal(new Set([SMALL, ...changed.map(idOf)]).size, changed.length + 1);
});

it('refuses a spec.tree that names another hash', () => {
  assert.deepEqual(codes([...small, file('spec.tree', 'ab'.repeat(32))]), ['SPEC_DISAGREES']);
  assert.deepEqual(codes([...small, file('spec.tree', '')]), ['SPEC_DISAGREES']);
});

it('refuses nested repositories, paths that are none, doubles, and files above 10 MB', () => {
  for (const path of ['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a\0b', '.git/config', 'sub/.GIT', '\ud800']) {
    assert.deepEqual(codes([file(path)]), ['SPEC_PATH'], path);
  }
  assert.deepEqual(codes([file('a'), file('a')]), ['SPEC_PATH']);
  assert.deepEqual(codes([file('a'), file('a/b')]), ['SPEC_PATH']);
  assert.deepEqual(codes([file('a/b'), file('a')]), ['SPEC_PATH']);
  assert.deepEqual(codes([file('a', new Uint8Array(10_000_001))]), ['SPEC_TOO_LARGE']);
  assert.deepEqual(codes([file(`${'d/'.repeat(100)}x`)]), ['SPEC_PATH']);
  assert.deepEqual(codes(Array.from({ length: 10_001 }, (_, i) => file(`f${i}`, ''))), ['SPEC_TOO_LARGE']);
  assert.deepEqual(codes([file('..'), file('b', new Uint8Array(10_000_001))]), ['SPEC_PATH', 'SPEC_TOO_LARGE']);
});

const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-C', folder, ...args], {
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
  });
const withoutGit = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-git-'));
  const { status } = spawnSync('git', ['init', '-q', '--object-format=sha256', folder]);
  rmSync(folder, { recursive: true, force: true });
  return status === 0 ? false : 'not compared: git with SHA-256 objects is not installed here';
})();

it('is the tree id that git writes for any files', { skip: withoutGit }, () => {
  const name = fc
    .string({ unit: fc.constantFrom(...'ab-.0_Aé'), minLength: 1, maxLength: 4 })
    .filter((text) => !/^\.+$/.test(text));
  const anyFile = fc.record({
    names: fc.array(name, { minLength: 1, maxLength: 3 }),
    content: fc.uint8Array({ maxLength: 40 }),
    executable: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(anyFile, { minLength: 1, maxLength: 8 }), (listed) => {
      const files: SpecFile[] = [];
      for (const { names, ...rest } of listed) {
        const next = [...files, { path: names.join('/'), ...rest }];
        if (codes(next).length === 0) files.push({ path: names.join('/'), ...rest });
      }
      const folder = mkdtempSync(join(tmpdir(), 'bombyx-git-'));
      try {
        git(folder, 'init', '-q', '--object-format=sha256');
        for (const { path, content, executable } of files) {
          mkdirSync(join(folder, dirname(path)), { recursive: true });
          writeFileSync(join(folder, path), content);
          chmodSync(join(folder, path), executable ? 0o755 : 0o644);
        }
        git(folder, 'add', '-A', '-f');
        assert.equal(idOf(files), git(folder, 'write-tree').trim());
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 25 },
  );
});
