import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { jsonFault } from './json-fault.ts';

for (const [text, told] of [
  ['{"name":"x",', 'it ends too early, in line 1, column 13'],
  ['', 'it ends too early, in line 1, column 1'],
  ['{\n  "a": "b', 'it ends too early, in line 2, column 10'],
  ['<html>', 'the fault is in line 1, column 1'],
  ['{"a": secret}', 'the fault is in line 1, column 7'],
  ['{"a": 1,\n  // why\n}', 'the fault is in line 2, column 3'],
  ['{\n"a": 1\n"b": 2}', 'the fault is in line 3, column 1'],
  ['[1, 2,]', 'the fault is in line 1, column 7'],
  ['{"a": 1}}', 'the fault is in line 1, column 9'],
  ['{"a": tru}', 'the fault is in line 1, column 10'],
] as const) {
  it(`says of ${JSON.stringify(text)}: ${told}`, () => assert.equal(jsonFault(text), `is not JSON: ${told}`));
}

it('finds the character that stands where it cannot, wherever it was put', () => {
  const outside = fc.json({ maxDepth: 4 }).chain((json) => fc.tuple(fc.constant(json), fc.nat(json.length)));
  fc.assert(
    fc.property(outside, ([json, at]) => {
      const text = `${json.slice(0, at)}\u0001${json.slice(at)}`; // JSON takes this one nowhere
      assert.equal(jsonFault(text), `is not JSON: the fault is in line 1, column ${at + 1}`);
    }),
  );
});

it('calls every beginning of an object one that ends too early', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(
      objects.chain((json) => fc.tuple(fc.constant(json), fc.nat(json.length - 1))),
      ([json, size]) => {
        assert.equal(jsonFault(json.slice(0, size)), `is not JSON: it ends too early, in line 1, column ${size + 1}`);
      },
    ),
  );
});

it('finds nothing wrong with JSON', () => {
  fc.assert(fc.property(fc.json(), (json) => assert.equal(jsonFault(json), undefined)));
});
