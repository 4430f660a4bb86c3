import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const example = new URL('../testing/example.ts', import.meta.url);

it('shows the example of the README as it runs', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(readFileSync(example, 'utf8')));
  const printed = execFileSync(process.execPath, [fileURLToPath(example)], { encoding: 'utf8' });
  assert.equal(printed, "5000000000n\n{ ok: true, result: '5000000000' }\n");
});
