/** `bombyx up` on its own chain: what clients pay in lies in contracts, and is there after a restart. A stop cuts nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { printed } from '../../testing/printed.ts';
import { freePorts } from '../ports.ts';
import { sseData } from '../sse.ts';
import { status } from './status.ts';

const main = new URL('../main.ts', import.meta.url).pathname;

interface Row {
  readonly whose: string;
  readonly what: string;
  readonly ton: string;
  readonly address: string;
  readonly detail: string;
}

it('serves for coins on a chain of its own, ends an answer before it stops, and goes on with the same contracts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-up-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const first = await start(t, folder);
  assert.deepEqual(first.events.filter((event) => /funded|created|registered/.test(event)).toSorted(), [
    'created',
    'funded',
    'funded',
    'funded',
    'funded',
  ]);
  assert.equal((await ask(first.baseUrl, { max_tokens: 8 })).status, 200);
  const before = await balances(folder);
  assert.match(row(before, 'client', 'contract').detail, /^normal, paid in and not used [1-9]/);
  assert.match(row(before, 'proxy', 'contract').detail, /^normal/);
  await first.stop();

  const second = await start(t, folder);
  const after = await balances(folder);
  const places = (rows: readonly Row[]) => rows.map(({ whose, what, address }) => [whose, what, address]);
  assert.deepEqual(places(after), places(before));
  assert.equal(row(after, 'client', 'contract').ton, row(before, 'client', 'contract').ton);
  const endless = { stream: true, logit_bias: { 2: -100 }, max_tokens: 100 }; // no end marker: the answer takes a while
  let stopped: Promise<void> | undefined;
  let last = '';
  for await (const data of sseData(await ask(second.baseUrl, endless))) {
    stopped ??= second.stop();
    last = data;
  }
  assert.equal(last, '[DONE]');
  await stopped;
});

const ask = (baseUrl: string, fields: object) =>
  fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'bombyx-tiny',
      messages: [{ role: 'user', content: 'Tell me a story.' }],
      ...fields,
    }),
  });

const row = (rows: readonly Row[], whose: string, what: string): Row => {
  const found = rows.find((candidate) => candidate.whose === whose && candidate.what === what);
  return found ?? assert.fail(`no ${what} of ${whose}`);
};

async function balances(folder: string): Promise<readonly Row[]> {
  const state = JSON.parse(await printed(status, '--json', '--data-dir', folder)) as { balances: readonly Row[] };
  return state.balances;
}

async function start(t: TestContext, folder: string) {
  const [port] = await freePorts(1);
  const up = spawn(process.execPath, [main, 'up', '--json', '--data-dir', folder, '--port', String(port)]);
  t.after(() => up.kill('SIGKILL'));
  const ended = once(up, 'exit');
  const events: string[] = [];
  for await (const line of createInterface({ input: up.stdout })) {
    const { event, message } = JSON.parse(line) as { event: string; message?: string };
    if (event === 'error') assert.fail(message);
    events.push(event);
    if (event === 'serving') break;
  }
  up.stdout.resume();
  const stop = async () => {
    up.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  };
  return { events, baseUrl: `http://127.0.0.1:${port}/v1`, stop };
}
