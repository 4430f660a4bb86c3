/**
 * A Llama network: RMSNorm, rotary positions on interleaved pairs, grouped-query attention, SwiGLU; f32 throughout.
 * Source of names and shapes: GGUF's "llama" architecture as llama.cpp reads it.
 */
import { EngineError } from './errors.ts';
import type { Gguf } from './gguf.ts';
import { add, multiply, rmsNorm, softmax, unpack } from './tensor.ts';

/** Longest context served; bounds what a model file can make us allocate. */
const MAX_CONTEXT = 32_768;

export interface LlamaShape {
  readonly contextLength: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly epsilon: number;
  readonly ropeBase: number;
}

interface Layer {
  readonly attentionNorm: Float32Array;
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly attentionOut: Float32Array;
  readonly feedNorm: Float32Array;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly down: Float32Array;
}

/** Keys and values of the tokens read so far. Setting `length` back forgets the later ones. */
export interface Sequence {
  length: number;
  readonly capacity: number;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

/** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` for another architecture or a shape that does not add up */
export function llamaShape(file: Gguf): LlamaShape {
  const architecture = file.string('general.architecture');
  if (architecture !== 'llama') throw unsupported(`the architecture ${JSON.stringify(architecture)} is not llama`);
  const heads = file.number('llama.attention.head_count');
  const shape: LlamaShape = {
    contextLength: file.number('llama.context_length'),
    width: file.number('llama.embedding_length'),
    vocabulary: file.strings('tokenizer.ggml.tokens').length,
    layers: file.number('llama.block_count'),
    heads,
    kvHeads: file.number('llama.attention.head_count_kv', heads),
    feedForward: file.number('llama.feed_forward_length'),
    epsilon: file.number('llama.attention.layer_norm_rms_epsilon'),
    ropeBase: file.number('llama.rope.freq_base', 10_000),
  };
  for (const [name, value] of Object.entries(shape)) {
    const whole = name === 'epsilon' || name === 'ropeBase' || Number.isInteger(value);
    if (!whole || value <= 0) throw unsupported(`${name} is ${value}`);
  }
  if (shape.contextLength > MAX_CONTEXT) throw unsupported(`a context of ${shape.contextLength} tokens is too long`);
  const headWidth = shape.width / shape.heads;
  if (!Number.isInteger(headWidth) || headWidth % 2 !== 0 || shape.heads % shape.kvHeads !== 0) {
    throw unsupported('the attention heads do not divide the width');
  }
  if (shape.feedForward % 2 !== 0) throw unsupported('the feed-forward length is odd');
  if (file.number('llama.rope.dimension_count', headWidth) !== headWidth)
    throw unsupported('rotates a part of each head');
  return shape;
}

/** The weights and the scratch space of one thread. */
export class Llama {
  readonly shape: LlamaShape;
  readonly #embedding: Float32Array;
  readonly #layers: readonly Layer[];
  readonly #outputNorm: Float32Array;
  readonly #output: Float32Array;
  readonly #cos: Float32Array;
  readonly #sin: Float32Array;
  readonly #headWidth: number;
  readonly #scratch;

  /** @throws {EngineError} `ENGINE_MODEL_UNSUPPORTED` when tensors are missing or of another shape */
  constructor(file: Gguf) {
    const shape = llamaShape(file);
    const { width, vocabulary, feedForward, kvHeads, heads, contextLength } = shape;
    const matrix = (name: string, columns: number, rows: number) => unpack(file.tensor(name, [columns, rows]));
    const vector = (name: string) => unpack(file.tensor(name, [width]));
    this.shape = shape;
    this.#headWidth = width / heads;
    const kvWidth = kvHeads * this.#headWidth;
    this.#embedding = matrix('token_embd.weight', width, vocabulary);
    this.#outputNorm = vector('output_norm.weight');
    this.#output = file.hasTensor('output.weight') ? matrix('output.weight', width, vocabulary) : this.#embedding;
    const layers: Layer[] = []; // a loop, not Array.from: a false layer count fails at the first absent tensor
    for (let layer = 0; layer < shape.layers; layer++) {
      const block = `blk.${layer}`;
      layers.push({
        attentionNorm: vector(`${block}.attn_norm.weight`),
        query: matrix(`${block}.attn_q.weight`, width, width),
        key: matrix(`${block}.attn_k.weight`, width, kvWidth),
        value: matrix(`${block}.attn_v.weight`, width, kvWidth),
        attentionOut: matrix(`${block}.attn_output.weight`, width, width),
        feedNorm: vector(`${block}.ffn_norm.weight`),
        gate: matrix(`${block}.ffn_gate.weight`, width, feedForward),
        up: matrix(`${block}.ffn_up.weight`, width, feedForward),
        down: matrix(`${block}.ffn_down.weight`, feedForward, width),
      });
    }
    this.#layers = layers;
    const pairs = this.#headWidth / 2;
    const angle = (i: number) => Math.floor(i / pairs) * shape.ropeBase ** (-(i % pairs) / pairs);
    this.#cos = Float32Array.from({ length: contextLength * pairs }, (_, i) => Math.cos(angle(i)));
    this.#sin = Float32Array.from({ length: contextLength * pairs }, (_, i) => Math.sin(angle(i)));
    this.#scratch = {
      residual: new Float32Array(width),
      normed: new Float32Array(width),
      query: new Float32Array(width),
      mixed: new Float32Array(width),
      projected: new Float32Array(width),
      scores: new Float32Array(contextLength),
      gate: new Float32Array(feedForward),
      up: new Float32Array(feedForward),
      hidden: new Float32Array(width),
      logits: new Float32Array(vocabulary),
    };
  }

