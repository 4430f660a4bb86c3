import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { MODEL, say, started } from '../testing/started.ts';

const server = await started();
after(() => server.engine.close());
const CHAT = '/v1/chat/completions';
const COMPLETIONS = '/v1/completions';
const EMBEDDINGS = '/v1/embeddings';
const text = (fields: object) => ({ model: MODEL, prompt: 'Hi', ...fields });
const input = (fields: object) => ({ model: MODEL, input: 'Hi', ...fields });

const TOOL = { type: 'function', function: { name: 'f', parameters: {} } };

const REFUSED: readonly (readonly [string, string, unknown, string, string | null])[] = [
  ['text that is no JSON', CHAT, '{"model":', 'invalid_json', null],
  ['an empty body', CHAT, '', 'invalid_json', null],
  ['a body that is no object', CHAT, [], 'invalid_value', null],
  ['no model', CHAT, { messages: [{ role: 'user', content: 'Hi' }] }, 'invalid_value', 'model'],
  ['another model', CHAT, { ...say('Hi'), model: 'gpt' }, 'model_not_found', 'model'],
  ['no messages', CHAT, { model: MODEL }, 'invalid_value', 'messages'],
  ['an empty list of messages', CHAT, { model: MODEL, messages: [] }, 'invalid_value', 'messages'],
  [
    'an unknown role',
    CHAT,
    { model: MODEL, messages: [{ role: 'usr', content: 'Hi' }] },
    'invalid_value',
    'messages.0.role',
  ],
  ['content that is a number', CHAT, say(7), 'invalid_value', 'messages.0.content'],
  ['an image', CHAT, say([{ type: 'image_url', image_url: {} }]), 'unsupported_value', 'messages.0.content.0'],
  [
    'an answer of a tool',
    CHAT,
    { model: MODEL, messages: [{ role: 'tool', content: '1' }] },
    'unsupported_value',
    'messages.0.role',
  ],
  ['a temperature above 2', CHAT, { ...say('Hi'), temperature: 2.1 }, 'invalid_value', 'temperature'],
  ['a negative temperature', CHAT, { ...say('Hi'), temperature: -1 }, 'invalid_value', 'temperature'],
  ['top_p above 1', CHAT, { ...say('Hi'), top_p: 1.1 }, 'invalid_value', 'top_p'],
  ['no answers', CHAT, { ...say('Hi'), n: 0 }, 'invalid_value', 'n'],
  ['too many answers', CHAT, { ...say('Hi'), n: 9 }, 'invalid_value', 'n'],
  ['fewer tokens than none', CHAT, { ...say('Hi'), max_tokens: -5 }, 'invalid_value', 'max_tokens'],
  [
    'max_completion_tokens below 0',
    CHAT,
    { ...say('Hi'), max_completion_tokens: -1 },
    'invalid_value',
    'max_completion_tokens',
  ],
  ['half a token', CHAT, { ...say('Hi'), max_tokens: 1.5 }, 'invalid_value', 'max_tokens'],
  ['a seed that is text', CHAT, { ...say('Hi'), seed: '1' }, 'invalid_value', 'seed'],
  ['five stop strings', CHAT, { ...say('Hi'), stop: ['a', 'b', 'c', 'd', 'e'] }, 'invalid_value', 'stop'],
  ['a bias on no token', CHAT, { ...say('Hi'), logit_bias: { 2048: 1 } }, 'invalid_value', 'logit_bias'],
  ['stream as text', CHAT, { ...say('Hi'), stream: 'yes' }, 'invalid_value', 'stream'],
  [
    'JSON mode',
    CHAT,
    { ...say('Hi'), response_format: { type: 'json_object' } },
    'unsupported_value',
    'response_format',
  ],
  [
    'a JSON schema',
    CHAT,
    { ...say('Hi'), response_format: { type: 'json_schema' } },
    'unsupported_value',
    'response_format',
  ],
  ['tools that it could never call', CHAT, { ...say('Hi'), tools: [TOOL] }, 'unsupported_parameter', 'tools'],
  [
    'tools to call as it likes',
    CHAT,
    { ...say('Hi'), tools: [TOOL], tool_choice: 'auto' },
    'unsupported_parameter',
    'tools',
  ],
  [
    'tools one of which must be called',
    CHAT,
    { ...say('Hi'), tools: [TOOL], tool_choice: 'required' },
    'unsupported_parameter',
    'tools',
  ],
  ['functions', CHAT, { ...say('Hi'), functions: [TOOL.function] }, 'unsupported_parameter', 'functions'],
  ['tools that are no list', CHAT, { ...say('Hi'), tools: 'f' }, 'invalid_value', 'tools'],
  ['a tool that must be called', CHAT, { ...say('Hi'), tool_choice: 'required' }, 'unsupported_value', 'tool_choice'],
  ['log probabilities', CHAT, { ...say('Hi'), logprobs: true }, 'unsupported_value', 'logprobs'],
  ['sound', CHAT, { ...say('Hi'), modalities: ['text', 'audio'] }, 'unsupported_value', 'modalities'],
  ['messages beyond the context', CHAT, say('7'.repeat(600)), 'context_length_exceeded', 'messages'],
  ['a megabyte of one word', CHAT, say('a'.repeat(1_000_000)), 'context_length_exceeded', 'messages'],
  [
    'a megabyte of wrong messages',
    CHAT,
    { model: MODEL, messages: Array(400_000).fill(1) },
    'invalid_value',
    'messages',
  ],
  [
    'a bias on all but everything',
    CHAT,
    { ...say('Hi'), logit_bias: { ...Array(2048).fill(0) } },
    'invalid_value',
    'logit_bias',
  ],
  ['no prompt', COMPLETIONS, { model: MODEL }, 'invalid_value', 'prompt'],
  ['a mixed prompt', COMPLETIONS, text({ prompt: ['a', 1] }), 'invalid_value', 'prompt'],
  ['a prompt of no tokens', COMPLETIONS, text({ prompt: [[]] }), 'invalid_value', 'prompt'],
  ['a token that does not exist', COMPLETIONS, text({ prompt: [2048] }), 'invalid_value', 'prompt'],
  [
    'a prompt beyond the context',
    COMPLETIONS,
    text({ prompt: Array(512).fill(9) }),
    'context_length_exceeded',
    'prompt',
  ],
  [
    'too many answers over all prompts',
    COMPLETIONS,
    text({ prompt: ['a', 'b', 'c'], n: 3 }),
    'invalid_value',
    'prompt',
  ],
  ['a suffix', COMPLETIONS, text({ suffix: 'x' }), 'unsupported_value', 'suffix'],
  ['log probabilities of a completion', COMPLETIONS, text({ logprobs: 1 }), 'unsupported_value', 'logprobs'],
  ['the best of more', COMPLETIONS, text({ best_of: 2 }), 'unsupported_value', 'best_of'],
  ['another size of embedding', EMBEDDINGS, input({ dimensions: 64 }), 'unsupported_value', 'dimensions'],
  ['an unknown encoding', EMBEDDINGS, input({ encoding_format: 'hex' }), 'invalid_value', 'encoding_format'],
  ['too many inputs', EMBEDDINGS, input({ input: Array(33).fill('a') }), 'invalid_value', 'input'],
];

