import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RandomPool } from './random-pool.ts';

/** Counts 0, 1, 2 … 255, 0 … and how often it was asked. */
function counter() {
  let next = 0;
  const source = {
    asked: 0,
    bytes(size: number) {
      source.asked += 1;
      return Uint8Array.from({ length: size }, () => next++ & 0xff);
    },
  };
  return source;
}

it('hands out every byte once, in order, over few draws', () => {
  const source = counter();
  const pool = new RandomPool(source);
  const drawn = Buffer.concat(Array.from({ length: 256 }, () => pool.bytes(32)));
  assert.equal(source.asked, 2);
  assert.ok(drawn.every((byte, i) => byte === (i & 0xff)));
});

it('never mixes the rest of one draw into the next', () => {
  const pool = new RandomPool(counter());
  for (let i = 0; i < 300; i += 1) assert.equal(pool.bytes(33).length, 33);
  assert.equal(pool.bytes(10_000).length, 10_000);
});

it('makes fractions from 0 up to, not including, 1', () => {
  assert.equal(new RandomPool({ bytes: (size) => Buffer.alloc(size) }).fraction(), 0);
  const most = new RandomPool({ bytes: (size) => Buffer.alloc(size, 0xff) }).fraction();
  assert.ok(most < 1 && most > 0.999_999);
});
