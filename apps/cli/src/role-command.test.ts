import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { prepareNetwork } from './network.ts';

const main = new URL('main.ts', import.meta.url).pathname;

it('keeps the ledger to its owner, whatever the umask of the shell', {
  skip: process.platform === 'win32',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-role-'));
  const files = await prepareNetwork(folder, 10_000);
  const command = [main, 'proxy', '--config', files.config.proxy, '--disable-ton', files.root, '--json'];
  const before = process.umask(0o022);
  const proxy = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.umask(before);
  try {
    const [line] = (await once(createInterface({ input: proxy.stdout }), 'line')) as [string];
    assert.equal((JSON.parse(line) as { event: string }).event, 'ready', line);
    const ledger = join(folder, 'proxy');
    assert.equal(statSync(ledger).mode & 0o777, 0o700);
    const names = readdirSync(ledger);
    assert.ok(names.includes('books.sqlite-wal'), names.join(' '));
    for (const name of names) assert.equal(statSync(join(ledger, name)).mode & 0o777, 0o600, name);
  } finally {
    proxy.kill();
    await once(proxy, 'exit');
    rmSync(folder, { recursive: true });
  }
});

it('ends as wrong configuration where a folder in it is a file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-role-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = await prepareNetwork(folder, 10_000);
  for (const [role, field] of [
    ['proxy', 'db_path'],
    ['client', 'data_dir'],
  ] as const) {
    const config = JSON.parse(readFileSync(files.config[role], 'utf8')) as object;
    const path = join(folder, `${role}-file`);
    writeFileSync(path, '');
    writeFileSync(files.config[role], JSON.stringify({ ...config, [field]: path }));
    const command = [main, role, '--config', files.config[role], '--disable-ton', files.root, '--verbosity', '0'];
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    assert.match(stderr, new RegExp(`^bombyx: [^\\n]*${path}[^\\n]+\\n$`));
    assert.equal(status, 78);
  }
});
