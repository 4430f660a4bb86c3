import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { loadVectors, type Refused } from '../testing/vectors.ts';
import {
  checkPow,
  decodePowChallenge,
  decodePowResponse,
  encodePowChallenge,
  encodePowResponse,
  solvePow,
} from './index.ts';
import { zeroBits } from './pow.ts';

interface Solution {
  readonly salt: string;
  readonly difficulty: number;
  readonly nonce: string;
}
const vectors = loadVectors<{
  smallest: Solution[];
  wrong: (Solution & { name: string })[];
  refusedChallenges: Refused[];
  refusedResponses: Refused[];
}>('pow');

for (const { salt, difficulty, nonce } of vectors.smallest) {
  it(`finds ${nonce}, the smallest nonce for ${difficulty} bits, and accepts it`, () => {
    const bytes = Buffer.from(salt, 'hex');
    assert.equal(solvePow(bytes, difficulty), BigInt(nonce));
    assert.ok(checkPow(bytes, BigInt(nonce), difficulty));
  });
}

for (const { name, salt, difficulty, nonce } of vectors.wrong) {
  it(`does not accept ${name}`, () => {
    assert.equal(checkPow(Buffer.from(salt, 'hex'), BigInt(nonce), difficulty), false);
  });
}

it('counts the zero bits of any hash as a 64-bit number from its first eight bytes', () => {
  const property = fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(2 ** 31), (salt, nonce) => {
    const message = Buffer.alloc(24);
    message.set(salt);
    message.writeBigInt64LE(BigInt(nonce), 16);
    const zeros = 64 - bitLength(createHash('sha256').update(message).digest().readBigUInt64LE(0));
    assert.ok(checkPow(salt, BigInt(nonce), zeros));
    assert.equal(checkPow(salt, BigInt(nonce), zeros + 1), false);
    // the solver's own SHA-256 sees the same hash
    const only = { minNonce: BigInt(nonce), maxNonce: BigInt(nonce) };
    assert.equal(solvePow(salt, zeros, only), BigInt(nonce));
    assert.throws(() => solvePow(salt, zeros + 1, only), { code: 'WIRE_POW_UNSOLVED' });
  });
  fc.assert(property, { numRuns: 300 });
});

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

it('counts on past the upper half of the number, where no test can mine', () => {
  const halves: readonly [number, number, number][] = [
    [1, 0, 31],
    [0, 0xffff_ffff, 32],
    [0, 1, 63],
    [0, 0, 64],
    [-1, 0, 0],
  ];
  for (const [high, low, zeros] of halves) assert.equal(zeroBits(high, low), zeros);
});

it('solves with a salt at any offset and with nonces beyond 32 bits', () => {
  const salt = Buffer.concat([Buffer.from([9, 9, 9]), Buffer.alloc(16, 5)]).subarray(3);
  const nonce = solvePow(salt, 8, { minNonce: 2n ** 33n + 7n });
  assert.ok(nonce > 2n ** 33n && checkPow(salt, nonce, 8));
});

it('takes the first nonce where nothing is asked', () => {
  assert.equal(solvePow(Buffer.alloc(16), 0), 0n);
  assert.ok(checkPow(Buffer.alloc(16), -1n, 0));
});

it('gives back the messages of the puzzle', () => {
  const challenge = { difficulty: 20, salt: Buffer.alloc(16, 7) };
  assert.deepEqual(decodePowChallenge(encodePowChallenge(challenge)), challenge);
  for (const nonce of [0n, -(2n ** 63n), 2n ** 63n - 1n]) {
    assert.deepEqual(decodePowResponse(encodePowResponse({ nonce })), { nonce });
  }
  assert.throws(() => encodePowChallenge({ ...challenge, difficulty: 65 }), RangeError);
  assert.throws(() => encodePowChallenge({ ...challenge, salt: Buffer.alloc(15) }), RangeError);
});

for (const { name, hex, code } of vectors.refusedChallenges) {
  it(`refuses a challenge with ${name}`, () => {
    assert.throws(() => decodePowChallenge(Buffer.from(hex, 'hex')), { code });
  });
}

for (const { name, hex, code } of vectors.refusedResponses) {
  it(`refuses a response with ${name}`, () => {
    assert.throws(() => decodePowResponse(Buffer.from(hex, 'hex')), { code });
  });
}
