import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { readState, writeState } from './state-file.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-state-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const state = { baseUrl: 'http://127.0.0.1:1/v1', model: 'tiny', startedAtMs: 1, processes: [] };

it('reads what a process that runs has written', (t) => {
  const folder = folderFor(t);
  writeState(folder, { ...state, pid: process.pid });
  const { pid, baseUrl } = readState(folder) ?? {};
  assert.deepEqual([pid, baseUrl], [process.pid, state.baseUrl]);
});

it('takes no other program for the network whose number it was given', { skip: process.platform === 'win32' }, (t) => {
  const folder = folderFor(t);
  writeState(folder, { ...state, pid: process.pid });
  const file = join(folder, 'running.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(`"pid": ${process.pid}`, `"pid": ${process.ppid}`));
  assert.equal(readState(folder), undefined);
});

it('sees that the process is gone', async (t) => {
  const folder = folderFor(t);
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)']);
  writeState(folder, { ...state, pid: child.pid! });
  assert.equal(readState(folder)?.pid, child.pid);
  child.kill();
  await once(child, 'exit');
  assert.equal(readState(folder), undefined);
});

for (const text of ['', '{"pid":', 'null', '{}', '{"pid":"1"}', '{"pid":0}', '{"pid":-1}']) {
  it(`finds nothing that runs in a file that reads ${JSON.stringify(text)}`, (t) => {
    const folder = folderFor(t);
    writeFileSync(join(folder, 'running.json'), text);
    assert.equal(readState(folder), undefined);
  });
}
