import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageScanner } from './index.ts';

const usageOf = (promptTokens: number, cachedTokens: number, completionTokens: number, reasoningTokens: number) => ({
  promptTokens,
  cachedTokens,
  completionTokens,
  reasoningTokens,
});

function scan(...chunks: (string | Uint8Array)[]): UsageScanner {
  const scanner = new UsageScanner();
  for (const chunk of chunks) scanner.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return scanner;
}

const delta = (content: string) =>
  JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content } }], usage: null });
const FINAL = JSON.stringify({
  id: 'c',
  choices: [],
  usage: {
    prompt_tokens: 34,
    completion_tokens: 12,
    total_tokens: 46,
    prompt_tokens_details: { cached_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 2 },
  },
});

/** Body of an HTTP answer that curl got from the reference programs. */
function recordedBody(name: string): Buffer {
  const answer = readFileSync(new URL(`../../../vectors/cocoon-cpp/${name}`, import.meta.url));
  return answer.subarray(answer.indexOf('\r\n\r\n') + 4);
}

for (const [name, usage, chunks] of [
  ['http-stream-sse.txt', usageOf(34, 0, 3, 0), 3],
  ['http-stream-ndjson.txt', usageOf(34, 0, 3, 0), 3],
  ['http-plain.txt', usageOf(34, 0, 9, 0), 1],
] as const) {
  it(`counts the recorded answer ${name}, whole and byte by byte`, () => {
    const body = recordedBody(name);
    for (const scanner of [scan(body), scan(...Array.from(body, (byte) => Uint8Array.of(byte)))]) {
      assert.deepEqual(scanner.usage, usage);
      assert.equal(scanner.deliveredChunks, chunks);
    }
  });
}

describe('framing', () => {
  const events = [': comment {"usage":{"prompt_tokens":99}}', `data: ${delta('a')}`, '', 'event: x', 'id: 7'];

  for (const [name, end] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    it(`reads events with ${name} line ends, past comments and other fields`, () => {
      const scanner = scan([...events, `data:${FINAL}`, '', 'data: [DONE]', '', ''].join(end));
      assert.deepEqual(scanner.usage, usageOf(34, 5, 12, 2));
      assert.equal(scanner.deliveredChunks, 1);
    });
  }

  it('joins the data lines of one event', () => {
    const scanner = scan('data: {"usage":\ndata: {"prompt_tokens":\r\ndata: 7,\r\ndata: "completion_tokens": 8}}\n\n');
    assert.deepEqual(scanner.usage, usageOf(7, 0, 8, 0));
  });

  it('gives up a cut event at the blank line, and reads on behind it', () => {
    const scanner = scan(`data: {"choices":[{"delta":{"content":"cut\n\ndata: ${delta('b')}\n\ndata: ${FINAL}\n\n`);
    assert.deepEqual(scanner.usage, usageOf(34, 5, 12, 2));
    assert.equal(scanner.deliveredChunks, 1);
  });

  it('does not take for a blank line the second half of a CRLF in another chunk', () => {
    const scanner = scan('data: {"usage":\r', '\ndata: {"prompt_tokens":5}}\r', '\n\r', '\n');
    assert.deepEqual(scanner.usage, usageOf(5, 0, 0, 0));
  });

  it('reads JSON values one after another, with or without space between them', () => {
    const scanner = scan(`${delta('a')}${delta('b')} \n\t${delta('c')}\n${FINAL}`);
    assert.deepEqual(scanner.usage, usageOf(34, 5, 12, 2));
    assert.equal(scanner.deliveredChunks, 3);
  });

  it('reads a document written over many lines', () => {
    const scanner = scan(JSON.stringify({ data: [[1, 2]], usage: { prompt_tokens: 8, total_tokens: 8 } }, null, 2));
    assert.deepEqual(scanner.usage, usageOf(8, 0, 0, 0));
  });

  it('skips a byte order mark', () => {
    assert.deepEqual(scan(`\ufeffdata: ${FINAL}\n\n`).usage, usageOf(34, 5, 12, 2));
    assert.deepEqual(scan(`\ufeff${FINAL}`).usage, usageOf(34, 5, 12, 2));
  });
});

