import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { findMembers, valueAt } from './json-members.ts';

const names = new Set(['model', 'stream', 'n']);

it('finds the members it was asked for, wherever they stand, and nothing inside nested values', () => {
  const json = Buffer.from('{ "messages":[{"model":"inner","x":"}]\\""}], "model" : "m\\u0031", "n":2 ,"stream":true}\n');
  const members = findMembers(json, names);
  assert.ok(members);
  assert.equal(valueAt(json, members.spans.get('model')!), 'm1');
  assert.equal(valueAt(json, members.spans.get('n')!), 2);
  assert.equal(valueAt(json, members.spans.get('stream')!), true);
  assert.equal(members.repeated, undefined);
});

it('agrees with JSON.parse on any object, however it is spaced', () => {
  const anyObject = fc.dictionary(fc.oneof(fc.constantFrom('model', 'stream', 'n'), fc.string()), fc.jsonValue());
  fc.assert(
    fc.property(anyObject, fc.constantFrom(0, 1, '\t'), (object, indent) => {
      const json = Buffer.from(JSON.stringify(object, null, indent));
      const parsed = JSON.parse(json.toString()) as Record<string, unknown>;
      const members = findMembers(json, names);
      assert.ok(members);
      assert.equal(members.empty, Object.keys(parsed).length === 0);
      for (const name of names) {
        const span = members.spans.get(name);
        assert.equal(span !== undefined, Object.hasOwn(parsed, name));
        if (span) assert.deepEqual(valueAt(json, span), parsed[name]);
      }
    }),
  );
});

it('sees a name written with escapes, so that it cannot be smuggled past the check', () => {
  const json = Buffer.from('{"mod\\u0065l":"evil"}');
  assert.equal(valueAt(json, findMembers(json, names)!.spans.get('model')!), 'evil');
});

it('reports a member that stands twice', () => {
  assert.equal(findMembers(Buffer.from('{"model":"a","model":"b"}'), names)?.repeated, 'model');
});

for (const bad of ['', 'x', '[]', '{', '{"a"}', '{"a":}', '{"a":1', '{"a":1}}', '{"a":1 "b":2}', '{"a":1,}', '{"a":nope}', '{a:1}', '{"a":"', '{"a":[1}', '{"a":01x}', '"{}"', '{"\\q":1}']) {
  it(`answers undefined to ${JSON.stringify(bad)}`, () => {
    assert.equal(findMembers(Buffer.from(bad), names), undefined);
  });
}

it('answers undefined to, or finds its way through, any bytes without throwing', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'{}[]":,\\ 1ae-.tn')), (characters) => {
      findMembers(Buffer.from(`{"a":${characters.join('')}`), names);
    }),
  );
});
