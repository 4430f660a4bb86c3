/** Chooses the next token from the network's scores. Pure: one seed, one outcome. */
import { softmax } from './tensor.ts';

export interface SamplingParams {
  /** 0 takes the best token always; 1 follows the model's own distribution. */
  readonly temperature: number;
  /** Only the likeliest tokens that together reach this probability are in play. */
  readonly topP: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Added to the scores of these tokens, as [token, bias]. */
  readonly logitBias: readonly (readonly [number, number])[];
}

export class Sampler {
  readonly #params: SamplingParams;
  readonly #banned: readonly number[];
  readonly #random: () => number;
  readonly #counts = new Map<number, number>();
  readonly #scores: Float32Array;
  readonly #order: Uint32Array;

  /** @param banned tokens that are never chosen */
  constructor(vocabulary: number, params: SamplingParams, seed: number, banned: readonly number[]) {
    this.#params = params;
    this.#banned = banned;
    this.#random = mulberry32(seed);
    this.#scores = new Float32Array(vocabulary);
    this.#order = new Uint32Array(vocabulary);
  }

  /** @param logits one score per token; left as it is */
  pick(logits: Float32Array): number {
    const { temperature, topP, frequencyPenalty, presencePenalty, logitBias } = this.#params;
    const scores = this.#scores;
    scores.set(logits);
    for (const [token, bias] of logitBias) scores[token]! += bias;
    for (const [token, count] of this.#counts) scores[token]! -= count * frequencyPenalty + presencePenalty;
    for (const token of this.#banned) scores[token] = Number.NEGATIVE_INFINITY;
    const token = temperature === 0 ? argmax(scores) : this.#draw(temperature, topP);
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1);
    return token;
  }

  #draw(temperature: number, topP: number): number {
    const probabilities = this.#scores;
    const best = probabilities[argmax(probabilities)]!;
    // From the best downwards, so that a tiny temperature cannot overflow.
    for (let i = 0; i < probabilities.length; i++) probabilities[i] = (probabilities[i]! - best) / temperature;
    softmax(probabilities, probabilities.length);
    const order = this.#order;
    for (let i = 0; i < order.length; i++) order[i] = i;
    if (topP < 1) order.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
    let left = this.#random() * Math.min(1, topP < 1 ? nucleusMass(order, probabilities, topP) : 1);
    let last = order[0]!;
    for (const token of order) {
      const probability = probabilities[token]!;
      if (probability === 0) continue;
      last = token;
      left -= probability;
      if (left < 0) break;
    }
    return last;
  }
}

/** Probability of the shortest run of `order` that reaches `topP`. */
function nucleusMass(order: Uint32Array, probabilities: Float32Array, topP: number): number {
  let mass = 0;
  for (const token of order) {
    mass += probabilities[token]!;
    if (mass >= topP) break;
  }
  return mass;
}

/** Index of the largest number; the first of equals. */
export function argmax(x: Float32Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
}

/** Numbers in 0..1 from a 32-bit seed. Source: Tommy Ettinger's mulberry32, public domain. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
