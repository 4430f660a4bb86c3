import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonError, membersOf, memberValue, splice } from './index.ts';

const OURS = new Set(['timeout', 'max_coefficient', '']);
const names = fc.oneof(
  fc.constantFrom('timeout', 'max_coefficient', 'model', '__proto__', 'a"b\\', 'é', '\u2028'),
  fc.string(),
);
const objects = fc.dictionary(names, fc.jsonValue(), { maxKeys: 8 });
/** JSON text with blanks between all tokens that `JSON.stringify` separates by lines. */
const texts = fc
  .tuple(objects, fc.constantFrom('', ' ', '\t', '  \r'))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

test('the spliced object is the parsed object without the removed members', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const json = Buffer.from(text);
      const out = splice(json, membersOf(json), OURS, ['"added":1.0']);
      const expected = new Map(Object.entries(JSON.parse(text) as object).filter(([name]) => !OURS.has(name)));
      expected.set('added', 1);
      assert.deepEqual(new Map(Object.entries(JSON.parse(out.toString()) as object)), expected);
    }),
  );
});

test('it finds the names and values that JSON.parse finds', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const json = Buffer.from(text);
      const found = membersOf(json).map((member) => [member.name, memberValue(json, member)]);
      assert.deepEqual(found, Object.entries(JSON.parse(text) as object).sort(byPlaceIn(found)));
    }),
  );
});

/** `Object.entries` puts names that look like numbers first; the text has its own order. */
function byPlaceIn(found: readonly unknown[][]) {
  const place = new Map(found.map(([name], i) => [name, i]));
  return ([a]: [string, unknown], [b]: [string, unknown]) => (place.get(a) ?? 0) - (place.get(b) ?? 0);
}

test('it accepts exactly what JSON.parse accepts, and says no more than where it failed', () => {
  const broken = fc
    .tuple(
      texts,
      fc.nat(),
      fc.constantFrom('', '"', '\\', '{', '}', '[', ',', ':', '0', '-', 'e', '.', 't', '\u0000', '\ufeff', 'secret'),
    )
    .map(([text, at, insert]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + insert + text.slice(cut + (at % 3));
    });
  fc.assert(
    fc.property(broken, (text) => {
      const json = Buffer.from(text);
      let valid = true;
      try {
        const value = JSON.parse(json.toString()) as unknown;
        valid = typeof value === 'object' && value !== null && !Array.isArray(value);
      } catch {
        valid = false;
      }
      if (valid) {
        membersOf(json);
      } else {
        assert.throws(
          () => membersOf(json),
          (error) => {
            assert.ok(error instanceof JsonError && error.code === 'JSON_MALFORMED');
            assert.match(error.message, /^not valid JSON at (its end|its start \(an object is expected\)|byte \d+)$/);
            return true;
          },
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

test('numbers, order, spelling and duplicates that are not ours survive byte for byte', () => {
  const json = Buffer.from('{ "z" : 1.0e+2 ,"timeout":3,"a":12345678901234567890, "a":[ 1 ,2],"\\u006b":"\\u00e9"}');
  const out = splice(json, membersOf(json), OURS, []);
  assert.equal(out.toString(), '{"z" : 1.0e+2,"a":12345678901234567890,"a":[ 1 ,2],"\\u006b":"\\u00e9"}');
  assert.equal(membersOf(json).at(-1)?.name, 'k');
});

test('nothing to change gives the same buffer back', () => {
  const json = Buffer.from('{"a":1}');
  assert.equal(splice(json, membersOf(json), OURS, []), json);
  const ours = Buffer.from(' {"timeout":1} ');
  assert.equal(splice(ours, membersOf(ours), OURS, []).toString(), '{}');
  assert.equal(splice(ours, membersOf(ours), OURS, ['"n":1']).toString(), '{"n":1}');
});

test('depth, width and encoding are bounded', () => {
  const deep = (levels: number) => Buffer.from(`{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`);
  assert.equal(membersOf(deep(511)).length, 1);
  assert.throws(() => membersOf(deep(512)), { code: 'JSON_TOO_DEEP' });
  assert.throws(() => membersOf(deep(1_000_000)), { code: 'JSON_TOO_DEEP' });
  const wide = (count: number) => Buffer.from(`{${Array.from({ length: count }, (_, i) => `"${i}":0`).join()}}`);
  assert.equal(membersOf(wide(4_096)).length, 4_096);
  assert.throws(() => membersOf(wide(4_097)), { code: 'JSON_TOO_WIDE' });
  assert.throws(() => membersOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x30, 0x7d])), { code: 'JSON_MALFORMED' });
});
