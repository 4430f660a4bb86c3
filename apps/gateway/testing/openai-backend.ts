import { ClientError, type ClientErrorCode } from '@bombyx/client';
import { type Backend, type FakeRun, TOKENS } from './fake-client.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies of the OpenAI API, looked into by tests
type Json = any;

export interface BackendOptions {
  /** Whether the inference server has `/v1/responses`. */
  readonly responses?: boolean;
}

const USAGE = {
  prompt_tokens: 34,
  completion_tokens: 9,
  total_tokens: 43,
  prompt_tokens_details: { cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

/**
 * An inference server as seen through the network. The text of the last message steers it: `[[status=500]]` answers that
 * status, `[[error=CLIENT_NO_WORKER]]` fails in the network, `[[die=2]]` fails after two parts, `[[hang]]` sends one and waits, `[[first_ms=6000]]` is slow.
 */
export function openAiBackend(options: BackendOptions = {}): Backend {
  return (run) => {
    const path = run.request.path.replace(/\?.*/, '');
    if (run.request.model !== 'Qwen/Qwen3-8B') return fail(run, 'CLIENT_UNKNOWN_MODEL', 'unknown model');
    const sent = run.request.body.toString();
    const body: Json = sent.startsWith('{') ? JSON.parse(sent) : {};
    const text = textOf(body);
    const status = /\[\[status=(\d+)\]\]/.exec(text)?.[1];
    if (status)
      return reply(run, { error: { code: Number(status), message: 'forced', type: 'server_error' } }, Number(status));
    const code = /\[\[error=(\w+)\]\]/.exec(text)?.[1];
    if (code) return fail(run, code as ClientErrorCode, 'forced');
    const firstMs = Number(/first_ms=(\d+)/.exec(text)?.[1] ?? 0);
    if (firstMs > run.request.timeouts.firstByteMs)
      return fail(run, 'CLIENT_TIMEOUT', 'no answer within the time limit');
    if (run.request.maxTokens > 1e9)
      return fail(run, 'CLIENT_BALANCE', 'the prepaid balance does not cover this request');
    if (run.request.maxCoefficient < 1000)
      return fail(run, 'CLIENT_PRICE', 'the cheapest free worker asks 1000 thousandths');
    switch (path) {
      case '/v1/chat/completions':
        return body.stream ? stream(run, chatChunks(body), text) : reply(run, chatCompletion(body));
      case '/v1/completions':
        return reply(run, {
          id: 'cmpl-1',
          object: 'text_completion',
          created: 1,
          model: body.model,
          choices: [{ index: 0, text: 'xx', finish_reason: 'stop', logprobs: null }],
          usage: USAGE,
        });
      case '/v1/embeddings':
        return reply(run, {
          object: 'list',
          model: body.model,
          data: [{ object: 'embedding', index: 0, embedding: [0.5, -1] }],
          usage: { prompt_tokens: 1, total_tokens: 1 },
        });
      case '/v1/responses':
        if (!options.responses) return reply(run, { detail: 'Not Found' }, 404);
        return body.stream ? stream(run, NATIVE_EVENTS, text) : reply(run, NATIVE_RESPONSE);
      case '/v1/tokenize':
        return reply(run, { tokens: [1, 2] });
      default:
        return reply(run, { detail: 'Not Found' }, 404);
    }
  };
}

export function reply(run: FakeRun, body: Json, status = 200): void {
  run.sink.head(status, 'OK', [['content-type', 'application/json']]);
  run.sink.part(Buffer.from(JSON.stringify(body)));
  run.sink.end({ tokens: TOKENS });
}

export function fail(run: FakeRun, code: ClientErrorCode, message: string, retryAfterMs?: number): void {
  run.sink.error(new ClientError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs }));
}

function stream(run: FakeRun, events: readonly Json[], text: string): void {
  const die = /\bdie=(\d+)/.exec(text)?.[1];
  run.sink.head(200, 'OK', [['content-type', 'text/event-stream; charset=utf-8']]);
  let next = 0;
  const step = () => {
    if (run.cancelled) return;
    if (next === Number(die)) return fail(run, 'CLIENT_WORKER', 'the worker was lost');
    if (next === 1 && text.includes('[[hang]]')) return;
    const event = events[next++];
    if (event) {
      run.sink.part(Buffer.from(`${event.type ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`));
      setImmediate(step);
    } else {
      if (!events[0].type) run.sink.part(Buffer.from('data: [DONE]\n\n'));
      run.sink.end({ tokens: TOKENS });
    }
  };
  setImmediate(step);
}

function textOf(body: Json): string {
  const last = body.messages?.at(-1)?.content ?? body.input ?? body.prompt ?? '';
  return typeof last === 'string' ? last : JSON.stringify(last);
}

function message(body: Json): Json {
  if (body.tools?.length && body.messages.at(-1).role !== 'tool') {
    const call = {
      id: 'call_1',
      type: 'function',
      function: { name: body.tools[0].function.name, arguments: '{"city":"Bern"}' },
    };
    return { role: 'assistant', content: null, tool_calls: [call] };
  }
  const content = body.response_format?.type === 'json_schema' ? '{"answer":42}' : 'Silk, réellement ✓';
  return { role: 'assistant', content, refusal: null };
}

function chatCompletion(body: Json): Json {
  const answer = message(body);
  const finish_reason = answer.tool_calls ? 'tool_calls' : textOf(body).includes('[[long]]') ? 'length' : 'stop';
  const choices = [{ index: 0, message: answer, finish_reason, logprobs: null }];
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: body.model, choices, usage: USAGE };
}

function chatChunks(body: Json): Json[] {
  const chunk = (delta: Json, finish_reason: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: body.model,
    choices: [{ index: 0, delta, finish_reason }],
  });
  const { content, tool_calls: calls } = message(body);
  const deltas: Json[] = [chunk({ role: 'assistant', content: '' })];
  if (textOf(body).includes('[[think]]')) deltas.push(chunk({ reasoning_content: 'hm' }));
  for (const [index, call] of (calls ?? []).entries()) {
    const { name, arguments: args } = call.function;
    deltas.push(chunk({ tool_calls: [{ index, id: call.id, type: 'function', function: { name, arguments: '' } }] }));
    for (const piece of [args.slice(0, 5), args.slice(5)])
      deltas.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
  }
  for (const word of content?.match(/\S+\s*/g) ?? []) deltas.push(chunk({ content: word }));
  deltas.push(chunk({}, calls ? 'tool_calls' : 'stop'));
  if (body.stream_options?.include_usage) deltas.push({ ...chunk({}), choices: [], usage: USAGE });
  return deltas;
}

const NATIVE_RESPONSE = {
  id: 'resp_native',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'Qwen/Qwen3-8B',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'native', annotations: [] }],
    },
  ],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
};

const NATIVE_EVENTS = [
  { type: 'response.created', sequence_number: 0, response: { ...NATIVE_RESPONSE, status: 'in_progress', output: [] } },
  { type: 'response.completed', sequence_number: 1, response: NATIVE_RESPONSE },
];
