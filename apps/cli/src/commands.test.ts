import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { commands } from './commands.ts';

for (const { name, summary, load } of commands) {
  it(`"bombyx help" says of ${name} what ${name} says of itself, with an example`, async () => {
    const command = await load();
    assert.deepEqual({ name, summary }, { name: command.name, summary: command.summary });
    assert.ok(command.examples[0]?.startsWith(`bombyx ${name}`), command.examples[0]);
  });
}

it('no command is left out of the list', async () => {
  const files = globSync('commands/*.ts', { cwd: import.meta.dirname, exclude: ['**/*.test.ts'] });
  const written = files.flatMap((file) => {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    return [...text.matchAll(/^export const (\w+)(?:: Command =| = \w*[cC]ommand\w*\()/gm)].map(([, name]) => name);
  });
  assert.deepEqual(written.toSorted(), commands.map(({ name }) => name).toSorted());
});
