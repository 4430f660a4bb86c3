import { readFileSync } from 'node:fs';
import { Bench } from 'tinybench';
import { parseGguf } from './gguf.ts';
import { Llama } from './llama.ts';

/** Loads of the model per second, and tokens per second at the start and at the end of the context. */
const file = readFileSync(new URL('../model/bombyx-tiny-q8.gguf', import.meta.url));
const bench = new Bench({ name: 'engine/llama', time: 1_000 });
const model = new Llama(parseGguf(file));
const sequence = model.sequence(512);
bench.add('load', () => {
  new Llama(parseGguf(file));
});
for (const length of [0, 256, 511]) {
  bench.add(`token ${length + 1}`, () => {
    sequence.length = length;
    model.logits(model.advance(sequence, 100));
  });
}
await bench.run();
console.table(bench.table());
