import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Supervisor } from './supervisor.ts';

it('starts a process again that died, also when the folder of its log is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-supervisor-'));
  const main = join(folder, 'main.js');
  writeFileSync(main, `console.log('{"event":"ready"}'); setInterval(() => {}, 1000);`);
  const restarted = Promise.withResolvers<void>();
  let ready = 0;
  const supervisor = new Supervisor({
    main,
    startTimeoutMs: 60_000,
    stopTimeoutMs: 10_000,
    onEvent(_role, { event }) {
      if (event === 'ready' && ++ready === 2) restarted.resolve();
    },
  });
  await supervisor.start(
    { role: 'worker', args: [], logFile: join(folder, 'none', 'worker.log') },
    new AbortController().signal,
  );
  process.kill(supervisor.status()[0]!.pid!, 'SIGKILL');
  await restarted.promise;
  assert.equal(supervisor.status()[0]?.restarts, 1);
  await supervisor[Symbol.asyncDispose]();
  assert.equal(supervisor.status()[0]?.state, 'stopped');
  rmSync(folder, { recursive: true });
});