describe('what counts as usage', () => {
  it('is the usage at the top of a value and nowhere else', () => {
    const fake = '"usage":{"prompt_tokens":1000000}';
    for (const body of [
      `{"choices":[{"delta":{"content":${JSON.stringify(fake)}}}]}`,
      `{"choices":[{"delta":{"content":${JSON.stringify(`}]}${fake}`)}}]}`,
      `{"choices":[{"message":{${fake}}}]}`,
      `{"metadata":{${fake}}}`,
      `[{${fake}}]`,
      `{"usage":[{"prompt_tokens":5}]}`,
      `{"usage":{"other":{"prompt_tokens":5,"cached_tokens":5}}}`,
      `{"x":"\\"","y":"\\\\","z":"{\\"usage\\":{\\"prompt_tokens\\":3}}"}`,
      `"usage":{"prompt_tokens":5}`,
      `{"usa\\/ge":{"prompt_tokens":5}}`,
      `{"usage\\"":{"prompt_tokens":5}}`,
      `{"\\"usage":{"prompt_tokens":5}}`,
    ]) {
      assert.equal(scan(body).usage, undefined, body);
      assert.equal(scan(`data: ${body}\n\n`).usage, undefined, body);
    }
  });

  it('takes the larger of the two places for reasoning tokens', () => {
    const both = '{"usage":{"completion_tokens_details":{"reasoning_tokens":4},"reasoning_tokens":6}}';
    assert.deepEqual(scan(both).usage, usageOf(0, 0, 0, 6));
  });

  it('understands the Responses API, streamed and whole', () => {
    const usage =
      '{"input_tokens":9,"input_tokens_details":{"cached_tokens":3},"output_tokens":8,"output_tokens_details":{"reasoning_tokens":2}}';
    const stream = scan(
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"hi"}\n\n',
      `event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","usage":${usage}}}\n\n`,
    );
    assert.deepEqual(stream.usage, usageOf(9, 3, 8, 2));
    assert.equal(stream.deliveredChunks, 1);
    assert.deepEqual(scan(`{"id":"r","output":[],"usage":${usage}}`).usage, usageOf(9, 3, 8, 2));
  });

  it('keeps the maximum of each counter', () => {
    const scanner = scan(
      '{"usage":{"prompt_tokens":10,"completion_tokens":1}}{"usage":{"prompt_tokens":10,"completion_tokens":5}}',
      '{"usage":{"prompt_tokens":0,"completion_tokens":3}}',
    );
    assert.deepEqual(scanner.usage, usageOf(10, 0, 5, 0));
  });

  it('ignores counts that are negative, fractional, quoted, null or huge', () => {
    for (const count of ['-1', '1.5', '1e3', '"7"', 'null', 'true', '2147483648', '99999999999999999999', '[7]']) {
      const scanner = scan(`{"usage":{"prompt_tokens":${count},"completion_tokens":4}}`);
      assert.deepEqual(scanner.usage, usageOf(0, 0, 4, 0), count);
    }
    assert.deepEqual(scan('{"usage":{"prompt_tokens":2147483647}}').usage, usageOf(2_147_483_647, 0, 0, 0));
  });

  it('does not take a number that was cut off', () => {
    const scanner = scan('data: {"usage":{"prompt_tokens":34,"completion_tokens":12');
    assert.deepEqual(scanner.usage, usageOf(34, 0, 0, 0));
    scanner.push(Buffer.from('3}}\n\n'));
    assert.deepEqual(scanner.usage, usageOf(34, 0, 123, 0));
  });
});

describe('a broken answer', () => {
  it('bills one token for each chunk that carried output', () => {
    const scanner = scan(
      'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
      `data: ${delta('one')}\n\ndata: ${delta(' two')}\n\n`,
      'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n',
      'data: {"choices":[{"delta":{"tool_calls":[ {"index":0}]}}]}\n\n',
      'data: {"choices":[{"delta":{"tool_calls":[]}}]}\n\n',
      'data: {"choices":[{"text":"three"},{"text":""}]}\n\n',
      'data: {"choices":[{"delta":{"content":null},"finish_reason":"stop"}]}\n\n',
      'data: {"choices":[{"delta":{"content":"cut off he',
    );
    assert.equal(scanner.deliveredChunks, 5);
    assert.deepEqual(scanner.billable, usageOf(0, 0, 5, 0));
  });

  it('bills the usage when the server repeats it in every chunk', () => {
    const chunk = (n: number) =>
      `data: {"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":20,"completion_tokens":${n}}}\n\n`;
    assert.deepEqual(scan(chunk(1), chunk(4), chunk(7), chunk(9).slice(0, 30)).billable, usageOf(20, 0, 7, 0));
  });
});

