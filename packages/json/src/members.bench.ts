import { Bench } from 'tinybench';
import { membersOf, splice } from './index.ts';

/** Bodies read and spliced per second, beside parsing and writing them again, at the sizes of a question, a document and a picture. */
const bench = new Bench({ name: 'json/members', time: 300 });
const remove = new Set(['timeout']);
for (const size of [100, 10_000, 1_000_000]) {
  const messages = [{ role: 'user', content: 'x'.repeat(size) }];
  const json = Buffer.from(JSON.stringify({ model: 'm', messages, timeout: 5, temperature: 0.5 }));
  bench.add(`splice ${size} B`, () => {
    splice(json, membersOf(json), remove, ['"max_tokens":4096']);
  });
  bench.add(`JSON.parse and stringify ${size} B`, () => {
    const { timeout, ...rest } = JSON.parse(json.toString());
    Buffer.from(JSON.stringify({ ...rest, max_tokens: timeout }));
  });
}
await bench.run();
console.table(bench.table());
