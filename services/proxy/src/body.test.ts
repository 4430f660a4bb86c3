import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readBody } from './body.ts';

const facts = (text: string) => {
  const check = readBody(Buffer.from(text));
  assert.ok(check.ok, check.ok ? '' : check.fault);
  return check.facts;
};
const fault = (text: string) => {
  const check = readBody(Buffer.from(text));
  return check.ok ? undefined : check.fault;
};

describe('reading the limits of a body', () => {
  it('finds them at the top level only', () => {
    const text = '{"a":{"max_tokens":9},"max_tokens":5,"messages":[{"n":7,"content":"\\"max_tokens\\":8"}],"n":2}';
    assert.deepEqual({ ...facts(text), prompt: undefined }, { maxTokens: 5, answers: 2, prompt: undefined });
  });

  it('takes the largest of repeated and related limits, however their names are spelled', () => {
    assert.equal(facts('{"max_tokens":5,"max_tokens":50}').maxTokens, 50);
    assert.equal(facts('{"max_tokens":5,"max_completion_tokens":60}').maxTokens, 60);
    assert.equal(facts('{"max\\u005ftokens":70}').maxTokens, 70);
    assert.equal(facts('{"n":2,"best_of":4}').answers, 4);
  });

  it('marks where the prompt is', () => {
    const text = '{"model":"m", "messages" : [{"content":"hi"}] }';
    const { prompt } = facts(text);
    assert.equal(text.slice(prompt!.start, prompt!.end), '[{"content":"hi"}]');
  });

  it('lets bodies pass that are no JSON object', () => {
    for (const text of ['', '  ', '[1]', '--boundary', '"text"']) assert.equal(facts(text).maxTokens, undefined);
  });

  it('refuses an object behind a byte order mark, which some readers skip and find limits behind', () => {
    for (const text of ['\ufeff{"max_tokens":50}', '\ufeff {"n":9}'])
      assert.match(fault(text) ?? '', /^not valid JSON/);
    assert.equal(facts('\ufeff[1]').maxTokens, undefined);
  });

  it('treats null as absent', () => {
    assert.equal(facts('{"max_tokens":null,"n":null}').maxTokens, undefined);
  });

  for (const text of [
    '{"max_tokens":-1}',
    '{"max_tokens":1.5}',
    '{"max_tokens":"5"}',
    '{"max_tokens":NaN}',
    '{"max_tokens":1e400}',
    '{"n":-2}',
    '{"max_tokens":5',
    '{"max_tokens":5}}',
    '{"max_tokens" 5}',
    '{max_tokens:5}',
    '{"a":"unended}',
    '{"a":[1}',
    '{"a":1,}',
    '{',
    '{"\\x":1}',
  ]) {
    it(`refuses ${text}`, () => assert.ok(fault(text)));
  }

  it('agrees with JSON.parse on every object', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.nat(1_000_000), fc.boolean(), (rest, maxTokens, pretty) => {
        const body = { ...rest, max_tokens: maxTokens, messages: rest };
        for (const name of ['n', 'best_of', 'max_completion_tokens', 'max_output_tokens', 'prompt', 'input']) {
          delete (body as Record<string, unknown>)[name];
        }
        const text = JSON.stringify(body, null, pretty ? 2 : 0);
        const found = facts(text);
        assert.equal(found.maxTokens, maxTokens);
        const bytes = Buffer.from(text).subarray(found.prompt!.start, found.prompt!.end);
        assert.deepEqual(JSON.parse(bytes.toString()), JSON.parse(JSON.stringify(rest)));
      }),
    );
  });

  it('survives any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readBody(Buffer.from([0x7b, ...bytes]))));
  });

  it('says where a body breaks, and nothing of what it says', () => {
    assert.equal(fault('{"secret":}'), 'not valid JSON at byte 10');
    assert.equal(fault('{"secret":"'), 'not valid JSON at its end');
    const latin1 = readBody(Buffer.from('{"secret":"\xe9"}', 'latin1'));
    assert.deepEqual(latin1, { ok: false, fault: 'not UTF-8 text' });
  });

  it('refuses nesting beyond its bound, and does not recurse into it', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    assert.ok(facts(nested(511)));
    assert.match(fault(nested(200_000))!, /^nested too deep/);
  });
});
