/** Prompts, answers and keys stay out of logs, error texts and metrics, also when the gateway itself fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LogFields, type Logger, systemClock } from '@bombyx/base';
import { startGateway } from '../src/index.ts';
import { FakeClient } from './fake-client.ts';
import { chat } from './harness.ts';
import { openAiBackend } from './openai-backend.ts';

const SECRET = 'silkworm-secret';

test('nothing a caller or a worker says reaches a log, an error or a metric', async (t) => {
  const lines: string[] = [];
  const write = (message: string, fields?: LogFields) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
  const client = new FakeClient(openAiBackend());
  const gateway = await startGateway({}, { client, clock: systemClock, log });
  t.after(() => gateway.close());
  const url = `http://127.0.0.1:${gateway.port}`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${SECRET}`, 'x-bombyx-model': SECRET };
  const post = (path: string, body: string) => fetch(url + path, { method: 'POST', headers, body });
  const errors: string[] = [];
  for (const body of [`{"${SECRET}"`, `{"model":5,"${SECRET}":1}`, JSON.stringify({ ...chat('x'), model: SECRET })]) {
    errors.push(await (await post('/v1/chat/completions', body)).text());
  }
  await (await post('/v1/chat/completions', JSON.stringify(chat(SECRET)))).text();
  await (await post(`/v1/${SECRET}?${SECRET}`, JSON.stringify(chat(SECRET)))).text();
  client.run = () => {
    throw new SyntaxError(`Unexpected token in "${SECRET}"`);
  };
  const failed = await post('/v1/chat/completions', JSON.stringify(chat(SECRET)));
  assert.equal(failed.status, 500);
  errors.push(await failed.text());
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(lines.join('\n'), /failed inside the gateway .*SyntaxError at /);
  for (const text of [...lines, ...errors, metrics]) assert.ok(!text.includes(SECRET), text);
});
