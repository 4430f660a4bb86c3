import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseGguf } from './gguf.ts';
import { Tokenizer } from './tokenizer.ts';

const tokenizer = new Tokenizer(parseGguf(readFileSync(new URL('../model/bombyx-tiny-q8.gguf', import.meta.url))));

it('gives back any text it cut into tokens', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.lorem({ mode: 'sentences' }),
  );
  fc.assert(fc.property(text, (value) => assert.equal(tokenizer.decode(tokenizer.encode(value)), value)));
});

it('never makes a marker from text', () => {
  const text = fc
    .array(fc.constantFrom('<|user|>', '<|end|>', '<|bos|>', 'hi', ' ', '|>'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (value) => assert.ok(tokenizer.encode(value).every((id) => !tokenizer.control.includes(id)))),
  );
});

it('joins the words of the training data into single tokens', () => {
  assert.equal(tokenizer.encode('COCOON is the').length, 3);
  assert.deepEqual(
    tokenizer.encode(' the').map((id) => tokenizer.decode([id])),
    [' the'],
  );
});

it('keeps every digit a token of its own', () => {
  assert.deepEqual(
    tokenizer.encode('2026').map((id) => tokenizer.decode([id])),
    ['2', '0', '2', '6'],
  );
});

it('replaces a lone surrogate', () => assert.equal(tokenizer.decode(tokenizer.encode('a\ud800b')), 'a\ufffdb'));

it('gives the same tokens from its cache', () => {
  assert.deepEqual(tokenizer.encode('memory memory'), tokenizer.encode('memory memory'));
});

it('knows its markers', () => {
  assert.equal(tokenizer.bytes(tokenizer.eos).toString(), '<|end|>');
  assert.equal(tokenizer.bytes(tokenizer.markers.user).toString(), '<|user|>');
  assert.throws(() => tokenizer.bytes(tokenizer.size), RangeError);
});
