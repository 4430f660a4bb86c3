/** The official `openai` package, unmodified, against the gateway. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { chat, gatewayFor, until } from './harness.ts';
import { fail, openAiBackend, reply } from './openai-backend.ts';

const model = 'Qwen/Qwen3-8B';

async function openai(t: TestContext, backend = openAiBackend(), maxRetries = 0) {
  const harness = await gatewayFor(t, backend);
  const api = new OpenAI({ baseURL: `${harness.baseUrl}/v1`, apiKey: 'sk-never-forwarded', maxRetries });
  return { ...harness, api };
}

const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

test('a chat completion comes back with usage and a request id', async (t) => {
  const { api, client } = await openai(t);
  const answer = await api.chat.completions.create(chat('hello', { seed: 1, user: 'u' }) as never);
  const completion = answer as OpenAI.ChatCompletion & { _request_id?: string };
  assert.equal(completion.choices[0]?.message.content, 'Silk, réellement ✓');
  assert.equal(completion.usage?.total_tokens, 43);
  assert.equal(completion._request_id, client.last.id);
  assert.ok(!JSON.stringify(client.last.request.headers).includes('sk-never-forwarded'));
  assert.ok(!JSON.stringify(client.last.request.headers).toLowerCase().includes('stainless'));
});

test('a stream arrives in its pieces and ends', async (t) => {
  const { api } = await openai(t);
  const stream = await api.chat.completions.create({
    ...chat('hello'),
    stream: true,
    stream_options: { include_usage: true },
  });
  const pieces: string[] = [];
  let usage: unknown;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
    usage = chunk.usage ?? usage;
  }
  assert.deepEqual(pieces, ['Silk, ', 'réellement ', '✓']);
  assert.ok(usage);
});

test('the stream helper assembles the message', async (t) => {
  const { api } = await openai(t);
  assert.equal(await api.chat.completions.stream(chat('hello')).finalContent(), 'Silk, réellement ✓');
});

test('tools are called, whole and streamed', async (t) => {
  const { api } = await openai(t);
  const whole = await api.chat.completions.create({ ...chat('weather?'), tools: [weather] });
  const call = whole.choices[0]?.message.tool_calls?.[0];
  assert.equal(call?.type === 'function' ? call.function.arguments : '', '{"city":"Bern"}');
  assert.equal(whole.choices[0]?.finish_reason, 'tool_calls');
  const streamed = await api.chat.completions.stream({ ...chat('weather?'), tools: [weather] }).finalChatCompletion();
  const second = streamed.choices[0]?.message.tool_calls?.[0];
  assert.equal(second?.type === 'function' ? second.function.arguments : '', '{"city":"Bern"}');
});

test('the tool runner calls the function and sends its result back', async (t) => {
  const { api, client } = await openai(t);
  const asked: unknown[] = [];
  const report = (args: unknown) => {
    asked.push(args);
    return 'rain';
  };
  const fn = { ...weather.function, description: 'weather', function: report, parse: JSON.parse };
  const runner = api.chat.completions.runTools({
    ...chat('weather?'),
    stream: true,
    tools: [{ type: 'function', function: fn }],
  });
  assert.equal(await runner.finalContent(), 'Silk, réellement ✓');
  assert.deepEqual(asked, [{ city: 'Bern' }]);
  const [, called, result] = JSON.parse(client.last.request.body.toString()).messages;
  assert.equal(called.tool_calls[0].id, 'call_1');
  assert.deepEqual(result, { role: 'tool', tool_call_id: 'call_1', content: 'rain' });
});

test('structured output is parsed by the package', async (t) => {
  const { api, client } = await openai(t);
  const schema = {
    type: 'object',
    properties: { answer: { type: 'number' } },
    required: ['answer'],
    additionalProperties: false,
  };
  const answer = await api.chat.completions.parse({
    ...chat('?'),
    response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } },
  });
  assert.deepEqual(answer.choices[0]?.message.parsed, { answer: 42 });
  assert.deepEqual(JSON.parse(client.last.request.body.toString()).response_format.json_schema.schema, schema);
});

test('completions and embeddings work', async (t) => {
  const { api } = await openai(t);
  assert.equal((await api.completions.create({ model, prompt: 'x' })).choices[0]?.text, 'xx');
  const embedding = await api.embeddings.create({ model, input: 'x', encoding_format: 'float' });
  assert.deepEqual(embedding.data[0]?.embedding, [0.5, -1]);
});

test('models are listed and retrieved, also with a slash in their name', async (t) => {
  const { api } = await openai(t);
  const ids: string[] = [];
  for await (const one of api.models.list()) ids.push(one.id);
  assert.deepEqual(ids, [model]);
  assert.equal((await api.models.retrieve(model)).id, model);
  await assert.rejects(api.models.retrieve('no/such'), OpenAI.NotFoundError);
});

test('responses are passed through where the server has them', async (t) => {
  const { api, client } = await openai(t, openAiBackend({ responses: true }));
  const whole = await api.responses.create({ model, input: 'hello' });
  assert.equal(whole.output_text, 'native');
  const types: string[] = [];
  for await (const event of await api.responses.create({ model, input: 'hello', stream: true })) types.push(event.type);
  assert.deepEqual(types, ['response.created', 'response.completed']);
  assert.equal(JSON.parse(client.last.request.body.toString()).max_output_tokens, 4096);
});

test('responses are translated where the server lacks them, and it is asked only once', async (t) => {
  const { api, client } = await openai(t);
  const first = await api.responses.create({ model, input: 'hello', instructions: 'be brief', max_output_tokens: 50 });
  assert.equal(first.output_text, 'Silk, réellement ✓');
  assert.equal(first.status, 'completed');
  assert.deepEqual(first.usage, {
    input_tokens: 34,
    input_tokens_details: { cached_tokens: 8 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 43,
  });
  const chatBody = JSON.parse(client.last.request.body.toString());
  assert.deepEqual(chatBody.messages, [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hello' },
  ]);
  assert.equal(chatBody.max_tokens, 50);
  await api.responses.create({ model, input: 'hello' });
  assert.deepEqual(
    client.runs.map((run) => run.request.path),
    ['/v1/responses', '/v1/chat/completions', '/v1/chat/completions'],
  );
});

test('a translated stream has the event sequence of the Responses API', async (t) => {
  const { api } = await openai(t);
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of await api.responses.create({ model, input: '[[think]]', stream: true })) events.push(event);
  assert.deepEqual(
    events.map((event) => event.type),
    [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.reasoning_text.delta',
      'response.reasoning_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ],
  );
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, i) => i),
  );
  const last = events.at(-1);
  assert.equal(last?.type === 'response.completed' ? last.response.usage?.total_tokens : undefined, 43);
});

test('the stream helper for responses assembles a translated one, tools and structure included', async (t) => {
  const { api, client } = await openai(t);
  assert.equal(
    (await api.responses.stream({ model, input: 'hello' }).finalResponse()).output_text,
    'Silk, réellement ✓',
  );
  const tools = [{ type: 'function' as const, name: 'weather', parameters: { type: 'object' }, strict: false }];
  const called = await api.responses.stream({ model, input: 'hello', tools }).finalResponse();
  const call = called.output.find((item) => item.type === 'function_call');
  assert.equal(call?.arguments, '{"city":"Bern"}');
  const next = await api.responses.create({
    model,
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'weather?' }] },
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'rain' },
    ],
  });
  assert.equal(next.output_text, 'Silk, réellement ✓');
  assert.deepEqual(JSON.parse(client.last.request.body.toString()).messages, [
    { role: 'user', content: 'weather?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
  ]);
  const format = {
    type: 'json_schema' as const,
    name: 'a',
    strict: true,
    schema: {
      type: 'object',
      properties: { answer: { type: 'number' } },
      required: ['answer'],
      additionalProperties: false,
    },
  };
  const parsed = await api.responses.parse({ model, input: '?', text: { format } });
  assert.deepEqual(parsed.output_parsed, { answer: 42 });
});

test('an answer cut by its limit is an incomplete response', async (t) => {
  const { api } = await openai(t);
  const answer = await api.responses.create({ model, input: '[[long]]' });
  assert.equal(answer.status, 'incomplete');
  assert.equal(answer.incomplete_details?.reason, 'max_output_tokens');
});

test('what only a server with a memory can do is refused with the name of the field', async (t) => {
  const { api } = await openai(t);
  await assert.rejects(api.responses.create({ model, input: 'x', previous_response_id: 'resp_1' }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'previous_response_id');
    return true;
  });
  await assert.rejects(
    api.responses.create({ model, input: 'x', tools: [{ type: 'web_search' }] }),
    OpenAI.BadRequestError,
  );
});

test('errors become the classes of the package', async (t) => {
  const { api } = await openai(t);
  const cases: [string, new (...args: never[]) => Error][] = [
    ['[[status=400]]', OpenAI.BadRequestError],
    ['[[status=401]]', OpenAI.AuthenticationError],
    ['[[status=429]]', OpenAI.RateLimitError],
    ['[[status=500]]', OpenAI.InternalServerError],
    ['[[error=CLIENT_BAD_REQUEST]]', OpenAI.BadRequestError],
    ['[[error=CLIENT_PRICE]]', OpenAI.ConflictError],
    ['[[error=CLIENT_NO_WORKER]]', OpenAI.InternalServerError],
    ['[[error=CLIENT_TIMEOUT]]', OpenAI.InternalServerError],
  ];
  for (const [text, Class] of cases) await assert.rejects(api.chat.completions.create(chat(text)), Class, text);
  await assert.rejects(api.chat.completions.create({ ...chat('x'), model: 'no/such' }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.equal(error.type, 'invalid_request_error');
    return true;
  });
});

test('the package repeats what may succeed later, and not what cannot', async (t) => {
  let calls = 0;
  const { api } = await openai(
    t,
    (run) => {
      if (++calls === 1) fail(run, 'CLIENT_NO_WORKER', 'no worker', 5);
      else reply(run, { choices: [] });
    },
    2,
  );
  await api.chat.completions.create(chat('hello'));
  assert.equal(calls, 2);

  const price = await openai(t, openAiBackend(), 2);
  await assert.rejects(price.api.chat.completions.create(chat('[[error=CLIENT_PRICE]]')), OpenAI.ConflictError);
  assert.equal(price.client.runs.length, 1);
});

test('an aborted stream cancels the request', async (t) => {
  const { api, client } = await openai(t);
  const stream = await api.chat.completions.create({ ...chat('[[hang]]'), stream: true });
  for await (const _ of stream) break;
  await until(() => client.last.cancelled, 'the cancel');
});

test('an aborted call without an answer cancels the request', async (t) => {
  const { api, client } = await openai(t, () => {});
  const controller = new AbortController();
  const call = api.chat.completions.create(chat('hello'), { signal: controller.signal });
  call.catch(() => {});
  await until(() => client.runs.length === 1, 'the request');
  controller.abort();
  await assert.rejects(call, OpenAI.APIUserAbortError);
  await until(() => client.last.cancelled, 'the cancel');
});

test('a stream that breaks is an error and not a short answer', async (t) => {
  const { api } = await openai(t);
  for (const request of [
    async () => api.chat.completions.create({ ...chat('[[die=2]]'), stream: true }),
    async () => api.responses.create({ model, input: '[[die=2]]', stream: true }),
  ]) {
    await assert.rejects(async () => {
      for await (const _ of await request()) {
        // read on
      }
    }, OpenAI.APIError);
  }
});
