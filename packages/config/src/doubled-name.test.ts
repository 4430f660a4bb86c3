import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { doubledName } from './doubled-name.ts';

const doubled: readonly (readonly [name: string, json: string, found: string])[] = [
  ['side by side', '{"a": 1, "a": 2}', 'a'],
  ['of the same value', '{"a": 1, "a": 1}', 'a'],
  ['deep inside', '[{"x": {"y": [{"b": {}, "c": [1], "b": []}]}}]', 'b'],
  ['around an object', '{"a": {"b": 1}, "a": 2}', 'a'],
  ['spelled with an escape', '{"measurements": [], "\\u006deasurements": "any"}', 'measurements'],
  ['that methods have', '{"__proto__": 1, "__proto__": 2}', '__proto__'],
  ['that is empty', '{"":1,"":2}', ''],
  ['that holds a quote and a colon', '{"a\\":{": 1, "a\\":{": 2}', 'a":{'],
  ['with space before the colon', '{"a"\n:1,"a"\t:2}', 'a'],
];
for (const [name, json, found] of doubled) {
  it(`finds a name ${name}`, () => {
    assert.doesNotThrow(() => JSON.parse(json));
    assert.equal(doubledName(json), found);
  });
}

it('does not take values, or names of other objects, for doubled names', () => {
  for (const json of [
    '["a","a"]',
    '{"a":"a","b":"a"}',
    '[{"a":1},{"a":2}]',
    '{"a":{"a":{"a":1}}}',
    '{"a":"{\\"a\\":1"}',
  ])
    assert.equal(doubledName(json), undefined, json);
});

it('finds none in what was written by JSON.stringify, and any that is added', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), fc.json(), (inner, name, value) => {
      assert.equal(doubledName(inner), undefined);
      const member = `${JSON.stringify(name)}:${value}`;
      assert.equal(doubledName(`[${inner},{${member},${member}}]`), name);
    }),
  );
});
