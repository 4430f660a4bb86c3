import assert from 'node:assert/strict';
import { it } from 'node:test';
import { badge, type Column, facts, grid, records, section, tiles } from './blocks.ts';

interface Row {
  readonly name: string;
  readonly error?: string;
}
const columns: Column<Row>[] = [
  ['name', ({ name }) => name],
  ['error', ({ error }) => error],
];

it('leaves out facts, columns and sections that have nothing to say', () => {
  const shown = String(
    facts([
      ['version', '0.1.0'],
      ['git commit', ''],
      ['wallet', undefined],
    ]),
  );
  assert.match(shown, /version/);
  assert.doesNotMatch(shown, /git commit|wallet/);
  assert.equal(facts([['git commit', '']]), undefined);
  assert.equal(section('Wallet', facts([['balance', undefined]])), undefined);
  assert.equal(section('Failures', [undefined, '']), undefined);
  assert.doesNotMatch(String(tiles([['held', undefined]])), /held/);
  assert.doesNotMatch(String(records([{ name: 'a' }], columns, 'none')), /error/);
});

it('keeps a column that speaks in one row, and an empty cell really empty, so that a card can drop it', () => {
  const shown = String(records([{ name: 'a' }, { name: 'b', error: 'refused' }], columns, 'none'));
  assert.match(shown, /<th role="columnheader" class="word">error<\/th>/);
  assert.match(shown, /data-name="error"><\/td>/);
  assert.match(shown, /data-name="error">refused<\/td>/);
});

it('says so where there is no record', () => {
  assert.equal(String(records([], columns, 'No <worker>.')), '<p class="none">No &#60;worker&#62;.</p>');
});

it('escapes names, cells, labels and badges', () => {
  const hostile = '"><script>';
  const shown = [
    records([{ name: hostile }], [[hostile, ({ name }) => name]], ''),
    grid(hostile, [hostile], [[hostile, hostile]]),
    facts([[hostile, hostile]]),
    tiles([[hostile, hostile]]),
    section(hostile, hostile, hostile),
    badge('bad', hostile),
  ].join('');
  assert.ok(!shown.includes('<script') && !shown.includes('"">'));
});
