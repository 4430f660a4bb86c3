import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageChunkFilter } from './usage-chunk.ts';

const USAGE = { prompt_tokens: 34, completion_tokens: 2, total_tokens: 36 };
const event = (fields: object, end = '\n') => `data: ${JSON.stringify({ id: 'c', ...fields })}${end}${end}`;
const delta = (content: string, more: object = {}) => event({ choices: [{ index: 0, delta: { content } }], ...more });
const USAGE_CHUNK = event({ choices: [], usage: USAGE });

/** What a caller gets of `text`, cut after each of `cuts`. */
function filtered(text: string | Buffer, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(text);
  const filter = new UsageChunkFilter();
  const out: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    out.push(Buffer.from(filter.push(bytes.subarray(from, to))));
    from = to;
  }
  return Buffer.concat([...out, filter.end()]).toString();
}

describe('the usage chunk', () => {
  it('is taken out, and the end mark stays', () => {
    assert.equal(filtered(`${delta('a')}${USAGE_CHUNK}data: [DONE]\n\n`), `${delta('a')}data: [DONE]\n\n`);
  });

  it('is known by CRLF line ends, by blanks, over several data lines, behind a comment', () => {
    const spaced = 'data:{ "choices" : [ ] ,\r\ndata:"usage" : { } }\r\n\r\n';
    const commented = `: ping\nid: 7\n${USAGE_CHUNK}`;
    for (const chunk of [event({ usage: USAGE, choices: [] }, '\r\n'), spaced, commented]) {
      assert.equal(filtered(`${delta('a')}${chunk}data: [DONE]\n\n`), `${delta('a')}data: [DONE]\n\n`);
    }
  });

  it('is taken out as well when the stream ends without its empty line', () => {
    assert.equal(filtered(delta('a') + USAGE_CHUNK.trimEnd()), delta('a'));
  });
});

describe('everything else', () => {
  it('passes byte for byte', () => {
    for (const text of [
      delta('tell me of "usage" and "choices":[]'),
      delta('continuous', { usage: USAGE }),
      event({ choices: [], prompt_filter_results: [] }), // Azure's first event
      event({ choices: [], usage: null }),
      event({ error: { message: 'usage' } }),
      ': "usage" "choices":[]\n\n',
      'data: {"choices":[],"usage":\n\n',
      'data: {"choices":[],"usage":{}',
      `data: {"choices":[],"usage":{"x":"${'x'.repeat(20_000)}"}}\n\n`,
      '\n\r\n\n\r\r\n',
    ]) {
      assert.equal(filtered(text), text);
      assert.equal(filtered(text, Array.from(Buffer.from(text).keys())), text);
    }
  });

  it('passes at once: no event waits for a later one, and no delta for its own end', () => {
    const filter = new UsageChunkFilter();
    const first = Buffer.from(delta('a'));
    assert.equal(filter.push(first), first, 'not even copied');
    const half = Buffer.from(delta('b').slice(0, 40));
    assert.ok(half.includes('"choices":[{'));
    assert.equal(filter.push(half), half);
    assert.equal(filter.push(Buffer.from(`${delta('b').slice(40)}data: {"id"`)).toString(), delta('b').slice(40));
  });

  it('keeps no more of an endless event than a usage chunk can have', () => {
    const filter = new UsageChunkFilter();
    const bytes = Buffer.alloc(1_024, 'x');
    let held = 0;
    let most = 0;
    for (let count = 0; count < 1_000; count += 1) {
      held += bytes.length - filter.push(bytes).length;
      most = Math.max(most, held);
    }
    assert.equal(held, 0);
    assert.ok(most <= 16_384, `${most} bytes`);
  });
});

describe('the cuts of the network', () => {
  const texts = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          USAGE_CHUNK,
          event({ choices: [], usage: USAGE }, '\r\n'),
          delta('é', { usage: USAGE }),
          event({ choices: [], usage: null }),
          event({ inner: { choices: [1] }, choices: [], usage: USAGE }),
          ': ping\n',
          'data: [DONE]\n\n',
          '\r\n',
          '\n',
          '\r',
          'data: {"choices":[',
        ),
        fc.string().map((text) => delta(text)),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''));

  it('change nothing', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat()), (text, places) => {
        const { length } = Buffer.from(text);
        const cuts = places.map((place) => place % (length + 1)).sort((a, b) => a - b);
        assert.equal(filtered(text, cuts), filtered(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('never let a usage chunk through, nor lose another event', () => {
    const parts = fc.array(
      fc.oneof(
        fc.constant(USAGE_CHUNK),
        fc.string().map((text) => delta(text)),
      ),
    );
    fc.assert(
      fc.property(parts, fc.array(fc.nat()), (events, places) => {
        const text = events.join('');
        const cuts = places.map((place) => place % (Buffer.from(text).length + 1)).sort((a, b) => a - b);
        assert.equal(filtered(text, cuts), events.filter((one) => one !== USAGE_CHUNK).join(''));
      }),
    );
  });
});