/** Cuts `body` at the given places. */
function cut(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((place) => place % (body.length + 1)), 0, body.length].sort((a, b) => a - b);
  return places.slice(1).map((place, i) => body.subarray(places[i], place));
}

describe('any input', () => {
  it('gives the same counts however the bytes are cut', () => {
    const body = Buffer.from(
      `: hi\r\ndata: ${delta('ä"\\ {}[]')}\r\n\r\ndata: ${FINAL}\r\n\r\ndata: [DONE]\r\n\r\n${delta('b')}\n{"a":[1,{}],"usage":{"prompt_tokens":40}}`,
    );
    const whole = scan(body);
    assert.deepEqual(whole.usage, usageOf(40, 5, 12, 2));
    assert.equal(whole.deliveredChunks, 2);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        const scanner = scan(...cut(body, cuts));
        assert.deepEqual(scanner.usage, whole.usage);
        assert.equal(scanner.deliveredChunks, whole.deliveredChunks);
      }),
    );
  });

  it('agrees with JSON.parse about any document around the usage', () => {
    const anyMembers = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(anyMembers, anyMembers, fc.nat(), fc.boolean(), (before, after, prompt, pretty) => {
        const document = { ...before, usage: { ...after, prompt_tokens: prompt }, ...after };
        const text = JSON.stringify(document, null, pretty ? 1 : 0);
        const expected = (JSON.parse(text) as { usage?: { prompt_tokens?: unknown } }).usage?.prompt_tokens;
        fc.pre(expected === prompt);
        assert.equal(scan(text).usage?.promptTokens, prompt);
        assert.equal(scan(`data: ${JSON.stringify(document)}\n\n`).usage?.promptTokens, prompt);
      }),
    );
  });

  it('never throws and never counts below zero', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.constantFrom('data: ', '\n', '\r', '{', '}', '[', ']', '"', '\\', ':', ',', '"usage"', '9', '-'))
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(fc.array(anyBytes), (chunks) => {
        const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = scan(...chunks).billable;
        for (const count of [promptTokens, cachedTokens, completionTokens, reasoningTokens]) {
          assert.ok(Number.isSafeInteger(count) && count >= 0);
        }
      }),
    );
  });

  it('recovers after any garbage at the next event', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
        // a line that opens with a bracket is a bare value and may go on for ever; in a data line it may not
        const scanner = scan(
          'data: ',
          Buffer.from(garbage).map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)),
        );
        scanner.push(Buffer.from(`\n\ndata: ${FINAL}\n\n`));
        assert.deepEqual(scanner.usage?.completionTokens, 12);
      }),
    );
  });

  it('needs no memory for a long stream, one endless value or deep nesting', () => {
    const scanner = new UsageScanner();
    const stream = Buffer.from(`data: ${delta('word '.repeat(50))}\n\n`.repeat(200));
    scanner.push(stream);
    const before = process.memoryUsage();
    for (let i = 0; i < 300; i++) scanner.push(stream);
    const text = Buffer.alloc(1 << 20, 'x');
    const brackets = Buffer.alloc(1 << 20, '[{');
    scanner.push(Buffer.from('{"choices":[{"delta":{"content":"'));
    for (let i = 0; i < 16; i++) scanner.push(text);
    scanner.push(Buffer.from('","tool_calls":'));
    for (let i = 0; i < 4; i++) scanner.push(brackets);
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.external - before.heapUsed - before.external;
    assert.ok(grown < 16 << 20, `${grown} bytes`); // pushed: 40 MB
    assert.equal(scanner.deliveredChunks, 301 * 200);
  });
});
