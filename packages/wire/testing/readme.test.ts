import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';

it('the example of the README runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  assert.ok(example.includes("'@bombyx/wire'"));
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-wire-'));
  try {
    const file = join(folder, 'example.ts');
    writeFileSync(file, example.replace('@bombyx/wire', new URL('../src/index.ts', import.meta.url).href));
    await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
