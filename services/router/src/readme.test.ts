import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plainServer } from '../testing/worlds.ts';

const example = new URL('../testing/example.ts', import.meta.url);

it('shows the example of the README as it runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(readFileSync(example, 'utf8')));
  const { port } = await freed();
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(example), String(port)]);
  assert.equal(stdout, `socks5 ${port}\n`);
});

/** A port that was free a moment ago. */
async function freed(): Promise<{ readonly port: number }> {
  await using server = await plainServer(() => {});
  return { port: server.port };
}
