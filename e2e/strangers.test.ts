/** Clients that know nothing of us, unmodified, through the whole chain: the `openai` package and Vercel's `ai`. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { chat } from './testing/ask.ts';
import { COMPLETION_TOKENS, PROMPT_TOKENS } from './testing/backend.ts';
import { MODEL, Network } from './testing/network.ts';
import { until } from './testing/until.ts';

const words = (count: number) => 'word '.repeat(count).trim();
const weather = {
  name: 'weather',
  description: 'tells the weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

let network: Network;
let openai: OpenAI;

before(async () => {
  network = await Network.start();
  openai = network.openai();
});
after(() => network[Symbol.asyncDispose]());
afterEach(() => network.settled());

describe('the openai package', () => {
  it('completes a chat, with usage and a request id', async () => {
    const answer = await openai.chat.completions.create(chat('chunks=3'));
    assert.equal(answer.choices[0]?.message.content, words(3));
    assert.deepEqual(answer.usage, {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: 3,
      total_tokens: PROMPT_TOKENS + 3,
    });
    assert.match(answer._request_id ?? '', /^[0-9a-f]{64}$/);
  });

  it('streams a chat event by event while the server still writes', async () => {
    const before = network.backend.events();
    const stream = await openai.chat.completions.create({ ...chat('chunks=20 delay_ms=40'), stream: true });
    let writtenAtFirst = 0;
    let text = '';
    for await (const chunk of stream) {
      if (text === '') writtenAtFirst = network.backend.events() - before;
      text += chunk.choices[0]?.delta.content ?? '';
    }
    assert.equal(text, Array.from({ length: 20 }, (_, at) => `w${at} `).join(''));
    assert.ok(writtenAtFirst < 20, `${writtenAtFirst} events were written before the first arrived`);
  });

  it('gets the usage of a stream when it asks for it', async () => {
    const stream = openai.chat.completions.stream({ ...chat(''), stream_options: { include_usage: true } });
    assert.equal((await stream.totalUsage()).total_tokens, PROMPT_TOKENS + COMPLETION_TOKENS);
  });

  it('gets no chunk without a choice unless it asked for one, by chat and by completion', async () => {
    for (const options of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
      let text = '';
      for await (const chunk of await openai.chat.completions.create({
        ...chat('chunks=3'),
        ...options,
        stream: true,
      })) {
        text += chunk.choices[0]!.delta.content ?? ''; // as half of the world's programs have it
        assert.equal(chunk.usage, undefined);
      }
      assert.equal(text, 'w0 w1 w2 ');
    }
    const chunks = [];
    const completion = { model: MODEL, prompt: '[[chunks=3]]', stream: true } as const;
    for await (const chunk of await openai.completions.create(completion)) chunks.push(chunk.choices.length);
    assert.deepEqual(chunks, [1, 1, 1, 1]);
    assert.deepEqual(network.backend.lastBody()['stream_options'], { include_usage: true }, 'the server counts anyway');
  });

  it('has a tool called and its result taken back, whole and streamed', async () => {
    const asked: unknown[] = [];
    const report = (city: unknown) => {
      asked.push(city);
      return 'rain';
    };
    const tools = [{ type: 'function' as const, function: { ...weather, parse: JSON.parse, function: report } }];
    const whole = openai.chat.completions.runTools({ ...chat('chunks=2'), tools });
    assert.equal(await whole.finalContent(), words(2));
    const streamed = openai.chat.completions.runTools({ ...chat('chunks=2'), tools, stream: true });
    assert.equal(await streamed.finalContent(), 'w0 w1 ');
    assert.deepEqual(asked, [{ city: 'Bern' }, { city: 'Bern' }]);
    const [, called, result] = network.backend.lastBody()['messages'] as { role: string; content: string }[];
    assert.equal(called?.role, 'assistant');
    assert.deepEqual([result?.role, result?.content], ['tool', 'rain']);
  });

  it('parses an answer that obeys a JSON schema', async () => {
    const schema = { type: 'object', properties: { answer: { type: 'number' } }, required: ['answer'] };
    const answer = await openai.chat.completions.parse({
      ...chat(''),
      response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } },
    });
    assert.equal(answer.choices[0]?.message.content, '{"answer":42}');
    const sent = network.backend.lastBody()['response_format'] as { json_schema: unknown };
    assert.deepEqual(sent.json_schema, { name: 'reply', strict: true, schema });
  });

  it('gets embeddings', async () => {
    const answer = await openai.embeddings.create({ model: MODEL, input: 'silk', encoding_format: 'float' });
    assert.deepEqual(answer.data[0]?.embedding, [0.5, -0.5]);
    assert.equal(answer.usage.total_tokens, PROMPT_TOKENS);
  });

  it('gets a response from a server that knows only chat', async () => {
    const answer = await openai.responses.create({ model: MODEL, input: '[[chunks=2]]' });
    assert.equal(answer.output_text, words(2));
    assert.equal(answer.usage?.total_tokens, PROMPT_TOKENS + 2);
    let streamed = '';
    for await (const event of await openai.responses.create({ model: MODEL, input: '[[chunks=2]]', stream: true })) {
      if (event.type === 'response.output_text.delta') streamed += event.delta;
    }
    assert.equal(streamed, 'w0 w1 ');
  });

  it('lists the models of the network', async () => {
    const models = await openai.models.list();
    assert.deepEqual(
      models.data.map(({ id }) => id),
      [MODEL],
    );
  });

  it('stops the inference server within one event when it aborts', async () => {
    const { backend } = network;
    const before = { abandoned: backend.abandoned(), events: backend.events() };
    const stream = await openai.chat.completions.create({ ...chat('chunks=1000 delay_ms=100'), stream: true });
    for await (const _ of stream) {
      stream.controller.abort();
      break;
    }
    const atAbort = backend.events();
    await until('the server is told', () => backend.abandoned() > before.abandoned);
    const more = backend.events() - atAbort;
    assert.ok(atAbort > before.events && more <= 2, `${more} events after the abort`); // one on its way, one on a slow machine
  });

  it('raises its own class for each kind of failure', async () => {
    const raised = (body: OpenAI.ChatCompletionCreateParamsNonStreaming) => openai.chat.completions.create(body);
    await assert.rejects(raised(chat('status=400')), OpenAI.BadRequestError);
    await assert.rejects(raised({ ...chat(''), model: 'nobody-has-this' }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      return error.code === 'model_not_found' && error.param === 'model';
    });
    await assert.rejects(raised(chat('status=422')), OpenAI.UnprocessableEntityError);
    await assert.rejects(raised(chat('status=429')), OpenAI.RateLimitError);
    await assert.rejects(raised(chat('status=500')), OpenAI.InternalServerError);
    await assert.rejects(raised({ ...chat(''), max_tokens: -1 }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      return error.param === 'max_tokens';
    });
  });

  it('raises an error, not a short answer, when a stream breaks', async () => {
    const stream = await openai.chat.completions.create({ ...chat('chunks=5 delay_ms=20 die=2'), stream: true });
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    }, OpenAI.APIError);
    assert.equal(text, 'w0 w1 ');
  });

  it('retries by itself what may pass, and takes the time it is told', async () => {
    const before = network.backend.requests();
    const retrying = network.openai({ maxRetries: 2 });
    await assert.rejects(retrying.chat.completions.create(chat('status=429 retry=0')), OpenAI.RateLimitError);
    assert.equal(network.backend.requests() - before, 3);
    await assert.rejects(retrying.chat.completions.create(chat('status=400')), OpenAI.BadRequestError);
    assert.equal(network.backend.requests() - before, 4);
  });

  it('keeps its key to itself', async () => {
    await openai.chat.completions.create(chat(''));
    assert.equal(network.backend.lastHeaders().authorization, undefined);
    assert.ok(!JSON.stringify(network.backend.lastHeaders()).includes('stainless'));
  });
});

describe('the ai package', () => {
  const provider = () => createOpenAICompatible({ name: 'bombyx', baseURL: network.baseUrl, includeUsage: true });

  it('generates a text', async () => {
    const { text, usage } = await generateText({ model: provider()(MODEL), prompt: '[[chunks=3]]', maxRetries: 0 });
    assert.equal(text, words(3));
    assert.equal(usage.totalTokens, PROMPT_TOKENS + 3);
  });

  it('streams a text', async () => {
    const answer = streamText({ model: provider()(MODEL), prompt: '[[chunks=4 delay_ms=5]]', maxRetries: 0 });
    const parts: string[] = [];
    for await (const part of answer.textStream) parts.push(part);
    assert.deepEqual(parts, ['w0 ', 'w1 ', 'w2 ', 'w3 ']);
    assert.equal((await answer.usage).outputTokens, 4);
  });

  it('hears of a broken stream', async () => {
    const failures: unknown[] = [];
    const onError = ({ error }: { error: unknown }) => void failures.push(error);
    const answer = streamText({ model: provider()(MODEL), prompt: '[[delay_ms=20 die=1]]', maxRetries: 0, onError });
    await answer.consumeStream();
    assert.equal(failures.length, 1);
  });
});
