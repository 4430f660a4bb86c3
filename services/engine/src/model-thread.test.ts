import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { EngineError } from './errors.ts';
import type { GenerateRequest } from './generate.ts';
import { ModelThread } from './model-thread.ts';

const file = readFileSync(new URL('../model/bombyx-tiny-q8.gguf', import.meta.url));
const sampling = { temperature: 0, topP: 1, frequencyPenalty: 0, presencePenalty: 0, logitBias: [[2, -100]] as const };
const endless: GenerateRequest = {
  prompts: [[1, 3, 40, 2, 4]],
  choices: 8,
  maxTokens: 500,
  stops: [],
  sampling,
  seed: 1,
};
const stopped = (error: unknown) => error instanceof EngineError && error.code === 'ENGINE_STOPPED';
const never = new AbortController().signal;
const deaf = { text() {}, finish() {} };

it('says and computes nothing more after an abort', async () => {
  const thread = await ModelThread.start(file);
  const client = new AbortController();
  let heard = 0;
  const text = () => {
    heard++;
    client.abort(new Error('enough'));
  };
  await assert.rejects(thread.generate(endless, { ...deaf, text }, client.signal), /enough/);
  const tokens = await thread.countTokens(); // its message follows the abort's, so the job is gone by now
  assert.ok(tokens < 1_000, `${tokens} of more than 3000 tokens were computed`);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual([heard, await thread.countTokens()], [1, tokens]);
  await thread.close();
});

it('rejects what runs when it is closed, and everything after', async () => {
  const thread = await ModelThread.start(file);
  const running = thread.generate(endless, deaf, never);
  const closed = thread.close();
  await assert.rejects(running, stopped);
  await closed;
  assert.equal(thread.alive, false);
  await assert.rejects(thread.embed([[1]], never), stopped);
});

it('refuses a file that is no model with the code of the reader', async () => {
  await assert.rejects(ModelThread.start(file.subarray(0, 1_000)), { code: 'ENGINE_MODEL_FORMAT' });
});