for (const [what, path, body, code, param] of REFUSED) {
  it(`refuses ${what}`, async () => {
    const { status, json } = await server.post(path, body);
    assert.deepEqual([json.error.code, json.error.param, json.error.type], [code, param, 'invalid_request_error']);
    assert.equal(status, code === 'model_not_found' ? 404 : 400);
    assert.ok(json.error.message.length > 0);
  });
}

const SENTENCES: readonly (readonly [object, string])[] = [
  [{ model: MODEL }, "'messages' is missing"],
  [{ ...say('Hi'), max_tokens: -5 }, "'max_tokens' must be at least 0"],
  [{ ...say('Hi'), max_tokens: 1.5 }, "'max_tokens' must be a whole number"],
  [{ ...say('Hi'), temperature: 3 }, "'temperature' must be at most 2"],
  [{ ...say('Hi'), temperature: 'hot' }, "'temperature' must be a number"],
  [
    { ...say('Hi'), stop: ['a', 'b', 'c', 'd', 'e'] },
    "'stop' must be a string of at most 256 characters, or up to 4 of them",
  ],
  [{ ...say('Hi'), logit_bias: { x: 1 } }, "'logit_bias' must name tokens by their numbers"],
  [
    { model: MODEL, messages: [{ role: 'usr' }] },
    "'messages.0.role' must be one of system, developer, user, assistant, tool, function",
  ],
  [{ model: MODEL, messages: 'Hi' }, "'messages' must be a list"],
  [
    { model: MODEL, messages: Array(513).fill({ role: 'user', content: 'a' }) },
    "'messages' must have at most 512 items",
  ],
  [{ model: MODEL, messages: [] }, "'messages' must have at least one item"],
  [[], 'the body must be a JSON object'],
  [
    { ...say('Hi'), tools: [TOOL] },
    'this embedded model has no tool calls: leave "tools" out, or ask with tool_choice "none"',
  ],
];
for (const [body, sentence] of SENTENCES) {
  it(`says: ${sentence}`, async () => assert.equal((await server.post(CHAT, body)).json.error.message, sentence));
}

