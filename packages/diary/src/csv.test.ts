import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { csvOf, type Row } from './index.ts';

const counts = {
  requests: 1n,
  prompt: 2n,
  cached: 3n,
  completion: 4n,
  reasoning: 5n,
  total: 14n,
  nanoTon: 1_500_000_000n,
};
const partyOf = (party: string): Row => ({ party, ...counts });

it('writes headings and one line a row, in CR LF', () => {
  const row: Row = { day: '2026-01-31', model: 'Qwen/Qwen3-8B', ...counts };
  assert.equal(
    csvOf([row], ['model', 'day']),
    'day,model,requests,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens,total_tokens,nanoton,ton\r\n' +
      '2026-01-31,Qwen/Qwen3-8B,1,2,3,4,5,14,1500000000,1.5\r\n',
  );
  assert.equal(csvOf([], []).split('\r\n').length, 2);
});

for (const [name, cell] of [
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
  ['+1', "'+1"],
  ['-1:abc', "'-1:abc"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', '"\'\r=1"'],
  ['plain', 'plain'],
] as const) {
  it(`writes the name ${JSON.stringify(name)} so that no spreadsheet runs it or cuts it`, () => {
    assert.equal(csvOf([partyOf(name)], ['party']).split('\r\n')[1] ?? '', `${cell},1,2,3,4,5,14,1500000000,1.5`);
  });
}

it('gives any name back to a reader of RFC 4180, a formula with its apostrophe', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '=', '"', ',', '\r', '\n', "'", ' ', '-') }), (name) => {
      const [, record] = readCsv(csvOf([partyOf(name)], ['party']));
      assert.equal(record?.[0], /^[=\-\r\n]/.test(name) ? `'${name}` : name);
      assert.equal(record?.length, 9);
    }),
  );
});

/** A reader after the grammar of RFC 4180 §2. */
function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let cells: string[] = [];
  for (let at = 0; at < text.length; ) {
    const [, quoted, plain = '', end] = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y.exec(text.slice(at)) ?? [];
    assert.ok(end !== undefined, `no CSV from ${at} on`);
    at += (quoted === undefined ? plain.length : quoted.length + 2) + end.length;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    records.push(cells);
    cells = [];
  }
  return records;
}
