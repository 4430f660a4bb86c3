/** The four forms of `prompt` and `input`: a text, texts, tokens, lists of tokens. */
import { z } from 'zod';
import type { ServedModel } from './answer.ts';
import { ApiError } from './api-error.ts';
import { textPrompt, tokenPrompt } from './prompt.ts';

/** Prompts of one request at most. */
const MAX_PROMPTS = 32;

type Prompt = string | readonly string[] | readonly number[] | readonly (readonly number[])[];

/** Judged by hand: a union of schemas would note every element of a long list once per form. */
export const promptField = z.custom<Prompt>(isPrompt, 'must be a string, strings, tokens or lists of tokens');

/** Tokens of each prompt. @throws {ApiError} for too many prompts, one too long, or a token that does not exist */
export function readPrompts(
  { tokenizer, contextLength }: ServedModel,
  prompt: Prompt,
  param: string,
): (readonly number[])[] {
  const items = typeof prompt === 'string' ? [prompt] : isTokens(prompt) ? [prompt] : prompt;
  if (items.length > MAX_PROMPTS)
    throw new ApiError('invalid_value', `'${param}' must have at most ${MAX_PROMPTS} items`, param);
  return items.map((item) =>
    typeof item === 'string'
      ? textPrompt(tokenizer, item, contextLength, param)
      : tokenPrompt(tokenizer, item, contextLength, param),
  );
}

function isPrompt(value: unknown): value is Prompt {
  if (!Array.isArray(value) || value.length === 0) return typeof value === 'string';
  const items: readonly unknown[] = value;
  return items.every((item) => typeof item === 'string') || isTokens(items) || items.every(isTokens);
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
