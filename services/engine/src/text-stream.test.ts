import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { TextStream } from './text-stream.ts';

/** What comes out when `bytes` go in as pieces cut at `cuts`. */
function run(bytes: Buffer, stops: readonly string[], size: number): { text: string; stopped: boolean } {
  const stream = new TextStream(stops);
  let text = '';
  for (let at = 0; at < bytes.length; at += size) {
    const piece = stream.push(bytes.subarray(at, at + size));
    text += piece.text;
    if (piece.stopped) return { text, stopped: true };
  }
  return { text: text + stream.end(), stopped: false };
}

it('never gives out a broken character, however the bytes are cut', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 5 }), (value, size) => {
      assert.deepEqual(run(Buffer.from(value), [], size), { text: value, stopped: false });
    }),
  );
});

it('ends before the first stop string, however it is cut', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 });
  const stop = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(letters, stop, (value, stop) => {
      const at = value.indexOf(stop);
      const expected = at < 0 ? { text: value, stopped: false } : { text: value.slice(0, at), stopped: true };
      assert.deepEqual(run(Buffer.from(value), [stop], 1), expected);
    }),
  );
});

it('holds back what may become a stop string, and gives it out when it does not', () => {
  const stream = new TextStream(['END']);
  assert.deepEqual(stream.push(Buffer.from('the EN')), { text: 'the ', stopped: false });
  assert.deepEqual(stream.push(Buffer.from('GINE')), { text: 'ENGIN', stopped: false });
  assert.equal(stream.end(), 'E');
});

it('takes the earliest of several stop strings', () => {
  assert.deepEqual(run(Buffer.from('one two three'), ['three', 'two'], 100), { text: 'one ', stopped: true });
});

it('replaces a character that never got its last byte', () => {
  assert.deepEqual(run(Buffer.from([0x61, 0xc3]), [], 1), { text: 'a\ufffd', stopped: false });
});
