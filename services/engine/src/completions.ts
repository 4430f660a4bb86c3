/** POST /v1/completions. Source: OpenAI's API reference, "Create completion" (legacy). */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type AnswerForm, answer, type Exchange } from './answer.ts';
import { ApiError, check } from './api-error.ts';
import { promptField, readPrompts } from './prompt-field.ts';
import { generateOptions, MAX_CHOICES, samplingFields } from './sampling-fields.ts';

const schema = z.object({
  ...samplingFields,
  prompt: promptField,
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  best_of: z.int().nullish(),
  logprobs: z.int().nullish(),
});

/** @throws {ApiError} for a request that is wrong, or that this model cannot fulfil */
export async function completion(exchange: Exchange, body: unknown): Promise<void> {
  const fields = check(schema, body);
  const { tokenizer, name } = exchange.model;
  if (fields.model !== name) throw new ApiError('model_not_found', `there is no model ${fields.model}`, 'model');
  if (fields.suffix) throw new ApiError('unsupported_value', 'this model cannot fill in before a suffix', 'suffix');
  if (fields.logprobs != null)
    throw new ApiError('unsupported_value', 'this model cannot tell log probabilities', 'logprobs');
  const choices = fields.n ?? 1;
  if ((fields.best_of ?? choices) !== choices)
    throw new ApiError('unsupported_value', 'best_of must equal n', 'best_of');
  const prompts = readPrompts(exchange.model, fields.prompt, 'prompt');
  if (prompts.length * choices > MAX_CHOICES) {
    throw new ApiError('invalid_value', `a request has ${MAX_CHOICES} answers at most, over all prompts`, 'prompt');
  }
  const request = { prompts, ...generateOptions(fields, tokenizer.size) };
  // The text as the model read it: markers among given tokens show as their names, the opening bos does not.
  const echoes = fields.echo
    ? prompts.map((prompt) => tokenizer.decode(prompt[0] === tokenizer.bos ? prompt.slice(1) : prompt))
    : [];
  const includeUsage = fields.stream_options?.include_usage === true;
  const form = completionForm(exchange, (index) => echoes[Math.floor(index / choices)] ?? '');
  await answer(exchange, request, { stream: fields.stream === true, includeUsage }, form);
}

function completionForm({ model, createdSec }: Exchange, echoOf: (index: number) => string): AnswerForm {
  const part = (index: number, text: string, finish_reason: string | null = null) => ({
    index,
    text,
    logprobs: null,
    finish_reason,
  });
  const envelope = { id: `cmpl-${randomUUID()}`, object: 'text_completion', created: createdSec, model: model.name };
  return {
    opening: (index) => part(index, echoOf(index)),
    delta: (index, text) => part(index, text),
    closing: (index, reason) => part(index, '', reason),
    choice: ({ index, text, reason }) => part(index, echoOf(index) + text, reason),
    envelope: () => envelope,
  };
}
