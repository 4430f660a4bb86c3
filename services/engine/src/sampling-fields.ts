/** The fields that /v1/chat/completions and /v1/completions share. Unknown fields are left out, as OpenAI's servers do. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { GenerateRequest } from './generate.ts';

/** Answers to one request at most, over all prompts: it holds its turn until all are done. */
export const MAX_CHOICES = 8;
const MAX_STOPS = 4;
const MAX_STOP_LENGTH = 256;
const MAX_BIASES = 1024;

const logitBias = z
  .record(z.string(), z.unknown())
  .refine((bias) => Object.keys(bias).length <= MAX_BIASES, `must name at most ${MAX_BIASES} tokens`)
  .refine((bias) => Object.keys(bias).every((token) => /^\d{1,9}$/.test(token)), 'must name tokens by their numbers')
  .pipe(z.record(z.string(), z.number().min(-100).max(100)));
const stop = z.string().max(MAX_STOP_LENGTH);
const STOP_RULE = `must be a string of at most ${MAX_STOP_LENGTH} characters, or up to ${MAX_STOPS} of them`;

export const samplingFields = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  max_tokens: z.int().min(0).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: logitBias.nullish(),
  seed: z.int().nullish(),
  stop: z.union([stop, z.array(stop).max(MAX_STOPS)], STOP_RULE).nullish(),
};

const schema = z.object(samplingFields);
export type SamplingFields = z.output<typeof schema>;

/**
 * The request without its prompts. Defaults: temperature 0, because this model's other words are worse, top_p 1,
 * a random seed, and as many tokens as the context holds.
 * @throws {ApiError} `invalid_value` for a bias on a token that does not exist
 */
export function generateOptions(fields: SamplingFields, vocabulary: number): Omit<GenerateRequest, 'prompts'> {
  const logitBias = Object.entries(fields.logit_bias ?? {}).map(([token, bias]) => [Number(token), bias] as const);
  for (const [token] of logitBias) {
    if (token >= vocabulary) throw new ApiError('invalid_value', `there is no token ${token}`, 'logit_bias');
  }
  return {
    choices: fields.n ?? 1,
    maxTokens: fields.max_tokens ?? Number.MAX_SAFE_INTEGER,
    stops: [fields.stop ?? []].flat().filter((text) => text !== ''),
    sampling: {
      temperature: fields.temperature ?? 0,
      topP: fields.top_p ?? 1,
      frequencyPenalty: fields.frequency_penalty ?? 0,
      presencePenalty: fields.presence_penalty ?? 0,
      logitBias,
    },
    seed: fields.seed == null ? randomBytes(4).readUInt32LE() : foldSeed(fields.seed),
  };
}

/** Any safe integer to 32 bits; seeds up to 2^32 stay apart. */
function foldSeed(seed: number): number {
  return ((seed % 2 ** 32) ^ Math.floor(seed / 2 ** 32)) >>> 0;
}
