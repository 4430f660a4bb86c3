import { Bench } from 'tinybench';
import { UsageScanner } from './index.ts';

/** Answers scanned per second; one scanner reads a whole answer. */
const bench = new Bench({ name: 'ledger/usage-scanner', time: 300 });

const event = (content: string) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1234567890abcdef',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'Qwen/Qwen3-8B',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    usage: null,
  })}\n\n`;
const usage = '{"prompt_tokens":34,"completion_tokens":100,"total_tokens":134}';
const stream = Buffer.from(`${event(' word').repeat(100)}data: {"choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`);
const vector = Array.from({ length: 4_096 }, (_, i) => i / 7);
const embeddings = Buffer.from(JSON.stringify({ data: [{ embedding: vector }], usage: { prompt_tokens: 7 } }));

for (const [name, body] of [
  [`100 events, ${stream.length} B`, stream],
  [`one embedding, ${embeddings.length} B`, embeddings],
] as const) {
  bench.add(name, () => {
    const scanner = new UsageScanner();
    scanner.push(body);
    if (!scanner.usage) throw new Error('no usage found');
  });
}
await bench.run();
console.table(bench.table());