  /** An empty sequence with room for `capacity` tokens, at most the context. */
  sequence(capacity: number): Sequence {
    const most = Math.min(capacity, this.shape.contextLength);
    const room = () => new Float32Array(most * this.shape.kvHeads * this.#headWidth);
    return { length: 0, capacity: most, keys: this.#layers.map(room), values: this.#layers.map(room) };
  }

  /**
   * Reads one token. @returns the final hidden state, a view that the next call overwrites
   * @throws {RangeError} for a full sequence or a token outside the vocabulary
   */
  advance(sequence: Sequence, token: number): Float32Array {
    const { width, epsilon } = this.shape;
    if (sequence.length >= sequence.capacity) throw new RangeError('the sequence is full');
    if (!(token >= 0 && token < this.shape.vocabulary)) throw new RangeError(`no token ${token}`);
    const { residual, normed, projected, hidden } = this.#scratch;
    residual.set(this.#embedding.subarray(token * width, (token + 1) * width));
    for (const [index, layer] of this.#layers.entries()) {
      rmsNorm(normed, residual, layer.attentionNorm, epsilon);
      this.#attend(layer, sequence, index);
      add(residual, projected);
      rmsNorm(normed, residual, layer.feedNorm, epsilon);
      this.#feed(layer);
      add(residual, projected);
    }
    sequence.length++;
    rmsNorm(hidden, residual, this.#outputNorm, epsilon);
    return hidden;
  }

  /** A score for every possible next token, a view that the next call overwrites. */
  logits(hidden: Float32Array): Float32Array {
    multiply(this.#scratch.logits, this.#output, hidden);
    return this.#scratch.logits;
  }

  /** Attention over the sequence and the token at hand: normed -> projected. */
  #attend(layer: Layer, sequence: Sequence, index: number): void {
    const { heads, kvHeads } = this.shape;
    const { normed, query, mixed, projected, scores } = this.#scratch;
    const headWidth = this.#headWidth;
    const kvWidth = kvHeads * headWidth;
    const keys = sequence.keys[index]!;
    const values = sequence.values[index]!;
    const at = sequence.length;
    const key = keys.subarray(at * kvWidth, (at + 1) * kvWidth);
    multiply(query, layer.query, normed);
    multiply(key, layer.key, normed);
    multiply(values.subarray(at * kvWidth, (at + 1) * kvWidth), layer.value, normed);
    this.#rotate(query, at);
    this.#rotate(key, at);
    const scale = 1 / Math.sqrt(headWidth);
    for (let head = 0; head < heads; head++) {
      const from = head * headWidth;
      const kvFrom = Math.floor((head * kvHeads) / heads) * headWidth;
      for (let t = 0; t <= at; t++) {
        let even = 0;
        let odd = 0;
        for (let i = from, k = t * kvWidth + kvFrom; i < from + headWidth; i += 2, k += 2) {
          even += query[i]! * keys[k]!;
          odd += query[i + 1]! * keys[k + 1]!;
        }
        scores[t] = (even + odd) * scale;
      }
      softmax(scores, at + 1);
      for (let i = 0; i < headWidth; i += 2) {
        let even = 0;
        let odd = 0;
        for (let t = 0, v = kvFrom + i; t <= at; t++, v += kvWidth) {
          even += scores[t]! * values[v]!;
          odd += scores[t]! * values[v + 1]!;
        }
        mixed[from + i] = even;
        mixed[from + i + 1] = odd;
      }
    }
    multiply(projected, layer.attentionOut, mixed);
  }

  /** SwiGLU: normed -> projected. */
  #feed(layer: Layer): void {
    const { normed, gate, up, projected } = this.#scratch;
    multiply(gate, layer.gate, normed);
    multiply(up, layer.up, normed);
    for (let i = 0; i < gate.length; i++) gate[i] = (gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!;
    multiply(projected, layer.down, gate);
  }

  /** Turns every pair (2i, 2i+1) of each head by the angle of its position, in place. */
  #rotate(heads: Float32Array, position: number): void {
    const pairs = this.#headWidth / 2;
    for (let i = 0; i < heads.length / 2; i++) {
      const at = position * pairs + (i % pairs);
      const cos = this.#cos[at]!;
      const sin = this.#sin[at]!;
      const even = heads[2 * i]!;
      const odd = heads[2 * i + 1]!;
      heads[2 * i] = even * cos - odd * sin;
      heads[2 * i + 1] = even * sin + odd * cos;
    }
  }
}

function unsupported(why: string): EngineError {
  return new EngineError('ENGINE_MODEL_UNSUPPORTED', `cannot run this model: ${why}`);
}
