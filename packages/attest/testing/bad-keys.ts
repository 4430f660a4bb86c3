/** Keys that are none, and signatures that two libraries are known to judge differently. */
import assert from 'node:assert/strict';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromHex, toHex, utf8 } from '../src/bytes.ts';
import type { PublicKey } from '../src/crypto/port.ts';
import { makeKey, type Signed } from './signatures.ts';

export const numberOf = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
export const bytesOf = (value: bigint, size: number) => fromHex(value.toString(16).padStart(2 * size, '0'), size);

const prime = { p256: p256.Point.Fp.ORDER, p384: p384.Point.Fp.ORDER } as const;

/** Each with what is wrong about it. */
export function badKeys(): [string, PublicKey][] {
  const keys: [string, PublicKey][] = [];
  for (const kind of ['p256', 'p384'] as const) {
    const pair = makeKey(kind).key;
    if (!('point' in pair)) throw new TypeError('not a point');
    const width = pair.point.length / 2;
    const [x, y] = [pair.point.subarray(0, width), pair.point.subarray(width)];
    const [smallX, itsY] = smallPoint(kind);
    const points: Record<string, Uint8Array> = {
      'without bytes': new Uint8Array(0),
      'at infinity': new Uint8Array(1),
      'of zeros': new Uint8Array(2 * width),
      'of ones': new Uint8Array(2 * width).fill(0xff),
      'off its curve': concat(x, bytesOf((numberOf(y) + 1n) % prime[kind], width)),
      'with coordinates swapped': concat(y, x),
      'with X above the prime': concat(bytesOf(prime[kind] + smallX, width), bytesOf(itsY, width)),
      'one byte short': pair.point.subarray(1),
      'one byte long': concat(pair.point, Uint8Array.of(0)),
      'with the uncompressed mark': concat(Uint8Array.of(4), pair.point),
      'of the other size': new Uint8Array(kind === 'p256' ? 96 : 64).fill(1),
    };
    for (const [what, point] of Object.entries(points)) keys.push([`a ${kind} point ${what}`, { kind, point }]);
  }
  const weak = ED25519_TORSION_SUBGROUP.map((hex) => fromHex(hex));
  const offCurve = bytesOf(2n, 32).toReversed();
  const aboveP = bytesOf(2n ** 255n - 19n + 3n, 32).toReversed(); // with Y = 3 there is a point, with Y = 2 none
  assert.ok(ed25519.Point.fromBytes(bytesOf(3n, 32).toReversed()));
  for (const bytes of [...weak, offCurve, aboveP, new Uint8Array(31), new Uint8Array(33), new Uint8Array(0)]) {
    keys.push([`Ed25519 ${toHex(bytes)}`, { kind: 'ed25519', bytes }]);
  }
  const { key: rsa } = makeKey('rsa');
  if (rsa.kind !== 'rsa') throw new TypeError('not RSA');
  const even = rsa.modulus.with(-1, (rsa.modulus.at(-1) as number) & 0xfe);
  const moduli: Record<string, Uint8Array> = {
    empty: new Uint8Array(0),
    zero: new Uint8Array(256),
    even,
    'of 2047 bits': rsa.modulus.with(0, 0x7f),
    'of 1024 bits': rsa.modulus.subarray(128).with(0, 0xff),
    'above 8192 bits': concat(new Uint8Array(1025 - 256).fill(0xab), rsa.modulus),
    'with a zero before it': concat(Uint8Array.of(0), rsa.modulus),
  };
  for (const [what, modulus] of Object.entries(moduli)) keys.push([`modulus ${what}`, { ...rsa, modulus }]);
  for (const hex of ['', '00', '01', '02', '010000', '00010001', '0100000001']) {
    keys.push([`exponent ${hex}`, { ...rsa, exponent: fromHex(hex) }]);
  }
  return keys;
}

/** One good signature, and what becomes of it with R moved by a point of order 8, or with the order added to s. */
export function ed25519Twists(): { good: Signed; shifted: Signed; large: Signed } {
  const { Point } = ed25519;
  const secret = ed25519.utils.randomSecretKey();
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(secret);
  const message = utf8('text');
  const nonce = 12345n;
  const made = (commitment: Uint8Array, more: bigint): Signed => {
    const k = numberOf(sha512(concat(commitment, pointBytes, message)).toReversed()) % Point.Fn.ORDER;
    const s = ((nonce + k * scalar) % Point.Fn.ORDER) + more;
    const signature = concat(commitment, bytesOf(s, 32).toReversed());
    return { name: 'twist', key: { kind: 'ed25519', bytes: pointBytes }, scheme: 'ed25519', message, signature };
  };
  const plain = Point.BASE.multiply(nonce);
  const order8 = Point.fromHex(ED25519_TORSION_SUBGROUP[1] as string);
  const shifted = made(plain.add(order8).toBytes(), 0n);
  assert.equal(ed25519.verify(shifted.signature, message, pointBytes), true, 'the twist is one');
  return { good: made(plain.toBytes(), 0n), shifted, large: made(plain.toBytes(), Point.Fn.ORDER) };
}

/** A point whose X is small enough to be written a second time, with the prime added. */
function smallPoint(kind: 'p256' | 'p384'): [bigint, bigint] {
  const { Point } = kind === 'p256' ? p256 : p384;
  for (let x = 1n; x < 100n; x++) {
    try {
      return [x, Point.fromBytes(concat(Uint8Array.of(2), bytesOf(x, kind === 'p256' ? 32 : 48))).toAffine().y];
    } catch {
      // no such point: the next
    }
  }
  throw new TypeError('half of all X have a point');
}
