import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { it } from 'node:test';

const module = new URL('log.ts', import.meta.url).href;

it('does not end the process when the disk under its log is full', { skip: !existsSync('/dev/full') }, () => {
  const full = openSync('/dev/full', 'w');
  const program = `
    import { createLogger } from '${module}';
    const log = createLogger('proxy');
    for (let line = 0; line < 10_000; line++) log.info('a line', { line });
    setImmediate(() => console.log('alive', process.memoryUsage().heapUsed < 2 ** 28));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  });
  closeSync(full);
  assert.equal(stdout, 'alive true\n');
});

it('writes no value whose name says that it is secret', () => {
  const program = `
    import { createLogger } from '${module}';
    createLogger('proxy').info('configured', { node_wallet_key: 'hush', http_port: 1n });`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  const { msg, role, node_wallet_key: key, http_port: port } = JSON.parse(stderr) as Record<string, unknown>;
  assert.deepEqual([msg, role, key, port], ['configured', 'proxy', '[secret]', '1']);
});
