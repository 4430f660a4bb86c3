/**
 * POST /v1/embeddings: the mean of the final hidden states, scaled to length 1. Real numbers of the real network, for
 * tests of clients; the model was not trained to place meanings, so nearness says little.
 */
import { z } from 'zod';
import { type Exchange, sendJson, withTurn } from './answer.ts';
import { ApiError, check } from './api-error.ts';
import { promptField, readPrompts } from './prompt-field.ts';

const schema = z.object({
  model: z.string(),
  input: promptField,
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().nullish(),
});

/** @throws {ApiError} for a request that is wrong, or that this model cannot fulfil */
export async function embeddings(exchange: Exchange, body: unknown): Promise<void> {
  const fields = check(schema, body);
  const { model, signal, response } = exchange;
  if (fields.model !== model.name) throw new ApiError('model_not_found', `there is no model ${fields.model}`, 'model');
  if ((fields.dimensions ?? model.width) !== model.width) {
    throw new ApiError('unsupported_value', `this model's embeddings have ${model.width} numbers`, 'dimensions');
  }
  const inputs = readPrompts(model, fields.input, 'input');
  const vectors = await withTurn(exchange, () => model.thread.embed(inputs, signal));
  const tokens = inputs.reduce((sum, input) => sum + input.length, 0);
  sendJson(response, 200, {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: fields.encoding_format === 'base64' ? toBase64(vector) : Array.from(vector),
    })),
    model: model.name,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** Little-endian f32, as OpenAI's clients read it. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, x] of vector.entries()) bytes.writeFloatLE(x, i * 4);
  return bytes.toString('base64');
}
