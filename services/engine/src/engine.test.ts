import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { ENDLESS, eventually, say, started } from '../testing/started.ts';
import { startEngine } from './engine.ts';
import { EngineError } from './errors.ts';

const LONG = { ...ENDLESS, n: 8 }; // eight answers to the end of the context: seconds, unless it is aborted
const CHAT = '/v1/chat/completions';

/** Starts a streamed request and waits for its first bytes. @returns what makes the client leave */
async function streaming(url: string): Promise<() => void> {
  const client = new AbortController();
  const body = JSON.stringify({ ...say('Hello!'), ...LONG, stream: true });
  const response = await fetch(url + CHAT, { method: 'POST', body, signal: client.signal });
  await response.body?.getReader().read();
  return () => client.abort();
}

it('stops to compute when the client leaves', async () => {
  await using server = await started();
  const leave = await streaming(server.url);
  leave();
  await eventually(async () => (await server.engine.stats()).running === 0, 'the turn is given back');
  const { tokens } = await server.engine.stats();
  assert.ok(tokens < 8 * 500, 'the answers were not finished');
  await new Promise((done) => setTimeout(done, 50));
  assert.equal((await server.engine.stats()).tokens, tokens);
});

it('answers other requests while the model computes', async () => {
  await using server = await started();
  const leave = await streaming(server.url);
  assert.equal((await server.get('/health')).json.running, 1);
  leave();
});

it('refuses with 429 and Retry-After when the queue is full, and serves who waited', async () => {
  await using server = await started({ maxRunning: 1, maxQueue: 1 });
  const leave = await streaming(server.url);
  const waiting = server.chat('Hello!');
  await eventually(async () => (await server.engine.stats()).waiting === 1, 'one waits');
  const { status, headers, json } = await server.chat('Hello!', { stream: true });
  assert.deepEqual([status, headers.get('retry-after')], [429, '1']);
  assert.deepEqual([json.error.code, json.error.type], ['queue_full', 'rate_limit_error']);
  leave();
  assert.equal((await waiting).json.choices[0].finish_reason, 'stop');
});

it('forgets who leaves the queue', async () => {
  await using server = await started({ maxQueue: 1 });
  const leave = await streaming(server.url);
  const client = new AbortController();
  const waiting = server.post(CHAT, say('Hello!'), client.signal);
  await eventually(async () => (await server.engine.stats()).waiting === 1, 'one waits');
  client.abort();
  await assert.rejects(waiting);
  await eventually(async () => (await server.engine.stats()).waiting === 0, 'the place is free');
  leave();
});

it('runs several requests a token each in turn', async () => {
  await using server = await started({ maxRunning: 2 });
  const leave = await streaming(server.url);
  const { json } = await server.chat('Hello!'); // done long before the other
  assert.equal(json.choices[0].message.content, 'Hello! How can I help you today?');
  assert.equal((await server.engine.stats()).running, 1);
  leave();
});

it('tells whoever runs or waits when it closes, and listens no more', async () => {
  const server = await started();
  const running = server.chat('Hello!', LONG);
  await eventually(async () => (await server.engine.stats()).running === 1, 'one runs');
  const waiting = server.chat('Hello!');
  await eventually(async () => (await server.engine.stats()).waiting === 1, 'one waits');
  await server.engine.close();
  for (const { status, headers, json } of await Promise.all([running, waiting])) {
    assert.deepEqual([status, headers.get('retry-after'), json.error.code], [503, '1', 'unavailable']);
  }
  await assert.rejects(fetch(`${server.url}/health`));
  await server.engine.close(); // again, to no effect
});

it('ends a stream with an error event and without [DONE] when it closes', async () => {
  const server = await started();
  const body = JSON.stringify({ ...say('Hello!'), ...LONG, stream: true });
  const response = await fetch(server.url + CHAT, { method: 'POST', body });
  await server.engine.close();
  const events = (await response.text()).trimEnd().split('\n\n');
  assert.match(events.at(-1) ?? '', /^data: {"error":{.*"code":"unavailable"/);
});

it('names what is wrong with a model file before it listens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'));
  const modelPath = join(folder, 'model.gguf');
  const start = () => startEngine({ modelPath }, { clock: systemClock, log: silentLogger });
  const coded = (code: string) => (error: unknown) => error instanceof EngineError && error.code === code;
  try {
    await assert.rejects(start, coded('ENGINE_MODEL_FILE'));
    writeFileSync(modelPath, 'no model');
    await assert.rejects(start, coded('ENGINE_MODEL_FORMAT'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('passes on that the port is taken', async () => {
  await using server = await started();
  const again = startEngine({ port: server.engine.port }, { clock: systemClock, log: silentLogger });
  await assert.rejects(again, { code: 'EADDRINUSE' });
});
