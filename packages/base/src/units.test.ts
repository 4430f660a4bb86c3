import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MAX_LONG, nanoTon, tokens } from './index.ts';

for (const door of [tokens, nanoTon]) {
  it(`${door.name} takes what a TL long holds and is not negative`, () => {
    for (const value of [0n, 1n, MAX_LONG]) assert.equal(door(value), value);
    for (const value of [-1n, MAX_LONG + 1n]) assert.throws(() => door(value), RangeError);
  });
}
