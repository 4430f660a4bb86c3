import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mulberry32, Sampler, type SamplingParams } from './sampler.ts';

const plain: SamplingParams = { temperature: 1, topP: 1, frequencyPenalty: 0, presencePenalty: 0, logitBias: [] };
const logits = Float32Array.of(0, Math.log(2), Math.log(4), Math.log(1)); // 1/8, 1/4, 1/2, 1/8

function shares(params: Partial<SamplingParams>, banned: readonly number[] = [], draws = 8_000): number[] {
  const sampler = new Sampler(4, { ...plain, ...params }, 7, banned);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < draws; i++) counts[sampler.pick(logits)]!++;
  return counts.map((count) => count / draws);
}

function assertNear(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, share] of expected.entries())
    assert.ok(Math.abs(actual[i]! - share) < 0.03, `${actual} is not ${expected}`);
}

it('takes the best token at temperature 0', () => assert.deepEqual(shares({ temperature: 0 }), [0, 0, 1, 0]));
it('follows the distribution at temperature 1', () => assertNear(shares({}), [1 / 8, 1 / 4, 1 / 2, 1 / 8]));
it('flattens it at temperature 2', () => {
  const roots = [1, 2, 4, 1].map(Math.sqrt);
  const sum = roots.reduce((a, b) => a + b);
  assertNear(
    shares({ temperature: 2 }),
    roots.map((root) => root / sum),
  );
});
it('survives a tiny temperature', () => assert.deepEqual(shares({ temperature: 1e-30 }), [0, 0, 1, 0]));
it('leaves out the tail beyond top_p', () => assertNear(shares({ topP: 0.7 }), [0, 1 / 3, 2 / 3, 0]));
it('takes the best token at top_p 0', () => assert.deepEqual(shares({ topP: 0 }), [0, 0, 1, 0]));
it('never picks a banned token', () => assertNear(shares({}, [2]), [1 / 4, 1 / 2, 0, 1 / 4]));
it('adds the bias', () => assert.deepEqual(shares({ temperature: 0, logitBias: [[3, 100]] }), [0, 0, 0, 1]));
it('turns away from repeated tokens under a penalty', () => {
  const sampler = new Sampler(4, { ...plain, temperature: 0, frequencyPenalty: 2 }, 1, []);
  const picks = [sampler.pick(logits), sampler.pick(logits)];
  assert.deepEqual(picks, [2, 1]);
});
it('leaves the scores as they are', () => {
  const before = [...logits];
  new Sampler(4, plain, 1, [0]).pick(logits);
  assert.deepEqual([...logits], before);
});
it('repeats itself from the same seed and differs from another', () => {
  const draw = (seed: number) => Array.from({ length: 20 }, mulberry32(seed));
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
});
