/** From the text of a request to the tokens the model reads. */
import { ApiError } from './api-error.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
}

/**
 * bos, then per message its marker, its text and the end marker, then the assistant's marker. The model was trained
 * without system messages: they are left out, as its chat template says.
 */
export function chatPrompt(tokenizer: Tokenizer, messages: readonly Message[], contextLength: number): number[] {
  const said = messages.filter(({ role }) => role !== 'system');
  const texts = said.map(({ text }) => text);
  judgeSize(tokenizer, texts, contextLength, 'messages');
  const prompt = [tokenizer.bos];
  for (const { role, text } of said) {
    const marker = role === 'user' ? tokenizer.markers.user : tokenizer.markers.assistant;
    prompt.push(marker, ...tokenizer.encode(text), tokenizer.eos);
  }
  prompt.push(tokenizer.markers.assistant);
  return judgeTokens(prompt, contextLength, 'messages');
}

/** bos and the text. */
export function textPrompt(tokenizer: Tokenizer, text: string, contextLength: number, param: string): number[] {
  judgeSize(tokenizer, [text], contextLength, param);
  return judgeTokens([tokenizer.bos, ...tokenizer.encode(text)], contextLength, param);
}

/** The tokens as given. @throws {ApiError} `invalid_value` for none or one outside the vocabulary */
export function tokenPrompt(
  tokenizer: Tokenizer,
  tokens: readonly number[],
  contextLength: number,
  param: string,
): readonly number[] {
  if (tokens.length === 0) throw new ApiError('invalid_value', 'there are no tokens', param);
  const stranger = tokens.find((token) => token >= tokenizer.size);
  if (stranger !== undefined) throw new ApiError('invalid_value', `there is no token ${stranger}`, param);
  return judgeTokens(tokens, contextLength, param);
}

/** Refuses what cannot fit before time is spent on tokens: each holds at most `longestToken` bytes. */
function judgeSize(tokenizer: Tokenizer, texts: readonly string[], contextLength: number, param: string): void {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const least = Math.ceil(bytes / tokenizer.longestToken);
  if (least >= contextLength) throw tooLong(`at least ${least}`, contextLength, param);
}

/** There must be room for one token of an answer. */
function judgeTokens<T extends readonly number[]>(prompt: T, contextLength: number, param: string): T {
  if (prompt.length >= contextLength) throw tooLong(String(prompt.length), contextLength, param);
  return prompt;
}

function tooLong(tokens: string, contextLength: number, param: string): ApiError {
  return new ApiError(
    'context_length_exceeded',
    `this model's context is ${contextLength} tokens, and the request has ${tokens}`,
    param,
  );
}
