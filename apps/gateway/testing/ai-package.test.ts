/** The Vercel `ai` package with its OpenAI-compatible provider, unmodified, against the gateway. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embed, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { gatewayFor, until } from './harness.ts';

async function provider(t: TestContext) {
  const harness = await gatewayFor(t);
  const options = {
    name: 'bombyx',
    baseURL: `${harness.baseUrl}/v1`,
    apiKey: 'x',
    includeUsage: true,
    supportsStructuredOutputs: true,
  };
  const bombyx = createOpenAICompatible(options);
  return { ...harness, bombyx, model: bombyx('Qwen/Qwen3-8B') };
}

const city = jsonSchema<{ city: string }>({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
});

test('generateText gives the text and the usage', async (t) => {
  const { model } = await provider(t);
  const { text, usage } = await generateText({ model, prompt: 'hello', maxRetries: 0 });
  assert.equal(text, 'Silk, réellement ✓');
  assert.equal(usage.totalTokens, 43);
});

test('streamText gives the pieces as they come', async (t) => {
  const { model } = await provider(t);
  const pieces: string[] = [];
  const result = streamText({ model, prompt: 'hello', maxRetries: 0 });
  for await (const piece of result.textStream) pieces.push(piece);
  assert.equal(pieces.join(''), 'Silk, réellement ✓');
  assert.equal((await result.usage).totalTokens, 43);
});

test('tools are run and their result sent back', async (t) => {
  const { model } = await provider(t);
  const asked: unknown[] = [];
  const weather = tool({
    description: 'weather of a city',
    inputSchema: city,
    execute: async (input: { city: string }) => {
      asked.push(input);
      return 'rain';
    },
  });
  const options = { model, prompt: 'weather?', tools: { weather }, stopWhen: stepCountIs(2), maxRetries: 0 };
  assert.equal((await generateText(options)).text, 'Silk, réellement ✓');
  assert.equal(await streamText(options).text, 'Silk, réellement ✓');
  assert.deepEqual(asked, [{ city: 'Bern' }, { city: 'Bern' }]);
});

test('a structured object is parsed', async (t) => {
  const { model } = await provider(t);
  const schema = jsonSchema<{ answer: number }>({ type: 'object', properties: { answer: { type: 'number' } } });
  const result = await generateText({ model, prompt: '?', output: Output.object({ schema }), maxRetries: 0 });
  assert.deepEqual(result.output, { answer: 42 });
});

test('embed gives the vector', async (t) => {
  const { bombyx } = await provider(t);
  const { embedding } = await embed({ model: bombyx.embeddingModel('Qwen/Qwen3-8B'), value: 'x', maxRetries: 0 });
  assert.deepEqual(embedding, [0.5, -1]);
});

test('an error has its status and our message', async (t) => {
  const { bombyx } = await provider(t);
  const call = generateText({ model: bombyx('no/such'), prompt: 'x', maxRetries: 0 });
  await assert.rejects(
    call,
    (error) => APICallError.isInstance(error) && error.statusCode === 404 && error.message === 'unknown model',
  );
});

test('an abort cancels the request', async (t) => {
  const { model, client } = await provider(t);
  const controller = new AbortController();
  const result = streamText({ model, prompt: '[[hang]]', abortSignal: controller.signal, maxRetries: 0 });
  const reading = (async () => {
    for await (const _ of result.textStream) {
      // read on
    }
  })().catch(() => {});
  await until(() => client.runs.length === 1, 'the request');
  controller.abort();
  await reading;
  await until(() => client.last.cancelled, 'the cancel');
});
