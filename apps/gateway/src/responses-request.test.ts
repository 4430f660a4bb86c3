import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatFromResponses } from './responses-request.ts';

const model = 'm';

test('settings are said in the words of chat, unknown ones are copied, those of a store are left out', () => {
  const chat = chatFromResponses({
    model,
    input: 'x',
    max_output_tokens: 5,
    reasoning: { effort: 'low' },
    text: { verbosity: 'low', format: { type: 'json_object' } },
    tool_choice: { type: 'function', name: 'f' },
    tools: [{ type: 'function', name: 'f', parameters: {}, strict: true }],
    top_logprobs: 2,
    temperature: 0.5,
    stream: true,
    store: true,
    metadata: { a: 'b' },
    include: [],
    background: false,
    previous_response_id: null,
    vendor_option: [1],
  });
  assert.deepEqual(chat, {
    model,
    messages: [{ role: 'user', content: 'x' }],
    max_tokens: 5,
    reasoning_effort: 'low',
    verbosity: 'low',
    response_format: { type: 'json_object' },
    tool_choice: { type: 'function', function: { name: 'f' } },
    tools: [{ type: 'function', function: { name: 'f', parameters: {}, strict: true } }],
    logprobs: true,
    top_logprobs: 2,
    temperature: 0.5,
    stream: true,
    stream_options: { include_usage: true },
    vendor_option: [1],
  });
});

test('a conversation becomes messages; calls join the message before them', () => {
  const { messages } = chatFromResponses({
    model,
    input: [
      { role: 'developer', content: 'rules' },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'look' },
          { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' },
        ],
      },
      { type: 'reasoning', summary: [] },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'I ' },
          { type: 'output_text', text: 'see' },
        ],
      },
      { type: 'function_call', call_id: '1', name: 'f', arguments: '{}' },
      { type: 'function_call', call_id: '2', name: 'g', arguments: '{}' },
      { type: 'function_call_output', call_id: '1', output: [{ type: 'input_text', text: 'done' }] },
    ],
  });
  assert.deepEqual(messages, [
    { role: 'system', content: 'rules' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'look' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
      ],
    },
    {
      role: 'assistant',
      content: 'I see',
      tool_calls: [
        { id: '1', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: '2', type: 'function', function: { name: 'g', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: '1', content: 'done' },
  ]);
});

test('what a chat cannot say is refused with the name of its field', () => {
  const cases: [Record<string, unknown>, string, string][] = [
    [{ input: 5 }, 'input', 'GATEWAY_INVALID_VALUE'],
    [{ input: ['x'] }, 'input', 'GATEWAY_INVALID_VALUE'],
    [{ input: [{ role: 'user' }] }, 'input', 'GATEWAY_INVALID_VALUE'],
    [{ input: [{ role: 'user', content: ['x'] }] }, 'input', 'GATEWAY_INVALID_VALUE'],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input', 'GATEWAY_UNSUPPORTED'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'x' }] }] }, 'input', 'GATEWAY_UNSUPPORTED'],
    [{ input: 'x', tools: [{ type: 'web_search' }] }, 'tools', 'GATEWAY_UNSUPPORTED'],
    [{ input: 'x', tool_choice: { type: 'allowed_tools' } }, 'tool_choice', 'GATEWAY_UNSUPPORTED'],
    [{ input: 'x', previous_response_id: 'resp_1' }, 'previous_response_id', 'GATEWAY_UNSUPPORTED'],
    [{ input: 'x', conversation: 'c' }, 'conversation', 'GATEWAY_UNSUPPORTED'],
    [{ input: 'x', background: true }, 'background', 'GATEWAY_UNSUPPORTED'],
  ];
  for (const [request, param, code] of cases)
    assert.throws(() => chatFromResponses({ model, ...request }), { param, code });
});
