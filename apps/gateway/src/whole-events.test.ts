import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { WholeEvents } from './whole-events.ts';

const events = fc.array(
  fc.constantFrom('data: {"a":1}\n\n', ': ping\n\n', 'event: x\r\ndata: y\r\n\r\n', 'data: a\ndata: b\n\n'),
);
const cuts = fc.array(fc.nat(40), { maxLength: 20 });

function chunksOf(text: string, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const size of [...sizes, text.length]) {
    chunks.push(Buffer.from(text.slice(from, from + size)));
    from += size;
  }
  return chunks;
}

it('passes every byte of whole events in order, however the stream is cut, and holds nothing at the end', () => {
  fc.assert(
    fc.property(events, cuts, (all, sizes) => {
      const filter = new WholeEvents();
      const passed = chunksOf(all.join(''), sizes).map((chunk) => filter.push(chunk));
      assert.equal(Buffer.concat(passed).toString(), all.join(''));
      assert.equal(filter.end().length, 0);
    }),
  );
});

it('has passed whole events only, wherever it is cut', () => {
  fc.assert(
    fc.property(
      events,
      cuts,
      fc.string({ unit: fc.constantFrom('d', 'a', ':', ' ', '{', '"') }),
      (all, sizes, rest) => {
        const filter = new WholeEvents();
        const passed = chunksOf(all.join('') + rest, sizes).map((chunk) => filter.push(chunk));
        assert.equal(Buffer.concat(passed).toString(), all.join(''));
        assert.equal(filter.end().toString(), rest);
      },
    ),
  );
});

it('gives back the chunk itself where it ends with an event', () => {
  const chunk = Buffer.from('data: 1\n\ndata: 2\n\n');
  assert.equal(new WholeEvents().push(chunk), chunk);
});

it('does not keep an event without a bound, and says that it passed in part', () => {
  const filter = new WholeEvents();
  const [big, more] = [Buffer.alloc(65_537, 'x'), Buffer.from('more')];
  assert.equal(filter.push(big).length, big.length);
  assert.equal(filter.isTorn, true);
  assert.equal(filter.push(more).toString(), 'more');
  assert.equal(filter.push(Buffer.from('\n\ndata: 1')).toString(), '\n\n');
  assert.equal(filter.isTorn, false);
  assert.equal(filter.end().toString(), 'data: 1');
});
