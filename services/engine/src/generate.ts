/** The two jobs of the model thread. Each yields after every token, so jobs interleave and an abort takes effect. */
import type { Llama } from './llama.ts';
import { Sampler, type SamplingParams } from './sampler.ts';
import { TextStream } from './text-stream.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface GenerateRequest {
  /** Tokens of each prompt, at least one each and fewer than the context. */
  readonly prompts: readonly (readonly number[])[];
  /** Answers per prompt. */
  readonly choices: number;
  /** Tokens to sample per answer at most, 0 for none; the context may end it earlier. */
  readonly maxTokens: number;
  readonly stops: readonly string[];
  readonly sampling: SamplingParams;
  /** 32 bits; every further answer takes the next one. */
  readonly seed: number;
}

export type FinishReason = 'stop' | 'length';

/** What a generation tells; `choice` counts over all prompts, prompt by prompt. */
export interface GenerateSink {
  text(choice: number, text: string): void;
  /** @param tokens sampled for this answer, its end marker included */
  finish(choice: number, reason: FinishReason, tokens: number): void;
}

export function* generate(model: Llama, tokenizer: Tokenizer, request: GenerateRequest, sink: GenerateSink) {
  const banned = tokenizer.control.filter((token) => token !== tokenizer.eos);
  const { contextLength, vocabulary } = model.shape;
  let choice = 0;
  for (const prompt of request.prompts) {
    const maxTokens = Math.min(request.maxTokens, contextLength - prompt.length);
    const sequence = model.sequence(prompt.length + maxTokens);
    let afterPrompt: Float32Array = new Float32Array(vocabulary);
    for (const [at, token] of prompt.entries()) {
      const hidden = model.advance(sequence, token);
      if (at + 1 === prompt.length) afterPrompt = model.logits(hidden).slice();
      yield;
    }
    for (let i = 0; i < request.choices; i++, choice++) {
      if (maxTokens === 0) {
        sink.finish(choice, 'length', 0);
        continue;
      }
      sequence.length = prompt.length; // the prompt is read once for all answers
      const sampler = new Sampler(vocabulary, request.sampling, request.seed + choice, banned);
      const stream = new TextStream(request.stops);
      let logits = afterPrompt;
      for (let tokens = 1; ; tokens++) {
        const token = sampler.pick(logits);
        const ended = token === tokenizer.eos;
        const piece = ended ? { text: '', stopped: false } : stream.push(tokenizer.bytes(token));
        const last = ended || piece.stopped || tokens >= maxTokens;
        const text = last && !piece.stopped ? piece.text + stream.end() : piece.text;
        if (text) sink.text(choice, text);
        if (last) {
          sink.finish(choice, ended || piece.stopped ? 'stop' : 'length', tokens);
          break;
        }
        yield; // here and not below: another job's turn overwrites the logits
        logits = model.logits(model.advance(sequence, token));
      }
    }
  }
}

/** For each input the mean of its tokens' final hidden states, scaled to length 1. */
export function* embed(
  model: Llama,
  inputs: readonly (readonly number[])[],
  sink: (index: number, vector: Float32Array) => void,
) {
  for (const [index, tokens] of inputs.entries()) {
    const sequence = model.sequence(tokens.length);
    const sum = new Float32Array(model.shape.width);
    for (const token of tokens) {
      const hidden = model.advance(sequence, token);
      for (let i = 0; i < sum.length; i++) sum[i]! += hidden[i]!;
      yield;
    }
    const length = Math.hypot(...sum) || 1;
    sink(
      index,
      sum.map((x) => x / length),
    );
  }
}
