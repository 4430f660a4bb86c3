import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseRootData, type RootData, rootDataCell } from '@bombyx/ton';
import { NOBODY } from './purse.ts';
import { configLines, difference, differenceText, rootLines } from './root-text.ts';
import { rootAtBirth, USUAL_MULTIPLIERS, USUAL_TERMS } from './root-work.ts';

const root: RootData = rootAtBirth(
  {
    terms: USUAL_TERMS,
    multipliers: { ...USUAL_MULTIPLIERS, cached: 1_000 },
    isTest: true,
    uniqueId: 17,
    proxies: ['203.0.113.5:1', '203.0.113.5:2 203.0.113.5:3'],
    proxyImages: [Buffer.alloc(32, 1)],
    workerImages: [],
    models: [Buffer.alloc(32, 2)],
  },
  NOBODY,
);

it('says of what nodes read the same as of what the contract holds', () => {
  const read = parseRootData(rootDataCell(root));
  assert.deepEqual(configLines(read, true), rootLines(root, true));
  assert.equal(rootLines(root, true).get('cached tokens'), '0.1×');
});

it('finds no difference between equals, and names what is new, gone and other', () => {
  const lines = rootLines(root, true);
  assert.deepEqual(difference(lines, lines), []);
  const models = [Buffer.alloc(32, 3)];
  const proxies = new Map([[2, '203.0.113.5:9']]);
  const text = differenceText(difference(lines, rootLines({ ...root, version: 2, models, proxies }, true)));
  const [gone, added] = [2, 3].map((byte) => Buffer.alloc(32, byte).toString('hex'));
  const wide = `model ${gone}`.length;
  assert.deepEqual(text.split('\n'), [
    `~ ${'version'.padEnd(wide)}  1 → 2`,
    `~ ${'proxy 2'.padEnd(wide)}  203.0.113.5:2 203.0.113.5:3 → 203.0.113.5:9`,
    `+ model ${added}`,
    `- ${'proxy 1'.padEnd(wide)}  203.0.113.5:1`,
    `- model ${gone}`,
  ]);
});
