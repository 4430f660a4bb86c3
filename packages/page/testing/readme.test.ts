import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { shown } from './example.ts';

it('the example of the README makes the page it promises', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(readFileSync(new URL('./example.ts', import.meta.url), 'utf8')));
  assert.match(shown, /UQAuz1…3B-m/);
  assert.match(shown, /1,234/);
  assert.match(shown, /<b>&#60;script&#62;<\/b>/);
});