it('refuses a bad streamed request before the stream begins', async () => {
  assert.equal((await server.post(CHAT, { ...say('Hi'), stream: true, n: 0 })).status, 400);
});

it('refuses a body above 1 MiB after it was sent', async () => {
  const { status, json } = await server.post(CHAT, say('x'.repeat(3 << 20)));
  assert.equal(status, 413);
  assert.equal(json.error.code, 'body_too_large');
  assert.equal(json.error.message, 'a body may have 1 MiB (1048576 bytes) here: this model reads far less');
});

it('knows its paths and their methods', async () => {
  assert.equal((await server.get('/v2')).status, 404);
  assert.equal((await server.get('/v1/models/other')).json.error.code, 'model_not_found');
  const { status, headers } = await server.get(CHAT);
  assert.deepEqual([status, headers.get('allow')], [405, 'POST']);
});

it('lists its model and tells its health', async () => {
  const { json } = await server.get('/v1/models');
  assert.equal(json.object, 'list');
  assert.deepEqual((await server.get(`/v1/models/${MODEL}?x=1`)).json, json.data[0]);
  assert.equal(json.data[0].max_model_len, 512);
  assert.deepEqual((await server.get('/health')).json, { status: 'ok', model: MODEL, running: 0, waiting: 0 });
});

it('completes prompts of every form, and repeats them on request', async () => {
  const whole = (await server.post(COMPLETIONS, text({ prompt: 'What is', max_tokens: 4 }))).json;
  const echoed = (await server.post(COMPLETIONS, text({ prompt: ['What is'], max_tokens: 4, echo: true }))).json;
  assert.equal(echoed.choices[0].text, `What is${whole.choices[0].text}`);
  assert.deepEqual(echoed.usage, whole.usage);
  assert.equal(whole.object, 'text_completion');
  const tokens = (await server.post(COMPLETIONS, text({ prompt: [1, 3, 40, 2, 4], max_tokens: 2 }))).json;
  assert.deepEqual(tokens.usage, { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 });
});

it('streams completions of several prompts by index', async () => {
  const body = text({ prompt: ['What is', 'The capital'], max_tokens: 5, n: 2 });
  const events = await server.events(COMPLETIONS, body);
  const { choices } = (await server.post(COMPLETIONS, body)).json;
  const texts = ['', '', '', ''];
  for (const event of events) texts[event.choices[0].index] += event.choices[0].text;
  assert.deepEqual(
    texts,
    choices.map((choice: { text: string }) => choice.text),
  );
});

it('embeds inputs as vectors of length 1 that depend on the text alone', async () => {
  const { json } = await server.post(EMBEDDINGS, input({ input: ['Hello!', 'What is COCOON?', 'Hello!'] }));
  const [first, other, again] = json.data.map((item: { embedding: number[] }) => item.embedding);
  assert.equal(first.length, 192);
  assert.ok(Math.abs(Math.hypot(...first) - 1) < 1e-5);
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
  assert.equal(json.usage.prompt_tokens, json.usage.total_tokens);
  const packed = (await server.post(EMBEDDINGS, input({ input: 'Hello!', encoding_format: 'base64' }))).json;
  assert.equal(Buffer.from(packed.data[0].embedding, 'base64').readFloatLE(0), first[0]);
});
