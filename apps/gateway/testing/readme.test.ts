import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultOptions } from '@bombyx/gateway';
import { serve } from './example.ts';
import { FakeClient } from './fake-client.ts';
import { openAiBackend } from './openai-backend.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the example of the README is the one that is compiled here, and it works', async () => {
  const code = /```ts\n(.*?)```/s.exec(README)?.[1];
  assert.equal(code, readFileSync(new URL('./example.ts', import.meta.url), 'utf8'));
  const controller = new AbortController();
  const baseUrl = await serve(new FakeClient(openAiBackend()), controller.signal);
  const models = await fetch(`${baseUrl}/models`, { headers: { connection: 'close' } });
  assert.equal(models.status, 200);
  controller.abort();
});

test('the README names every option', () => {
  for (const name of Object.keys(defaultOptions)) assert.ok(README.includes(`\`${name}\``), name);
});
