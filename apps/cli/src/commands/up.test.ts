import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { freePorts } from '../ports.ts';

const main = new URL('../main.ts', import.meta.url).pathname;

it('holds its folder while it starts, and ends without an error when it is stopped then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-up-'));
  const [port, other] = await freePorts(2);
  const up = spawn(process.execPath, [main, 'up', '--json', '--data-dir', folder, '--port', String(port)]);
  const events: string[] = [];
  let second = '';
  const lines = createInterface({ input: up.stdout }).on('line', (line) => {
    const { event } = JSON.parse(line) as { event: string };
    events.push(event);
    if (event !== 'starting') return;
    const again = ['up', '--json', '--data-dir', folder, '--port', String(other)];
    second = spawnSync(process.execPath, [main, ...again], { encoding: 'utf8' }).stdout;
    up.kill('SIGTERM');
  });
  await Promise.all([once(up, 'exit'), once(lines, 'close')]);
  rmSync(folder, { recursive: true });
  assert.deepEqual(events, ['starting', 'stopping', 'stopped']);
  assert.equal(up.exitCode, 0);
  assert.equal((JSON.parse(second) as { code: string }).code, 'CLI_RUNNING');
});
