/** POST /v1/chat/completions. Source: OpenAI's API reference, "Create chat completion". */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type AnswerForm, answer, type Exchange } from './answer.ts';
import { ApiError, boundedList, check } from './api-error.ts';
import { chatPrompt, type Message } from './prompt.ts';
import { generateOptions, samplingFields } from './sampling-fields.ts';

const MAX_MESSAGES = 512; // each takes tokens of a context that is not longer
const MAX_PARTS = 64;

const part = z.object({ type: z.string(), text: z.string().optional() });
const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z
    .union([z.string(), boundedList(part, MAX_PARTS)], `must be a string or up to ${MAX_PARTS} content parts`)
    .nullish(),
});
const schema = z.object({
  ...samplingFields,
  messages: boundedList(message, MAX_MESSAGES).refine((messages) => messages.length > 0, 'must have at least one item'),
  max_completion_tokens: samplingFields.max_tokens,
  response_format: z.object({ type: z.string() }).nullish(),
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  functions: z.array(z.unknown()).nullish(),
  function_call: z.unknown().optional(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().nullish(),
  modalities: z.array(z.string()).nullish(),
});
type ChatRequest = z.output<typeof schema>;

/** @throws {ApiError} for a request that is wrong, or that this model cannot fulfil */
export async function chatCompletion(exchange: Exchange, body: unknown): Promise<void> {
  const fields = check(schema, body);
  const { tokenizer, name, contextLength } = exchange.model;
  if (fields.model !== name) throw new ApiError('model_not_found', `there is no model ${fields.model}`, 'model');
  refuseUnsupported(fields);
  const options = { ...fields, max_tokens: fields.max_completion_tokens ?? fields.max_tokens };
  const messages = fields.messages.map(readMessage);
  const request = {
    prompts: [chatPrompt(tokenizer, messages, contextLength)],
    ...generateOptions(options, tokenizer.size),
  };
  const includeUsage = fields.stream_options?.include_usage === true;
  await answer(exchange, request, { stream: fields.stream === true, includeUsage }, chatForm(exchange));
}

/** What a client would rely on and not get. */
function refuseUnsupported(fields: ChatRequest): void {
  const refuse = (param: string, what: string) => {
    throw new ApiError('unsupported_value', `this model cannot ${what}`, param);
  };
  const { response_format: format, tool_choice: tool, function_call: call } = fields;
  if (fields.tools?.length && tool !== 'none') throw noCalls('tools', 'tool_choice');
  if (fields.functions?.length && call !== 'none') throw noCalls('functions', 'function_call');
  if (format && format.type !== 'text') refuse('response_format', `keep to the response format ${format.type}`);
  if (tool != null && tool !== 'auto' && tool !== 'none') refuse('tool_choice', 'call tools');
  if (call != null && call !== 'auto' && call !== 'none') refuse('function_call', 'call functions');
  if (fields.logprobs || fields.top_logprobs) refuse('logprobs', 'tell log probabilities');
  if (fields.modalities?.some((modality) => modality !== 'text')) refuse('modalities', 'answer in other than text');
}

function noCalls(param: string, choice: string): ApiError {
  const sentence = `this embedded model has no tool calls: leave "${param}" out, or ask with ${choice} "none"`;
  return new ApiError('unsupported_parameter', sentence, param);
}

function readMessage({ role, content }: ChatRequest['messages'][number], index: number): Message {
  if (role === 'tool' || role === 'function') {
    throw new ApiError('unsupported_value', 'this model cannot use tools', `messages.${index}.role`);
  }
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
  const text = parts.map((part, at) => {
    if (part.type === 'text' && part.text !== undefined) return part.text;
    throw new ApiError('unsupported_value', `this model reads text only`, `messages.${index}.content.${at}`);
  });
  return { role: role === 'developer' ? 'system' : role, text: text.join('') };
}

function chatForm({ model, createdSec }: Exchange): AnswerForm {
  const id = `chatcmpl-${randomUUID()}`;
  const event = (index: number, delta: object, finish_reason: string | null = null) => ({
    index,
    delta,
    logprobs: null,
    finish_reason,
  });
  return {
    opening: (index) => event(index, { role: 'assistant', content: '' }),
    delta: (index, content) => event(index, { content }),
    closing: (index, reason) => event(index, {}, reason),
    choice: ({ index, text, reason }) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: null,
      finish_reason: reason,
    }),
    envelope: (streamed) => ({
      id,
      object: streamed ? 'chat.completion.chunk' : 'chat.completion',
      created: createdSec,
      model: model.name,
    }),
  };
}
